"""DetReIDX."""
