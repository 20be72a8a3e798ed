"""CCVID."""
