"""Estimate Dust Mask: from the frames of a run to a mask."""
