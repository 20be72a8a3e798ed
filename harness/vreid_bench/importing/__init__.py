"""Files that other programs made, read into arrays whose meaning is known, and written for other programs."""
