"""The original method: the sum of the frames, less a heavy blur."""

import numpy as np

from ..image.filters import gaussian_blur


class SumPass:
    """The sum of the frames, in steps so small that hardly anything is rounded.

    A pass over a run, see `passes`.
    """

    STEP = 2.0**-24

    def __init__(self):
        self.total = self.frames = (
            0  # sum of the pixels that have data, and in how many frames they have
        )

    @property
    def start(self):
        return SumPass

    def look(self, plane, seen):
        steps = np.rint(plane / np.float64(self.STEP)).astype(np.int64)
        return (steps, 1) if seen is None else (steps * seen, seen.astype(np.int32))

    def take(self, number, said):
        steps, frames = said
        self.total = self.total + steps
        self.frames = self.frames + frames

    def merge(self, other):
        self.take(None, (other.total, other.frames))

    def grey(self, blur, trim, threads=None):
        """Scaled so that the maximum is 1, minus a heavy blur, absolute value, edges trimmed."""
        mean = self.total / np.maximum(self.frames, 1)
        scaled = (mean / max(mean.max(), self.STEP)).astype(np.float32)
        grey = np.abs(scaled - gaussian_blur(scaled, blur, threads))
        if trim:
            inner = np.zeros_like(grey)
            inner[trim:-trim, trim:-trim] = grey[trim:-trim, trim:-trim]
            grey = inner
        return grey
