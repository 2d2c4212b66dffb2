"""Which pixels may be dust: those that stand out of the noise of an opacity map."""

import numpy as np

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side
from ..image.filters import soften
from ..image.robust import DEVIATIONS_PER_MAD
from ..runtime.threads import count

# A candidate stands out of the noise of the map by this many deviations, and takes at least this
# share of the light.
CANDIDATE_DEVIATIONS = 2.5
SMALLEST_OPACITY = 0.02

# While the background is made, what stands out by this many deviations is taken for dust. Taking
# the noise of busy places for dust would spoil the background.
LIKELY_DEVIATIONS = 4.0

# Detail of the map that stands out of its own noise by this many deviations is half kept.
GRAIN_DEVIATIONS = 3.0

# The noise of a map is measured in tiles of this many blocks; every fourth of a block's rows and
# columns is enough.
TILE_BLOCKS, SAMPLES_OF_BLOCK = 16, 4


def noise_floor(opacity: Plane, threads: int | None = None) -> Plane:
    """Standard deviation of a map where there is no dust.

    It is made from the median absolute deviation of tiles, which dust hardly changes.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map.
    threads : int or None
        Number of threads.

    Returns
    -------
    ndarray of float32, shape (H, W)
    """
    side = block_side(opacity.shape)
    tile, every = TILE_BLOCKS * side, max(1, side // SAMPLES_OF_BLOCK)
    rows, columns = (-(-n // tile) for n in opacity.shape)

    def median_of(y: int, x: int) -> float:
        part = opacity[y * tile : (y + 1) * tile : every, x * tile : (x + 1) * tile : every]
        return float(np.median(np.abs(part)))

    floor = np.array([[median_of(y, x) for x in range(columns)] for y in range(rows)], np.float32)
    height, width = opacity.shape
    deviation: Plane = _kernels.interpolate(
        soften(soften(floor)) * np.float32(DEVIATIONS_PER_MAD), tile, height, width, count(threads)
    ) + np.float32(1e-6)
    return deviation


def denoise(opacity: Plane, threads: int | None = None) -> Plane:
    """A map with its grain smoothed, but not the edges of the dust.

    Detail is kept as far as it stands out of the noise.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map.
    threads : int or None
        Number of threads.

    Returns
    -------
    ndarray of float32, shape (H, W)

    References
    ----------
    J. S. Lee, "Digital image enhancement and noise filtering by use of local statistics", 1980,
    https://doi.org/10.1109/TPAMI.1980.4766994 (Wiener's filter with local statistics).
    """
    smooth = soften(opacity)
    detail = opacity - smooth
    power = detail**2
    kept: Plane = smooth + detail * power / (
        power + (np.float32(GRAIN_DEVIATIONS) * noise_floor(detail, threads)) ** 2
    )
    return kept


def candidates(
    opacity: Plane, deviations: float = CANDIDATE_DEVIATIONS, threads: int | None = None
) -> Mask:
    """Pixels that may be dust.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map.
    deviations : float
        By how many deviations of the noise a candidate stands out.
    threads : int or None
        Number of threads.

    Returns
    -------
    ndarray of bool, shape (H, W)
    """
    floor = noise_floor(opacity, threads) * np.float32(deviations)
    return np.asarray(opacity > np.maximum(floor, np.float32(SMALLEST_OPACITY)))
