"""Dustbust inside GIMP 3.

Arrows point one way: `dialogs` uses `actions`, `actions` uses `gimp`, and all three use the core
through `core`. The entry point dustbust-gimp.py joins each action with its window.
"""
