"""Whole methods of other programs, read from their checkpoints: one file for each family."""
