"""Boards: which rows a leaderboard is to have, and running those that are missing or outdated."""
