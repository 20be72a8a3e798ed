"""What is told of runs that have been scored: tables, the leaderboard, break-downs, comparisons."""
