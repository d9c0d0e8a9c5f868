"""What strings the parts together: from a raster to a zone, from a zone to a release, the demo."""
