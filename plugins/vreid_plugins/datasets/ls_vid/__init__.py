"""LS-VID."""
