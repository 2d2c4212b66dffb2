"""Dustbust removes dust from scanned negatives, slides and microfilm.

Dust stays with the scanner, and the picture stays with the subject.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .batch.clean import clean_frames
    from .batch.masks import RunMask, estimate_runs, run_from
    from .batch.receipt import verify
    from .batch.report import BatchPlan, BatchReport
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

# Public names and their modules. A module is imported when its first name is used, so that a
# program that only stacks does not wait for the import of the modules that clean files.
_MODULES = {
    "BatchPlan": "batch.report",
    "BatchReport": "batch.report",
    "DustMask": "dust.mask",
    "DustbustError": "errors",
    "Registration": "registration.register",
    "RepairReport": "restoration.repair",
    "RunMask": "batch.masks",
    "StackReport": "stacking.stack",
    "apply_mask": "restoration.apply",
    "clean_frames": "batch.clean",
    "dask_executor": "runtime.dask",
    "estimate_mask": "estimation.estimate",
    "estimate_runs": "batch.masks",
    "find_frames": "files.find",
    "find_runs": "estimation.runs",
    "register_scans": "registration.register",
    "run_from": "batch.masks",
    "stack_scans": "stacking.stack",
    "verify": "batch.receipt",
}

__all__ = [
    "BatchPlan",
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


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value
    if any(module.partition(".")[0] == name for module in _MODULES.values()):
        for public in _MODULES:  # dustbust.files.read, say, without an import of its own
            __getattr__(public)
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
