"""The opacity of the dust of a run: how much light it takes, pixel by pixel, from what all frames have in common.

A dust pixel that takes the share `a` of the light reads about `b + a * (w - b)`, where `b` is what the picture would be there (a smooth
background without small things) and `w` is what the dust turns it into: white for light dust, black for dark dust. So
`(frame - b) / (w - b)` is one noisy reading of `a`, and the mean over the frames is the opacity. A reading says much where the picture is
smooth and far from `w`, and little where it is busy or nearly as light as the dust: it is weighted by one over its variance.

The sums are whole numbers. They can be made from parts of a run, in any order, and be added: the bytes are the same.
"""

import numpy as np

from .. import _kernels
from ..image.block_grid import block_side, grid_shape
from ..runtime.threads import count

# Part of the variance of a reading that no smoothness of the picture takes away, as a standard deviation of opacity: the conversion of each
# frame differs, and particles come and go. It keeps a single smooth dark frame from outweighing all the others.
READING_DEVIATION = 0.03
LOWEST_READING = -0.3
WHOLE_WEIGHT = 65535


class OpacitySums:
    """Sums of the readings of one polarity over the frames of a run.

    Parameters
    ----------
    shape : (H, W) of the frames.
    polarity : "light" or "dark".

    Examples
    --------
    >>> from dustbust.estimation.background import Surroundings
    >>> sums = OpacitySums((60, 80), "light")
    >>> plane = np.full((60, 80), 0.5, np.float32)
    >>> plane[30, 40] = 0.75
    >>> sums.add(plane, Surroundings.of(plane))
    >>> float(sums.opacity()[30, 40].round(3))
    0.5
    """

    def __init__(self, shape, polarity):
        self.shape, self.polarity, self.side = tuple(shape), polarity, block_side(shape)
        self.readings = np.zeros(self.shape, np.int64)
        self.weights = np.zeros(grid_shape(shape), np.int64)
        self.unseen = None  # int64 (H, W), the weights of the frames that have no data at a pixel; None: all have

    def add(self, plane, surroundings, seen=None, *, sign=1, threads=None):
        """Add the readings of a frame: its luminance, float32 (H, W), surroundings, and `seen`, bool (H, W), False where it has no data
        (None: it has everywhere). `sign` -1 takes them out again."""
        gain = surroundings.gain(self.polarity)
        weight = np.rint(
            WHOLE_WEIGHT / (surroundings.variance * gain**2 / np.float32(READING_DEVIATION**2) + 1)
        )
        if seen is not None and self.unseen is None:
            self.unseen = np.zeros(self.shape, np.int64)
        _kernels.add_readings(
            plane,
            seen,
            surroundings.background,
            gain,
            weight,
            self.side,
            LOWEST_READING,
            sign,
            self.readings,
            None if seen is None else self.unseen,
            count(threads),
        )
        self.weights += sign * weight.astype(np.int64)

    def merge(self, other):
        """Add the sums of another part of the run."""
        self.readings += other.readings
        self.weights += other.weights
        if other.unseen is not None:
            self.unseen = other.unseen if self.unseen is None else self.unseen + other.unseen

    def opacity(self, threads=None):
        """The mean reading of each pixel: float32 (H, W), about 0 where there is no dust."""
        threads = count(threads)
        weight = _kernels.interpolate(
            self.weights.astype(np.float32), self.side, *self.shape, threads
        )
        if self.unseen is not None:
            weight -= self.unseen
        weight *= np.float32(_kernels.READING_STEPS)
        return np.divide(
            self.readings,
            np.maximum(weight, 1, out=weight),
            out=weight,
            casting="same_kind",
            dtype=np.float32,
        )
