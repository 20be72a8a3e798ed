"""P-DESTRE."""
