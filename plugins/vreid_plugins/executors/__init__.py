"""Executors of `leaderboard fill`."""
