"""The background of a frame: the frame without small details."""

from dataclasses import dataclass, replace

import numpy as np

from .. import _kernels
from ..dust.film_margin import FilmMargin
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

# Upper limit of a pixel's deviation from the background, in the spread; and of a reading below the
# background.
SPREAD_LIMIT = 0.15

# At the edge of a picture in its margin, a background is known from only a share of its
# surroundings. The variance is divided by this power of that share, which is not taken for smaller
# than SMALLEST_KNOWN. With a power of 2, pictures that get darker towards their edges were still
# taken for dust (slides with sprocket holes, 36 frames). More than 4 gained nothing.
ONE_SIDED_POWER, SMALLEST_KNOWN = 4, 0.2

# Least difference between the background and the value of opaque dust.
SMALLEST_ROOM = 0.02


@dataclass(frozen=True)
class Surroundings:
    """A frame without small details: one number for each block.

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

    @classmethod
    def in_parts(
        cls,
        margin: FilmMargin | None,
        plane: Grey,
        has_data: Mask | None,
        known: Mask | None = None,
        *,
        radius: int,
    ) -> "Surroundings":
        """Surroundings of a plane whose picture and margin have nothing in common.

        Parameters
        ----------
        margin : FilmMargin or None
            The margin of the run. None: there is one part only.
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            Luminance.
        has_data : ndarray of bool, shape (H, W), or None
            False where there is no data.
        known : ndarray of bool, shape (H, W), or None
            False where dust is known to be.
        radius : int
            Radius of the median, blocks.
        """
        seen = has_data if known is None or has_data is None else known & has_data
        if margin is None or has_data is None or seen is None:
            return cls.of(plane, known if seen is None else seen, radius=radius, threads=1)
        picture, level = (
            cls.of(plane, seen & part, radius=radius, threads=1)._less_sure(has_data & part, radius)
            for part in (~margin.zone, margin.zone)
        )
        in_zone = margin.blocks()
        return cls(
            np.where(in_zone, level.mean, picture.mean),
            np.where(in_zone, level.background, picture.background),
            np.where(in_zone, level.variance, picture.variance),
        )

    def _less_sure(self, has_data: Mask, radius: int) -> "Surroundings":
        """The same with a larger variance where the background is known from one side only."""
        side = block_side(has_data.shape)
        share = _kernels.block_means(has_data.astype(np.float32), None, side, 1)[0]
        share = np.maximum(_kernels.box_blur(share, radius, 1), np.float32(SMALLEST_KNOWN))
        return replace(self, variance=self.variance / share**ONE_SIDED_POWER)

    def gain(self, polarity: str) -> Plane:
        """Reading per difference from the background, (rows, columns)."""
        if polarity == "light":
            return np.asarray(1 / np.maximum(1 - self.background, np.float32(SMALLEST_ROOM)))
        return np.asarray(-1 / np.maximum(self.background, np.float32(SMALLEST_ROOM)))
