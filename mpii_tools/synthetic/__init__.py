"""Drawn people: images in MPII's format, and in three dimensions with depth and cameras."""
