"""Dustbust removes dust from scanned negatives, slides and microfilm.

What stays with the scanner is dust, what stays with the subject is picture.
"""

from .batch.clean import clean_frames
from .batch.masks import estimate_runs, run_from
from .dust.mask import DustMask
from .errors import DustbustError
from .estimation.estimate import estimate_mask
from .estimation.runs import find_runs
from .registration.register import Registration, register_scans
from .restoration.apply import apply_mask
from .stacking.stack import StackReport, stack_scans

__all__ = [
    "DustMask",
    "DustbustError",
    "Registration",
    "StackReport",
    "apply_mask",
    "clean_frames",
    "estimate_mask",
    "estimate_runs",
    "find_runs",
    "register_scans",
    "run_from",
    "stack_scans",
]
