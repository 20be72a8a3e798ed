"""Records as tables and pages, and text for a terminal."""
