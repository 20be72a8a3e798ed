"""Which plugins are installed, and the settings of their parts (`--set`)."""
