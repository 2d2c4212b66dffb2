"""Pictures reduced to blocks: one value for each block of pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from .arrays import Plane

# The background of a frame is made of blocks. The longer side of a frame has this many blocks, so
# the size of small details does not depend on the resolution of the scan: a block is a tenth of a
# millimetre of 35 mm film. The side of a block is at least SMALLEST_SIDE px.
BLOCKS = 384
SMALLEST_SIDE = 4


def block_side(shape: Sequence[int]) -> int:
    """Side of a block, in px, for a frame of this shape.

    >>> block_side((4000, 6000))
    16
    """
    return max(SMALLEST_SIDE, round(max(shape) / BLOCKS))


def grid_shape(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of blocks of a frame of this shape.

    >>> grid_shape((4000, 6000))
    (250, 375)
    """
    side = block_side(shape)
    return -(-shape[0] // side), -(-shape[1] // side)


def fill_gaps(values: Plane, share: Plane, enough: float = 0.2) -> Plane:
    """Fill blocks of which too little is known from the known blocks around them, nearest first.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, columns)
        Mean of the known pixels of each block.
    share : ndarray of float32, shape (rows, columns)
        Share of each block's pixels that is known, 0..1.
    enough : float
        Blocks with a smaller share are filled.

    Returns
    -------
    ndarray of float32, shape (rows, columns)

    Notes
    -----
    A pyramid of sums, as in S. J. Gortler et al., "The Lumigraph", 1996 (pull-push).
    """
    known = (share >= enough).astype(np.float32)
    if known.all():
        return values
    levels = [(values * known, known)]
    while max(levels[-1][0].shape) > 1:
        total, weight = (_sums_of_four(plane) for plane in levels[-1])
        kept = np.minimum(weight, 1)
        levels.append((total / np.maximum(weight, np.float32(1e-6)) * kept, kept))
    filled = levels.pop()[0]
    for total, weight in reversed(levels):
        rows, columns = total.shape
        filled = total + (1 - weight) * _kernels.interpolate(filled, 2, rows, columns, 1)
    return filled


def _sums_of_four(plane: Plane) -> Plane:
    rows, columns = (n + n % 2 for n in plane.shape)
    padded = np.pad(plane, ((0, rows - plane.shape[0]), (0, columns - plane.shape[1])))
    sums: Plane = padded[0::2, 0::2] + padded[0::2, 1::2] + padded[1::2, 0::2] + padded[1::2, 1::2]
    return sums


def on_pixels(blocks: npt.NDArray[Any], shape: Sequence[int]) -> npt.NDArray[Any]:
    """Values of blocks at the pixels of a frame of this shape (H, W)."""
    side = block_side(shape)
    return np.repeat(np.repeat(blocks, side, 0), side, 1)[: shape[0], : shape[1]]
