"""In-tree data sets: a folder for each, and beside them what several share."""
