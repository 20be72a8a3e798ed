"""Which plugins are installed, and the settings of the parts that they provide."""
