"""The files of a finished run, one module a format."""
