"""Distances and batch-hard mining, of tracklet vectors and over all pairs of clips."""
