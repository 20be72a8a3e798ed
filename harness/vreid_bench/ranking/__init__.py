"""The places of the matches in a ranking: which they are, how they are counted, re-ranked and left uncounted."""
