"""Blurs whose cost does not depend on their radius."""

import numpy as np

from .. import _kernels
from ..runtime.threads import count
from .arrays import Plane


def gaussian_blur(plane: Plane, sigma: float, threads: int | None = None) -> Plane:
    """Blur with very nearly a Gaussian: three box blurs, whose cost does not depend on `sigma`.

    At the edges of the picture each box averages over its part inside the picture.

    Parameters
    ----------
    plane : ndarray of float32, shape (H, W)
    sigma : float
        Standard deviation in px, 1 or more.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    ndarray of float32, shape (H, W)

    References
    ----------
    W. M. Wells, "Efficient synthesis of Gaussian filters by cascaded uniform filters", IEEE PAMI 8,
    1986, doi:10.1109/TPAMI.1986.4767776. A box of width w has the variance (w^2 - 1) / 12, and
    variances add up.

    Examples
    --------
    >>> import numpy as np
    >>> float(gaussian_blur(np.ones((5, 5), np.float32), 2.0)[2, 2])
    1.0
    """
    plane = np.ascontiguousarray(plane, np.float32)
    width = np.sqrt(12 * sigma**2 / 3 + 1)
    low = max(int((width - 1) / 2), 0)  # radius of the narrower boxes
    wider = int(
        np.clip(round((12 * sigma**2 - 3 * ((2 * low + 1) ** 2 - 1)) / (8 * low + 8)), 0, 3)
    )
    for radius in [low] * (3 - wider) + [low + 1] * wider:
        plane = _kernels.box_blur(plane, radius, count(threads))
    return plane


def soften(plane: Plane) -> Plane:
    """The mean of 3 x 3 values, weighted 1, 2, 1 in each direction.

    Parameters
    ----------
    plane : ndarray of float32, shape (H, W)

    Returns
    -------
    ndarray of float32, shape (H, W)
    """
    for _ in range(2):
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        plane = ((padded[:-2] + padded[2:]) * np.float32(0.25) + padded[1:-1] * np.float32(0.5)).T
    return np.ascontiguousarray(plane)
