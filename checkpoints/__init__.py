"""Safe, atomic saving and loading of stages and training state; ImageNet initial weights."""
