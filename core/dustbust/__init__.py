"""Dustbust takes dust off scanned negatives and microfilm: what stays with the scanner is dust, what stays with the subject is picture."""
from .apply import apply_mask
from .batch import clean_frames
from .errors import DustbustError
from .estimate import estimate_mask
from .mask import DustMask
from .register import Registration, register_scans
from .runs import estimate_runs, find_runs, run_from
from .stack import StackReport, stack_scans

__all__ = ["DustbustError", "DustMask", "Registration", "StackReport", "apply_mask", "clean_frames", "estimate_mask", "estimate_runs",
           "find_runs", "register_scans", "run_from", "stack_scans"]
