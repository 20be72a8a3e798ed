"""The stages of training, and checkpoints."""
