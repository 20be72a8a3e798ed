"""In-tree losses, one file each."""
