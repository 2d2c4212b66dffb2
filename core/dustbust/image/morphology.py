"""Masks: dilation, connected parts, counts."""

import numpy as np

from .. import _kernels
from ..runtime.threads import count


def dilate(mask, radius, *, threads=None):
    """A mask grown by a disc.

    Parameters
    ----------
    mask : bool (H, W)
    radius : px, 0 or more.

    Returns
    -------
    bool (H, W)

    >>> dilate(np.array([[False, False, False, True]]), 2)
    array([[False,  True,  True,  True]])
    """
    return _kernels.dilate(np.ascontiguousarray(mask, bool), int(radius), count(threads))


def strongest_near(plane, positions, radius):
    """The largest value of a plane in a disc around each of some pixels: what `dilate` does to a mask, for a float mask.

    Parameters
    ----------
    plane : float32 (H, W)
    positions : int64 (N,), row * W + column of each pixel.

    Returns
    -------
    float32 (N,)
    """
    rows, columns = np.divmod(positions, plane.shape[1])
    largest = np.zeros(positions.shape, np.float32)
    for dy in range(-radius, radius + 1):
        reach = int(np.rint(np.sqrt(radius**2 - dy**2)))
        for dx in range(-reach, reach + 1):
            inside = (
                (rows + dy >= 0)
                & (rows + dy < plane.shape[0])
                & (columns + dx >= 0)
                & (columns + dx < plane.shape[1])
            )
            largest[inside] = np.maximum(
                largest[inside], plane[rows[inside] + dy, columns[inside] + dx]
            )
    return largest


def connected(mask):
    """The connected parts of a mask, numbered in reading order: row * columns + column of each pixel, its part, how many parts there are."""
    labels, _, parts = _kernels.particles(mask, mask)
    return np.flatnonzero(mask), labels, parts


def count_particles(mask):
    """How many particles a mask has: pixels that are connected, 8 ways."""
    return _kernels.particles(mask, mask)[2]
