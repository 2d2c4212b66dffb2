"""Coarse grids over pictures, by numpy."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating]


def grid_shape(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """How many blocks a picture has down and across."""
    return -(-shape[0] // side), -(-shape[1] // side)


def linear(coarse: Plane, side: int, shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """A grid at each pixel: linear between the middles of the blocks, level beyond them."""
    middles = [(np.arange(n) + 0.5) * side - 0.5 for n in coarse.shape]
    down = np.array([np.interp(np.arange(shape[0]), middles[0], column) for column in coarse.T]).T
    return np.array([np.interp(np.arange(shape[1]), middles[1], row) for row in down])


def blocks_of(plane: npt.NDArray, side: int) -> Iterator[tuple[tuple[int, int], npt.NDArray]]:
    """The place of each block, and its pixels."""
    for v, y in enumerate(range(0, plane.shape[0], side)):
        for u, x in enumerate(range(0, plane.shape[1], side)):
            yield (v, u), plane[y : y + side, x : x + side]
