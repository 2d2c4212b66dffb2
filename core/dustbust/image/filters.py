"""Blurs whose cost does not depend on their radius."""

import numpy as np

from .. import _kernels
from ..runtime.threads import count


def gaussian_blur(plane, sigma, threads=None):
    """Very nearly a Gaussian blur: three box blurs in a row, whose cost does not depend on `sigma`.

    At the border the boxes average over what is inside the picture.

    Parameters
    ----------
    plane : float32 (H, W)
    sigma : standard deviation in px, 1 or more.

    Returns
    -------
    float32 (H, W)

    Notes
    -----
    Box sizes after W. M. Wells, "Efficient synthesis of Gaussian filters by cascaded uniform filters", 1986:
    a box of width w has the variance (w^2 - 1) / 12, and variances add up.

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


def soften(plane):
    """The mean of 3 x 3 with the weights 1, 2, 1 in each direction: float32, of the same shape."""
    for _ in range(2):
        padded = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
        plane = ((padded[:-2] + padded[2:]) * np.float32(0.25) + padded[1:-1] * np.float32(0.5)).T
    return np.ascontiguousarray(plane)
