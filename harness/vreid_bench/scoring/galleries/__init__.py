"""Galleries in shards: what is on disk, how it is written, checked and scored."""
