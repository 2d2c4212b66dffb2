"""Dustbust takes dust off scanned negatives and microfilm: what stays with the scanner is dust, what stays with the subject is picture."""
from .errors import DustbustError
from .estimate import estimate_mask
from .mask import DustMask

__all__ = ["DustbustError", "DustMask", "estimate_mask"]
