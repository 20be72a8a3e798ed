"""From training tracklets to weights."""
