"""iLIDS-VID."""
