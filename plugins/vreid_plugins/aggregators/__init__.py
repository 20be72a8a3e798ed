"""In-tree aggregators, one file each."""
