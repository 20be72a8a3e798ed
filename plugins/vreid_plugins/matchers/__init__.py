"""In-tree matchers, one file each."""
