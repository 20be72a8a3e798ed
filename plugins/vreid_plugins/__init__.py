"""The in-tree plugins: one file for each paper, and folders of the parts that several papers share."""
