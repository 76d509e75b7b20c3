"""Predictions, other people's and ours, and the file that MPII takes."""
