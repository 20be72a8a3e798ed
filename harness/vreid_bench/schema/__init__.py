"""What a record may hold, entry by entry."""
