"""All that is on disk: annotations, crops, datasets, synthetic people, predictions and submissions."""
