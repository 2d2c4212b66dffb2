"""Files: which ones are meant, reading and writing them."""
