"""Masks: dilation, connected components, counts."""

import numpy as np

from .. import _kernels
from ..runtime.threads import count
from .arrays import Labels, Mask, Plane, Positions, Values


def dilate(mask: Mask, radius: int, *, threads: int | None = None) -> Mask:
    """Grow a mask by a disc.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)
    radius : int
        Radius of the disc in px, 0 or more.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    ndarray of bool, shape (H, W)

    Examples
    --------
    >>> import numpy as np
    >>> dilate(np.array([[False, False, False, True]]), 2)
    array([[False,  True,  True,  True]])
    """
    return _kernels.dilate(np.ascontiguousarray(mask, bool), int(radius), count(threads))


def strongest_near(plane: Plane, positions: Positions, radius: int) -> Values:
    """The largest value of a plane in a disc around each of some pixels: dilation of a grey mask.

    Parameters
    ----------
    plane : ndarray of float32, shape (H, W)
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel.
    radius : int
        Radius of the disc in px.

    Returns
    -------
    ndarray of float32, shape (N,)

    Examples
    --------
    >>> import numpy as np
    >>> strongest_near(np.float32([[0, 0, 0.5, 1]]), np.array([0, 1]), 1).tolist()
    [0.0, 0.5]
    """
    rows, columns = np.divmod(positions, plane.shape[1])
    strongest = np.zeros(positions.shape, np.float32)
    for dy in range(-radius, radius + 1):
        reach = int(np.rint(np.sqrt(radius**2 - dy**2)))
        for dx in range(-reach, reach + 1):
            inside = (
                (rows + dy >= 0)
                & (rows + dy < plane.shape[0])
                & (columns + dx >= 0)
                & (columns + dx < plane.shape[1])
            )
            strongest[inside] = np.maximum(
                strongest[inside], plane[rows[inside] + dy, columns[inside] + dx]
            )
    return strongest


def connected(mask: Mask) -> tuple[Positions, Labels, int]:
    """The connected components of a mask (8 neighbours), numbered in reading order.

    Parameters
    ----------
    mask : ndarray of bool, shape (H, W)

    Returns
    -------
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel of the mask, ascending.
    labels : ndarray of int32, shape (N,)
        Number of the component of each of these pixels, from 0.
    components : int
        How many there are.

    Examples
    --------
    >>> import numpy as np
    >>> positions, labels, components = connected(np.array([[True, False, True]]))
    >>> positions.tolist(), labels.tolist(), components
    ([0, 2], [0, 1], 2)
    """
    return _kernels.particles(mask)


def count_particles(mask: Mask) -> int:
    """How many particles, connected components of 8 neighbours, a mask has."""
    return _kernels.particles(mask)[2]
