"""Apply Dust Mask: recovering or filling the picture under the dust."""
