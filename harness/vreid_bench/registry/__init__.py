"""The installed plugins, and the settings of the parts that they provide."""
