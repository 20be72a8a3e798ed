"""How trained weights are tested, one file a strategy: plain, corruption, selection."""
