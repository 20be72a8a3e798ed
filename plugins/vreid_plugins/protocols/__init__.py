"""Protocols over data sets of other plugins, named by name."""
