"""BUPTCampus."""
