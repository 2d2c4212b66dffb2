"""Film borders and holders: blocks that do not differ between the frames of a run."""

import numpy as np

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.block_grid import BLOCKS
from ..image.fixed_point import STEPS_OF_16_BIT
from ..image.morphology import connected

# Blocks at the edge whose deviation is below this share of the median are still: no picture.
STILL = 0.2

# A still area at the edge has at least this many blocks, else it is picture.
SMALLEST_BORDER = BLOCKS / 8

# The edge of a film is never quite where it was in the frame before: blocks around.
MARGIN = 3


class Borders:
    """How much each block differs between the frames of a run.

    Parameters
    ----------
    grid : tuple of int
        (rows, columns) of blocks.
    """

    def __init__(self, grid: tuple[int, ...]) -> None:
        self.frames = 0
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)

    def add(self, background: Plane) -> None:
        """Take in the background of a frame, float32 (rows, columns)."""
        values = np.rint(background * STEPS_OF_16_BIT).astype(np.int64)
        self.frames += 1
        self._sum += values
        self._squares += values**2

    def merge(self, other: "Borders") -> None:
        """Add those of another part of the run."""
        self.frames += other.frames
        self._sum += other._sum
        self._squares += other._squares

    def outside(self) -> Mask:
        """Film borders and holders: they touch the edge, and are the same in all frames.

        Returns
        -------
        ndarray of bool, shape (rows, columns)
        """
        frames = max(self.frames, 1)
        mean = self._sum / frames
        deviation = np.sqrt(np.maximum(self._squares / frames - mean**2, 0)) / STEPS_OF_16_BIT
        still = deviation < STILL * np.median(deviation)
        positions, labels, count = connected(still)
        rows, columns = still.shape
        y, x = positions // columns, positions % columns
        at_edge = np.zeros(count, bool)
        at_edge[labels[(y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1)]] = True
        at_edge &= np.bincount(labels, minlength=count) >= SMALLEST_BORDER
        outside = np.zeros(still.shape, bool)
        outside[y[at_edge[labels]], x[at_edge[labels]]] = True
        return _kernels.dilate(outside, MARGIN, 1)
