"""Tracks of a tracker, or of people who were annotated: MOTChallenge text with the frames of a video."""
