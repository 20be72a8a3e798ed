"""From frames to features: clips, corruption, the assembled model, pre-trained weights, embedding."""
