"""MARS."""
