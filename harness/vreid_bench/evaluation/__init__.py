"""How a trained model is tested: plain, corrupted, or with selected tracklets."""
