"""Annotations: one module per format, the splits, and the joints that some formats lack."""
