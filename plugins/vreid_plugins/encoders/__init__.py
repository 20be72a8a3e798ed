"""In-tree encoders, one file each."""
