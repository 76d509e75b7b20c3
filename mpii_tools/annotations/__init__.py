"""One module per annotation format, the splits, and the joints that some formats lack."""
