"""G2A-VReID."""
