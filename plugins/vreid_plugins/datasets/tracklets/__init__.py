"""Your own tracklets, listed in a file."""
