"""Predictions, other people's and ours, and the file that MPII's server takes."""
