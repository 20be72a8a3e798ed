"""Errors, atomic files, the environment, native libraries, progress bars."""
