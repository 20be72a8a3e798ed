"""What the program stands on: errors, files, the machine, native modules, progress bars."""
