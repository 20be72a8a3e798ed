"""Trackers: what a run logs, in the forms of other programs."""
