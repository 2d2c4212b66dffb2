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

WHOLE_WEIGHT = 65535


def block_side(shape):
    """Side in px of the blocks of the background of a frame of this shape.

    >>> block_side((4000, 6000))
    16
    """
    return max(SMALLEST_SIDE, round(max(shape) / BLOCKS))


class OpacitySums:
    """Sums of the readings of one polarity over the frames of a run.

    Parameters
    ----------
    shape : (H, W) of the frames.
    polarity : "light" or "dark".
    mask : bool (H, W) or None. Dust that is known: the background is taken from outside.

    Examples
    --------
    >>> sums = OpacitySums((60, 80), "light")
    >>> frame = np.full((60, 80), 0.5, np.float32)
    >>> frame[30, 40] = 0.75
    >>> sums.add(frame, sums.coarse(frame, threads=1), threads=1)
    >>> float(sums.opacity()[30, 40].round(3))
    0.5
    """

    def __init__(self, shape, polarity, mask=None):
        self.shape, self.polarity = tuple(shape), polarity
        self.side = block_side(shape)
        self.known = None if mask is None else ~mask
        self.readings = np.zeros(self.shape, np.int64)
        self.weights = np.zeros([-(-n // self.side) for n in self.shape], np.int64)

    def coarse(self, frame, threads=None):
        """Background, gain and weight of a frame on the grid of blocks."""
        threads = count(threads)
        mean, share = _kernels.block_means(frame, self.known, self.side, threads)
        mean = fill_gaps(mean, share)
        background = _kernels.window_median(mean, FIRST_RADIUS if self.known is None else SECOND_RADIUS, threads)
        variance = fill_gaps(_kernels.block_spread(frame, self.known, background, self.side, SPREAD_LIMIT, threads), share)
        variance = soften(variance) + np.float32(GRAIN ** 2)
        room = np.maximum(1 - background if self.polarity == "light" else background, np.float32(0.02))
        gain = (1 if self.polarity == "light" else -1) / room
        weight = 1 / (variance * gain ** 2 / np.float32(READING_DEVIATION ** 2) + 1)
        return Coarse(background, gain, np.rint(weight * WHOLE_WEIGHT))

    def add(self, frame, coarse, threads=None):
        """Add the readings of a frame: float32 (H, W) and what `coarse` gave for it."""
        _kernels.add_readings(frame, coarse.background, coarse.gain, coarse.weight, self.side, LOWEST_READING, self.readings, count(threads))
        self.weights += coarse.weight.astype(np.int64)

    def merge(self, other):
        """Add the sums of another part of the run."""
        self.readings += other.readings
        self.weights += other.weights

    def opacity(self, threads=None):
        """The mean reading of each pixel: float32 (H, W), about 0 where there is no dust."""
        weight = _kernels.interpolate(self.weights.astype(np.float32), self.side, *self.shape, count(threads))
        return (self.readings / np.maximum(weight * np.float32(_kernels.READING_STEPS), 1)).astype(np.float32)


@dataclass(frozen=True)
class Coarse:
    """What a frame is without small things, one number for each block: float32 each, `weight` in whole numbers."""
    background: np.ndarray
    gain: np.ndarray
    weight: np.ndarray


def fill_gaps(values, share, enough=0.2):
    """Blocks of which less than `enough` is known get the mean of what is known around them, near things first (a pyramid)."""
    known = (share >= enough).astype(np.float32)
    if known.all():
        return values
    levels = [(values * known, known)]
    while max(levels[-1][0].shape) > 1:
        total, weight = levels[-1]
        total, weight = _quarter(total), _quarter(weight)
        kept = np.minimum(weight, 1)
        levels.append((total / np.maximum(weight, np.float32(1e-6)) * kept, kept))
    total, weight = levels.pop()
    filled = total
    for total, weight in reversed(levels):
        filled = total + (1 - weight) * _double(filled, total.shape)
    return filled


def _quarter(plane):
    """Sums of 2 x 2."""
    rows, columns = (-(-n // 2) * 2 for n in plane.shape)
    padded = np.pad(plane, ((0, rows - plane.shape[0]), (0, columns - plane.shape[1])))
    return padded[0::2, 0::2] + padded[0::2, 1::2] + padded[1::2, 0::2] + padded[1::2, 1::2]


def _double(plane, shape):
    return _kernels.interpolate(plane, 2, *shape, 1)


def soften(plane):
    """The mean of 3 x 3 with the weights 1, 2, 1 in each direction."""
    for axis in (0, 1):
        padded = np.pad(plane, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        first, middle, last = (padded[tuple(slice(k, k + plane.shape[a]) if a == axis else slice(None) for a in (0, 1))] for k in (0, 1, 2))
        plane = np.float32(0.25) * (first + last) + np.float32(0.5) * middle
    return plane
