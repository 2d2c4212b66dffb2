"""The background of a frame: what it is without small things."""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..image.arrays import Grey, Mask, Plane
from ..image.block_grid import block_side, fill_gaps
from ..image.filters import soften
from ..runtime.threads import count

# Rows of a block from which the spread of its pixels is measured.
ROWS = 4

# Radius in blocks of the median that makes the background. The second pass leaves out the dust and
# can follow the picture more closely.
FIRST_RADIUS, SECOND_RADIUS = 3, 2

# Deviation of the finest grain: the spread of a flat part of the picture is never taken for
# smaller.
GRAIN = 0.007

# A deviation from the background counts up to this, in the spread and, below the background, as a
# reading.
SPREAD_LIMIT = 0.15

# Between the background and what dust turns it into there is at least this much room.
SMALLEST_ROOM = 0.02


@dataclass(frozen=True)
class Surroundings:
    """What a frame is without small things: one number for each block.

    Parameters
    ----------
    mean : ndarray of float32, shape (rows, columns)
        Mean of the block, away from known dust.
    background : ndarray of float32, shape (rows, columns)
        Median of the means around.
    variance : ndarray of float32, shape (rows, columns)
        Variance of the pixels about the background.
    """

    mean: Plane
    background: Plane
    variance: Plane

    @classmethod
    def of(
        cls,
        plane: Grey,
        known: Mask | None = None,
        *,
        radius: int = FIRST_RADIUS,
        rows: int = ROWS,
        threads: int | None = None,
    ) -> "Surroundings":
        """Surroundings of a plane.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            Luminance, in the range of its dtype.
        known : ndarray of bool, shape (H, W), or None
            False where dust is known to be or there is no data.
        radius : int
            Radius of the median, blocks.
        rows : int
            Number of rows of a block that are used for the variance.
        threads : int or None
            Number of threads.
        """
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

    def gain(self, polarity: str) -> Plane:
        """Reading per difference from the background, (rows, columns)."""
        if polarity == "light":
            return np.asarray(1 / np.maximum(1 - self.background, np.float32(SMALLEST_ROOM)))
        return np.asarray(-1 / np.maximum(self.background, np.float32(SMALLEST_ROOM)))
