"""Filling dust from its surroundings.

`fill_at` continues edges and lines through a hair, and `grain_at` gives filled pixels the grain of
the picture; `fill_dust` does both. The original fill is in `box_fill`. The cost of each grows with
the amount of dust, not with the size of the picture.
"""

from __future__ import annotations

import numpy as np

from .. import _kernels
from ..image.arrays import (
    Mask,
    Picture,
    Plane,
    Positions,
    Values,
    blend,
    check_image,
    check_mask,
    colour_channels,
    largest,
    with_colours,
)
from ..image.morphology import dilate, strongest_near
from ..runtime.threads import count

# Dust has soft edges: its mask grows by this, in px, before it is filled.
SOFT_EDGE = 2


class Holes:
    """The pixels of a mask, ready to be filled.

    Parameters
    ----------
    positions : ndarray of int64, shape (N,)
        row * W + column of each pixel, ascending.
    shape : tuple of int
        (H, W) of the pictures.
    """

    def __init__(self, positions: Positions, shape: tuple[int, ...]) -> None:
        self.positions = positions
        self._masked = _kernels.MaskedPixels(positions, shape[0], shape[1])

    @classmethod
    def of(cls, mask: Mask) -> Holes:
        """The pixels of a mask of shape (H, W)."""
        return cls(np.flatnonzero(mask), mask.shape)

    def fill(self, picture: Picture, *, threads: int | None = None) -> tuple[Values, int]:
        """Values and failures as of `fill_at`, of a picture that is contiguous."""
        colours = colour_channels(picture).shape[2]
        return _kernels.structured_fill(
            picture, self._masked, colours, 1 / largest(picture.dtype), count(threads)
        )

    def grain(
        self, picture: Picture, values: Values, share: Values, *, threads: int | None = None
    ) -> Values:
        """As `grain_at`, of a picture and values that are contiguous."""
        return _kernels.grain(picture, self._masked, values, share, count(threads))


def fill_at(
    image: Picture, mask: Mask, *, threads: int | None = None
) -> tuple[Positions, Values, int]:
    """Values for masked pixels, from the known pixels around them: edges continue.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        Where its alpha is 0 there is no data.
    mask : ndarray of bool, shape (H, W)
        True = dust. All of the dust: a pixel beside the mask counts as clean picture.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    positions : ndarray of int64, shape (N,)
        row * W + column of each masked pixel, ascending.
    values : ndarray of float32, shape (N, 1 or 3)
        In the range of the picture's dtype (0..255, 0..65535 or 0..1), not clipped.
    failures : int
        Number of values that are those of the image, because no pixel of the picture is known.
        Pixels with alpha 0 always keep their values.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.tile(np.float32([0, 0, 0, 1, 1, 1]), (6, 1))
    >>> hole = np.zeros((6, 6), bool)
    >>> hole[2:4, 1:5] = True
    >>> positions, values, failures = fill_at(picture, hole)
    >>> (values[:4, 0] > 0.5).tolist(), failures
    ([False, False, True, True], 0)
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    holes = Holes.of(check_mask(mask, image.shape))
    return holes.positions, *holes.fill(image, threads=threads)


def grain_at(
    image: Picture,
    mask: Mask,
    values: Values,
    share: Values | None = None,
    *,
    threads: int | None = None,
) -> Values:
    """Grain to add to filled pixels, so that they have as much fine detail as their surroundings.

    The detail is borrowed from clean places within some ten pixels that look like the fill, so its
    level, its spectrum and the correlation of its colours are those of the surroundings. Where the
    values have detail of their own, less is added. The result depends only on the arguments, so it
    is the same each time.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
    mask : ndarray of bool, shape (H, W)
        The pixels of `values`, in the order of `fill_at`. No grain is taken from them.
    values : ndarray of float32, shape (N, 1 or 3)
        The filled pixels without grain, in the range of the picture's dtype.
    share : ndarray of float32, shape (N,), or None
        How much of each value was filled, 0..1; the rest has grain of its own. None: 1 everywhere.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    ndarray of float32, shape (N, 1 or 3)
        In the range of the picture's dtype; 0 where no clean place is near.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(0.5, 0.1, (64, 64)).astype(np.float32)
    >>> hole = np.zeros((64, 64), bool)
    >>> hole[30:34] = True
    >>> _, values, _ = fill_at(noise, hole)
    >>> bool(0.07 < np.std(values + grain_at(noise, hole, values)) < 0.13)
    True
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    holes = Holes.of(check_mask(mask, image.shape))
    values = np.ascontiguousarray(values, np.float32)
    share = (
        np.ones(len(values), np.float32)
        if share is None
        else np.ascontiguousarray(share, np.float32)
    )
    return holes.grain(image, values, share, threads=threads)


def fill_pixels(image: Picture, mask: Mask, *, threads: int | None = None) -> Picture:
    """A picture whose masked pixels are replaced by the result of `fill_at`.

    Alpha and all other pixels are the same bytes.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        It stays as it is.
    mask : ndarray of bool, shape (H, W)
        True = replace.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    ndarray like `image`

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.full((8, 8, 3), 0.25, np.float32)
    >>> hole = np.zeros((8, 8), bool)
    >>> hole[3:5, 3:5] = True
    >>> dusty = np.where(hole[..., None], np.float32(1), picture)
    >>> bool(np.allclose(fill_pixels(dusty, hole), picture))
    True
    """
    positions, values, _ = fill_at(image, mask, threads=threads)
    return with_colours(image, positions, values)


def fill_dust(
    image: Picture,
    mask: Mask,
    *,
    grow: int = SOFT_EDGE,
    strength: Plane | None = None,
    threads: int | None = None,
) -> tuple[Picture, int]:
    """A picture without its dust, if only the place of the dust is known.

    The mask grows, `fill_at` fills it, and `grain_at` adds the grain.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        It stays as it is. Alpha does not change; where it is 0 there is no data.
    mask : ndarray of bool, shape (H, W)
        True = dust.
    grow : int
        By how many px the mask is dilated, for dust has soft edges.
    strength : ndarray of float32, shape (H, W), or None
        Opacity of the repair, 0..1, which grows with the mask; None for 1 everywhere.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    filled : ndarray like `image`
    failures : int
        Pixels that stayed as they were, because no pixel of the picture is known.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.full((20, 20), 100, np.uint8)
    >>> picture[8:12, 8:12] = 255
    >>> filled, failures = fill_dust(picture, picture == 255)
    >>> int(filled.max()), failures
    (100, 0)
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    fill = DustFill(check_mask(mask, image.shape), grow=grow, strength=strength, threads=threads)
    values, failures = fill(image, threads=threads)
    return with_colours(image, fill.positions, values), failures


class DustFill:
    """`fill_dust` for any number of pictures: what depends on the mask only is computed once.

    Parameters
    ----------
    mask, grow, strength, threads
        See `fill_dust`.
    """

    def __init__(
        self,
        mask: Mask,
        *,
        grow: int = SOFT_EDGE,
        strength: Plane | None = None,
        threads: int | None = None,
    ) -> None:
        self._holes = Holes.of(dilate(mask, grow, threads=threads))
        self.positions = self._holes.positions
        self._weights = (
            np.ones(self.positions.shape, np.float32)
            if strength is None
            else strongest_near(strength, self.positions, grow)
        )

    def __call__(self, picture: Picture, *, threads: int | None = None) -> tuple[Values, int]:
        """See `repair.Fill`."""
        values, failures = self._holes.fill(picture, threads=threads)
        values = blend(picture, self.positions, values, self._weights)
        grain = self._holes.grain(picture, values, self._weights, threads=threads)
        return values + grain, failures
