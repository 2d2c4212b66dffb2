"""Dustbust inside GIMP 3: one module per action, and what they share."""
