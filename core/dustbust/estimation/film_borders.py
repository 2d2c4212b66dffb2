"""Film borders and holders: blocks that do not differ between the frames of a run."""

import numpy as np

from .. import _kernels
from ..image.block_grid import BLOCKS
from ..image.fixed_point import STEPS_OF_16_BIT
from ..image.morphology import connected

# Film borders and holders are the same in all frames: blocks at the edge that differ this much less than others.
STILL = 0.2


class Borders:
    """How much each block differs between the frames of a run: where none does, there is no picture.

    Parameters
    ----------
    grid : (rows, columns) of blocks.
    """

    def __init__(self, grid):
        self.frames = 0
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)

    def add(self, background):
        """Take in the background of a frame."""
        values = np.rint(background * STEPS_OF_16_BIT).astype(np.int64)
        self.frames += 1
        self._sum += values
        self._squares += values**2

    def merge(self, other):
        """Add those of another part of the run."""
        self.frames += other.frames
        self._sum += other._sum
        self._squares += other._squares

    def outside(self):
        """bool (rows, columns) of blocks: film borders and holders, which touch the edge of the frames and are the same in all of them."""
        frames = max(self.frames, 1)
        mean = self._sum / frames
        deviation = np.sqrt(np.maximum(self._squares / frames - mean**2, 0)) / STEPS_OF_16_BIT
        still = deviation < STILL * np.median(deviation)
        positions, labels, count = connected(still)
        rows, columns = still.shape
        y, x = positions // columns, positions % columns
        at_edge = np.zeros(count, bool)
        at_edge[labels[(y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1)]] = True
        at_edge &= np.bincount(labels, minlength=count) >= BLOCKS / 8
        outside = np.zeros(still.shape, bool)
        outside[y[at_edge[labels]], x[at_edge[labels]]] = True
        # The edge of a film is never quite where it was in the frame before.
        return _kernels.dilate(outside, 3, 1)
