"""The windows of the three procedures."""
