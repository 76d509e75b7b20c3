"""The cascade: heatmaps of a pose, a stage, stages in a row, and the folder that holds them."""
