"""Re-ranking: distances that also use the neighbours of each item."""
