"""Finds the pixels that may be dust: those that stand out of the noise of an opacity map."""

from collections.abc import Sequence

import numpy as np

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side, grid_shape
from ..image.filters import soften
from ..image.robust import DEVIATIONS_PER_MAD
from ..runtime.threads import count

# A candidate stands out of the noise of the map by this many deviations, and takes at least this
# share of the light.
CANDIDATE_DEVIATIONS = 2.5
SMALLEST_OPACITY = 0.02

# While the background is made, pixels that stand out by this many deviations count as dust. With a
# lower limit, the noise of busy places would count as dust and spoil the background.
LIKELY_DEVIATIONS = 4.0

# Detail of the map that stands out of its own noise by this many deviations is half kept.
GRAIN_DEVIATIONS = 3.0

# The noise of a map is measured in tiles of this many blocks; every fourth of a block's rows and
# columns is enough.
TILE_BLOCKS, SAMPLES_OF_BLOCK = 16, 4


def tile_of(shape: Sequence[int]) -> tuple[int, int]:
    """Side of a tile of a map of this shape, and of which rows and columns its noise is measured.

    >>> tile_of((4000, 6000))
    (256, 4)
    """
    side = block_side(shape)
    return TILE_BLOCKS * side, side // SAMPLES_OF_BLOCK


def deviation_of_tiles(medians: Plane) -> Plane:
    """Standard deviation of the noise, from the medians of absolute values of tiles."""
    deviation: Plane = soften(soften(medians)) * np.float32(DEVIATIONS_PER_MAD) + np.float32(1e-6)
    return deviation


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
    ndarray of float32, shape (rows, columns)
        Of each tile, see `tile_of`; in between it changes evenly.
    """
    return deviation_of_tiles(
        _kernels.tile_medians(opacity, *tile_of(opacity.shape), count(threads))
    )


def noise_of(floor: Plane, shape: Sequence[int], inside: Mask | None = None) -> float:
    """The usual noise of a map: the median of `noise_floor` over its pixels.

    Parameters
    ----------
    floor : ndarray of float32, shape (rows, columns)
        As `noise_floor` gives it for a map of the shape (H, W).
    shape : tuple of int
        (H, W).
    inside : ndarray of bool, shape (block rows, block columns), or None
        Blocks that count; None: all.
    """
    rows, columns = grid_shape(shape)
    blocks = _kernels.interpolate(floor, TILE_BLOCKS, rows, columns, 1)
    return float(np.median(blocks if inside is None else blocks[inside]))


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
    tile, every = tile_of(opacity.shape)
    medians = _kernels.detail_medians(opacity, tile, every, count(threads))
    floor = np.float32(GRAIN_DEVIATIONS) * deviation_of_tiles(medians)
    return _kernels.denoise(opacity, floor, tile, count(threads))


def candidates(
    opacity: Plane,
    floor: Plane,
    deviations: float = CANDIDATE_DEVIATIONS,
    threads: int | None = None,
) -> Mask:
    """Pixels that may be dust.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map.
    floor : ndarray of float32, shape (rows, columns)
        Its noise, see `noise_floor`.
    deviations : float
        By how many deviations of the noise a candidate stands out.
    threads : int or None
        Number of threads.

    Returns
    -------
    ndarray of bool, shape (H, W)
    """
    return _kernels.stands_out(
        opacity,
        floor * np.float32(deviations),
        tile_of(opacity.shape)[0],
        SMALLEST_OPACITY,
        count(threads),
    )
