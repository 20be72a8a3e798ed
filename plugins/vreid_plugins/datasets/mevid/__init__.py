"""MEVID."""
