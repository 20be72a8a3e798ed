"""What is told of scored runs: tables, the leaderboard, break-downs, comparisons. Percent and ± exist only here."""
