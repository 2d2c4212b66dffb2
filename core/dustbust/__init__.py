"""Dustbust removes dust from scanned negatives, slides and microfilm.

What stays with the scanner is dust, what stays with the subject is picture.
"""

__version__ = "0.1.0"

from .batch.clean import BatchReport, clean_frames
from .batch.masks import RunMask, estimate_runs, run_from
from .batch.receipt import verify
from .dust.mask import DustMask
from .errors import DustbustError
from .estimation.estimate import estimate_mask
from .estimation.runs import find_runs
from .files.find import find_frames
from .registration.register import Registration, register_scans
from .restoration.apply import apply_mask
from .restoration.repair import RepairReport
from .runtime.dask import dask_executor
from .stacking.stack import StackReport, stack_scans

__all__ = [
    "BatchReport",
    "DustMask",
    "DustbustError",
    "Registration",
    "RepairReport",
    "RunMask",
    "StackReport",
    "__version__",
    "apply_mask",
    "clean_frames",
    "dask_executor",
    "estimate_mask",
    "estimate_runs",
    "find_frames",
    "find_runs",
    "register_scans",
    "run_from",
    "stack_scans",
    "verify",
]
