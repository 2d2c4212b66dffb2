"""The background of a frame: what it is without small things."""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..image.block_grid import block_side, fill_gaps
from ..image.filters import soften
from ..runtime.threads import count

# So many rows of a block tell how much its pixels differ.
ROWS = 4

# Radius in blocks of the median that makes the background. The second pass leaves out the dust and can follow the picture more closely.
FIRST_RADIUS, SECOND_RADIUS = 3, 2

# Deviation of the finest grain: the spread of a flat part of the picture is never taken for smaller.
GRAIN = 0.007

# What the picture can stand out from its background counts no further than this, both in the spread and, below the background, as a reading.
SPREAD_LIMIT = 0.15

# Between the background and what dust turns it into there is at least so much room.
SMALLEST_ROOM = 0.02


@dataclass(frozen=True)
class Surroundings:
    """What a frame is without small things: float32 (rows, columns), one number for each block.

    Parameters
    ----------
    mean : of the block, away from known dust.
    background : median of the means around.
    variance : by which pixels differ from the background.
    """

    mean: np.ndarray
    background: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, plane, known=None, *, radius=FIRST_RADIUS, rows=ROWS, threads=None):
        """Those of a plane float32 (H, W); `known`: bool (H, W), False where dust is known to be or there is no data, or None;
        `radius` of the median in blocks; `rows` of a block that are looked at for the variance."""
        threads = count(threads)
        side = block_side(plane.shape)
        mean, share = _kernels.block_means(plane, known, side, threads)
        mean = fill_gaps(mean, share)
        background = _kernels.window_median(mean, radius, threads)
        every = max(1, side // rows)
        variance = fill_gaps(
            _kernels.block_spread(plane, known, background, side, every, SPREAD_LIMIT, threads),
            share,
        )
        return cls(mean, background, soften(variance) + np.float32(GRAIN**2))

    def gain(self, polarity):
        """Reading per difference from the background."""
        if polarity == "light":
            return 1 / np.maximum(1 - self.background, np.float32(SMALLEST_ROOM))
        return -1 / np.maximum(self.background, np.float32(SMALLEST_ROOM))
