"""Where the matches of each query stand in its ranking."""
