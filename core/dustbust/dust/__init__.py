"""What dust is: the mask, its density, how frames respond to it, and where it is present."""
