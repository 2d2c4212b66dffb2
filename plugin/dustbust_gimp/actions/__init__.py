"""The three procedures, without their windows."""
