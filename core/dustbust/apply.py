"""Apply Dust Mask: one frame without its dust."""
import warnings

import numpy as np

from .arrays import check_image
from .fill import fill_boxes
from .mask import DustMask

METHODS = ("fill",)


def apply_mask(frame, dust, *, method="fill", threads=None, **options):
    """Take the dust off a frame.

    Parameters
    ----------
    frame : uint8, uint16 or float32, (H, W) or (H, W, C); left as it is.
    dust : a `DustMask`; or a mask from anywhere, (H, W): bool, or float as opacity of the repair (0 leaves a pixel alone).
    method : "fill", the original: repeated means over the known pixels of a box.
    options : of the method, see `dustbust.fill.fill_boxes`.

    Returns
    -------
    clean : like `frame`. Pixels away from dust are the same bit for bit.

    Warns
    -----
    RuntimeWarning
        when pixels could not be filled within the number of passes.

    >>> frame = np.full((9, 9), 100, np.uint8)
    >>> frame[4, 4] = 255
    >>> int(apply_mask(frame, frame == 255).max()) < 120
    True
    """
    frame = check_image(frame, "frame")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    dusty, strength = binary_and_strength(dust)
    clean, failures = fill_boxes(frame, dusty, strength=strength, threads=threads, **options)
    if failures:
        warnings.warn(f"{failures} pixels could not be filled: no picture within reach after the last pass", RuntimeWarning, stacklevel=2)
    return clean


def binary_and_strength(dust):
    """What to repair (bool) and how strongly (float32, or None for fully)."""
    if isinstance(dust, DustMask):
        return dust.binary(), None
    dust = np.asarray(dust)
    if dust.dtype == np.bool_:
        return dust, None
    if dust.dtype.kind != "f":
        raise TypeError(f"dust must be a DustMask or an array of bool or float, not {dust.dtype}")
    return dust > 0, np.clip(dust, 0, 1).astype(np.float32)
