"""Files: finding, reading and writing them."""
