"""The rendered world in which motion tells people apart."""
