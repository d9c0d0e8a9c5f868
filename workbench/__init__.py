"""Land-cover annotation workbench."""
