"""In-tree protocols, one file each."""
