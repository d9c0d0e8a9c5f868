"""The labelling desk: a napari plugin in which photo-interpreters pick regions and give them classes."""
