"""The in-tree plugins: one paper, one file, and beside them what several papers share."""
