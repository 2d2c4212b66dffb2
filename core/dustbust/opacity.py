"""The opacity of the dust of a run: how much light it takes, pixel by pixel, from what all frames have in common.

A dust pixel that takes the share `a` of the light reads about `b + a * (w - b)`, where `b` is what the picture would be there (a smooth
background without small things) and `w` is what the dust turns it into: white for light dust, black for dark dust. So
`(frame - b) / (w - b)` is one noisy reading of `a`, and the mean over the frames is the opacity. A reading says much where the picture is
smooth and far from `w`, and little where it is busy or nearly as light as the dust: it is weighted by one over its variance.

The sums are whole numbers. They can be made from parts of a run, in any order, and be added: the bytes are the same.
"""
from dataclasses import dataclass

import numpy as np

from . import _kernels
from .threads import count

# The background is made of blocks; this many of them along the longer side of a frame, so that what counts as small does not depend on the
# resolution of the scan (a block is a tenth of a millimetre of 35 mm film), but at least SMALLEST_SIDE px each.
BLOCKS = 384
SMALLEST_SIDE = 4

# So many rows of a block tell how much its pixels differ.
ROWS = 4

# Radius in blocks of the median that makes the background. The second pass leaves out the dust and can follow the picture more closely.
FIRST_RADIUS, SECOND_RADIUS = 3, 2

# Part of the variance of a reading that no smoothness of the picture takes away, as a standard deviation of opacity: the conversion of each
# frame differs, and particles come and go. It keeps a single smooth dark frame from outweighing all the others.
READING_DEVIATION = 0.03

# Deviation of the finest grain: the spread of a flat part of the picture is never taken for smaller.
GRAIN = 0.007

# What the picture can stand out from its background counts no further than this, both in the spread and, below the background, as a reading.
SPREAD_LIMIT = 0.15
LOWEST_READING = -0.3

# Between the background and what dust turns it into there is at least so much room.
SMALLEST_ROOM = 0.02

WHOLE_WEIGHT = 65535


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
        variance = fill_gaps(_kernels.block_spread(plane, known, background, side, every, SPREAD_LIMIT, threads), share)
        return cls(mean, background, soften(variance) + np.float32(GRAIN ** 2))

    def gain(self, polarity):
        """Reading per difference from the background."""
        if polarity == "light":
            return 1 / np.maximum(1 - self.background, np.float32(SMALLEST_ROOM))
        return -1 / np.maximum(self.background, np.float32(SMALLEST_ROOM))


class OpacitySums:
    """Sums of the readings of one polarity over the frames of a run.

    Parameters
    ----------
    shape : (H, W) of the frames.
    polarity : "light" or "dark".

    Examples
    --------
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
        self.unseen = None          # int64 (H, W), the weights of the frames that have no data at a pixel; None: all have

    def add(self, plane, surroundings, seen=None, *, times=1, threads=None):
        """Add the readings of a frame: its luminance, float32 (H, W), surroundings, and `seen`, bool (H, W), False where it has no data
        (None: it has everywhere). `times` -1 takes them out again."""
        gain = surroundings.gain(self.polarity)
        weight = np.rint(WHOLE_WEIGHT / (surroundings.variance * gain ** 2 / np.float32(READING_DEVIATION ** 2) + 1))
        if seen is not None and self.unseen is None:
            self.unseen = np.zeros(self.shape, np.int64)
        _kernels.add_readings(plane, seen, surroundings.background, gain, weight, self.side, LOWEST_READING, times, self.readings,
                              None if seen is None else self.unseen, count(threads))
        self.weights += times * weight.astype(np.int64)

    def merge(self, other):
        """Add the sums of another part of the run."""
        self.readings += other.readings
        self.weights += other.weights
        if other.unseen is not None:
            self.unseen = other.unseen if self.unseen is None else self.unseen + other.unseen

    def opacity(self, threads=None):
        """The mean reading of each pixel: float32 (H, W), about 0 where there is no dust."""
        threads = count(threads)
        weight = _kernels.interpolate(self.weights.astype(np.float32), self.side, *self.shape, threads)
        if self.unseen is not None:
            weight -= self.unseen
        weight *= np.float32(_kernels.READING_STEPS)
        return np.divide(self.readings, np.maximum(weight, 1, out=weight), out=weight, casting="same_kind", dtype=np.float32)


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


def soften(plane):
    """The mean of 3 x 3 with the weights 1, 2, 1 in each direction: float32, of the same shape."""
    for _ in range(2):
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        plane = ((padded[:-2] + padded[2:]) * np.float32(0.25) + padded[1:-1] * np.float32(0.5)).T
    return np.ascontiguousarray(plane)
