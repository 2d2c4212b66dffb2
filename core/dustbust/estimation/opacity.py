"""Opacity of the dust of a run: the share of the light that it takes, pixel by pixel.

A dust pixel that takes the share `a` of the light reads about `b + a * (w - b)`. Here `b` is what
the picture would be there (a smooth background without small things) and `w` is what opaque dust
turns it into: white for light dust, black for dark dust. So `(frame - b) / (w - b)` is one noisy
reading of `a`, and the mean over the frames is the opacity. A reading is good where the picture is
smooth and far from `w`, and poor where it is busy or nearly as light as the dust, so each is
weighted by one over its variance.

The sums are whole numbers. They can be made from parts of a run, in any order, and be added: the
bytes are the same.
"""

import numpy as np

from .. import _kernels
from ..dust.placement import Shape
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side, grid_shape
from ..runtime.threads import count
from .background import Surroundings

# Part of the deviation of a reading that no smoothness of the picture removes, in opacity: frames
# are converted differently, and particles come and go. It keeps a single smooth dark frame from
# outweighing all others. Chosen on runs of simulated film.
READING_DEVIATION = 0.03

# Readings are clipped here, for the picture may be far darker than its background.
LOWEST_READING = -0.3

# The weight of a perfect reading, in whole steps.
WHOLE_WEIGHT = 65535


class OpacitySums:
    """Sums of the readings of one kind of dust over the frames of a run.

    Parameters
    ----------
    shape : tuple of int
        (H, W) of the frames.
    polarity : {"light", "dark"}
        Kind of dust.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.background import Surroundings
    >>> from dustbust.estimation.opacity import OpacitySums
    >>> sums = OpacitySums((60, 80), "light")
    >>> plane = np.full((60, 80), 0.5, np.float32)
    >>> plane[30, 40] = 0.75
    >>> sums.add(plane, Surroundings.of(plane))
    >>> float(sums.opacity()[30, 40].round(3))
    0.5
    """

    def __init__(self, shape: Shape, polarity: str) -> None:
        self.shape, self.polarity, self.side = shape, polarity, block_side(shape)
        self.readings = np.zeros(self.shape, np.int64)
        self.weights = np.zeros(grid_shape(shape), np.int64)
        # int64 (H, W): weights of the frames without data at a pixel; None while all have data.
        self.unseen: np.ndarray[tuple[int, ...], np.dtype[np.int64]] | None = None

    def add(
        self,
        plane: Plane,
        surroundings: Surroundings,
        has_data: Mask | None = None,
        *,
        sign: int = 1,
        threads: int | None = None,
    ) -> None:
        """Add the readings of a frame.

        Parameters
        ----------
        plane : ndarray of float32, shape (H, W)
            The frame's luminance, 0..1.
        surroundings : Surroundings
            Those of the plane.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.
        sign : {1, -1}
            -1 takes the readings out again.
        threads : int or None
            Number of threads.
        """
        gain = surroundings.gain(self.polarity)
        weight = np.rint(
            WHOLE_WEIGHT / (surroundings.variance * gain**2 / np.float32(READING_DEVIATION**2) + 1)
        )
        if has_data is not None and self.unseen is None:
            self.unseen = np.zeros(self.shape, np.int64)
        _kernels.add_readings(
            plane,
            has_data,
            surroundings.background,
            gain,
            weight,
            self.side,
            LOWEST_READING,
            sign,
            self.readings,
            None if has_data is None else self.unseen,
            count(threads),
        )
        self.weights += sign * weight.astype(np.int64)

    def merge(self, other: "OpacitySums") -> None:
        """Add the sums of another part of the run."""
        self.readings += other.readings
        self.weights += other.weights
        if other.unseen is not None:
            self.unseen = other.unseen if self.unseen is None else self.unseen + other.unseen

    def opacity(self, threads: int | None = None) -> Plane:
        """Mean reading of each pixel.

        Returns
        -------
        ndarray of float32, shape (H, W)
            About 0 where there is no dust.
        """
        threads = count(threads)
        weight = _kernels.interpolate(
            self.weights.astype(np.float32), self.side, *self.shape, threads
        )
        if self.unseen is not None:
            weight -= self.unseen
        weight *= np.float32(_kernels.READING_STEPS)
        opacity: Plane = np.divide(
            self.readings,
            np.maximum(weight, 1, out=weight),
            out=weight,
            casting="same_kind",
            dtype=np.float32,
        )
        return opacity
