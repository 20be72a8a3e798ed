"""What a plugin gives and gets: data sets, parts, recipes, protocols, hooks."""
