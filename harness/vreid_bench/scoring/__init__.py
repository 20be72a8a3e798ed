"""From distances or features to scores: ranks, matches and junk, re-ranking, conventions, intervals."""
