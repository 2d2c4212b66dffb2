"""Apply Dust Mask: bringing back or filling what is under the dust."""
