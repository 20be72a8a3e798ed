"""Boards as self-contained HTML pages with figures."""
