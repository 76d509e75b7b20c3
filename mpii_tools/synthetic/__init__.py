"""Drawn people in MPII's format."""
