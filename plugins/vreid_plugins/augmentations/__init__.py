"""In-tree augmentations, one file each."""
