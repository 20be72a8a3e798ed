"""From distances or features to scores: ranks, conventions, intervals, comparisons."""
