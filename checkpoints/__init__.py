"""Safe, atomic saving and loading of stages and of training checkpoints; pretrained weights."""
