"""Iterative error feedback: heatmaps, stages, the cascade, training, prediction and the command line."""
