"""Images on disk: their places, their headers, and decoding what a crop needs of them."""
