"""Preprocessed crops: written once, read in batches, augmented on the device."""
