"""Pictures reduced to blocks, a number for each."""

import numpy as np

from .. import _kernels

# The background is made of blocks; this many of them along the longer side of a frame, so that what counts as small does not depend on the
# resolution of the scan (a block is a tenth of a millimetre of 35 mm film), but at least SMALLEST_SIDE px each.
BLOCKS = 384
SMALLEST_SIDE = 4


def block_side(shape):
    """Side in px of the blocks of the background of a frame of this shape.

    >>> block_side((4000, 6000))
    16
    """
    return max(SMALLEST_SIDE, round(max(shape) / BLOCKS))


def grid_shape(shape):
    """How many blocks there are down and across."""
    side = block_side(shape)
    return tuple(-(-n // side) for n in shape)


def fill_gaps(values, share, enough=0.2):
    """Blocks of which less than `enough` is known get the mean of what is known around them, near things first (a pyramid)."""
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
        filled = total + (1 - weight) * _kernels.interpolate(filled, 2, *total.shape, 1)
    return filled


def _sums_of_four(plane):
    rows, columns = (n + n % 2 for n in plane.shape)
    padded = np.pad(plane, ((0, rows - plane.shape[0]), (0, columns - plane.shape[1])))
    return padded[0::2, 0::2] + padded[0::2, 1::2] + padded[1::2, 0::2] + padded[1::2, 1::2]


def on_pixels(blocks, shape):
    """Numbers of blocks at the pixels of a picture of this shape."""
    side = block_side(shape)
    return np.repeat(np.repeat(blocks, side, 0), side, 1)[: shape[0], : shape[1]]
