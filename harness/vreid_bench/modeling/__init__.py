"""From frames to features: clips, networks, pre-trained weights."""
