"""Which pixels may be dust: those that stand out of the noise of an opacity map."""

import numpy as np

from .. import _kernels
from ..image.block_grid import block_side
from ..image.filters import soften
from ..runtime.threads import count

# A candidate stands out of the noise of the map by this many deviations, and takes this share of the light.
CANDIDATE_DEVIATIONS = 2.5
SMALLEST_OPACITY = 0.02

# What stands out by so many is taken for dust while the background is made. Taking the noise of busy places for dust would spoil it.
LIKELY_DEVIATIONS = 4.0

# Detail of the map that stands out of its own noise by so many deviations is half kept.
GRAIN_DEVIATIONS = 3.0


def noise_floor(opacity, threads=None):
    """Standard deviation of what is no dust, float32 (H, W): from the median absolute deviation of tiles, so that dust does not count."""
    side = block_side(opacity.shape)
    tile, every = 16 * side, max(1, side // 4)  # some thousand pixels of a tile are enough
    rows, columns = (-(-n // tile) for n in opacity.shape)
    floor = np.array(
        [
            [
                np.median(
                    np.abs(
                        opacity[
                            y * tile : (y + 1) * tile : every, x * tile : (x + 1) * tile : every
                        ]
                    )
                )
                for x in range(columns)
            ]
            for y in range(rows)
        ],
        np.float32,
    )
    # The median absolute deviation of a normal distribution is its standard deviation / 1.4826.
    return _kernels.interpolate(
        soften(soften(floor)) * np.float32(1.4826), tile, *opacity.shape, count(threads)
    ) + np.float32(1e-6)


def denoise(opacity, threads=None):
    """A map with its grain smoothed, but not the edges of the dust: detail is kept as far as it stands out of the noise (Wiener's filter)."""
    smooth = soften(opacity)
    detail = opacity - smooth
    power = detail**2
    return smooth + detail * power / (
        power + (np.float32(GRAIN_DEVIATIONS) * noise_floor(detail, threads)) ** 2
    )


def candidates(opacity, deviations=CANDIDATE_DEVIATIONS, threads=None):
    """bool (H, W): what may be dust, because it stands out of the noise of the map by so many deviations."""
    return opacity > np.maximum(
        noise_floor(opacity, threads) * np.float32(deviations), np.float32(SMALLEST_OPACITY)
    )
