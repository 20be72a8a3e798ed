"""How trained weights are tested, one file for each strategy: plain, corruption, selection."""
