"""Images on disk: where they are, their headers, decoding the part that a crop needs."""
