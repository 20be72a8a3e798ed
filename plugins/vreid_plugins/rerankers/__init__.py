"""Re-rankers."""
