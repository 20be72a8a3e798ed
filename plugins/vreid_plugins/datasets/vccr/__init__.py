"""VCCR."""
