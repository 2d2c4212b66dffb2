"""What the three procedures do, without a window."""
