"""Distances changed by how the gallery lies."""
