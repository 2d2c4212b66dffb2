"""The help pages that are installed with the plug-in."""
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "help"
