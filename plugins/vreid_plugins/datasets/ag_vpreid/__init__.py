"""AG-VPReID."""
