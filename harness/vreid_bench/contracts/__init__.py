"""What a plugin receives and returns: data sets, parts, recipes, protocols, conventions, hooks."""
