"""Whether dust is lighter or darker than the picture."""

POLARITIES = ("light", "dark", "both")
SIGNS = {"light": 1, "dark": -1, "both": 0}  # of a polarity, in what follows
POLARITIES_TO_ESTIMATE = ("light", "dark", "both", "auto")
