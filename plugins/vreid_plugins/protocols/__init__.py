"""Protocols that use data sets of other plugins by name."""
