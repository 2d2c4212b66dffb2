"""Filling dust from its surroundings.

`fill_boxes` is the original fill, kept as its author describes it. `fill_dust` is a better one: `fill_at` lets edges and lines
run on through a hair, and `grain_at` gives what was filled the grain of the picture.
The cost of all of them follows the dust, not the picture.
"""

import numpy as np

from .. import _kernels
from ..image.arrays import blend, check_image, check_mask, colour_channels, largest, with_colours
from ..image.morphology import dilate, strongest_near
from ..runtime.threads import count


def fill_at(image, mask, *, threads=None):
    """What masked pixels should be, judging by the known pixels around them: edges and lines run on.

    Parameters
    ----------
    image : uint8, uint16 or float32, (H, W) or (H, W, C). Where its alpha is 0 there is no data.
    mask : bool (H, W), True = dust. All of the dust: a pixel beside the mask counts as clean picture.

    Returns
    -------
    positions : int64 (N,), row * W + column of each masked pixel, ascending.
    values : float32 (N, 1 or 3), in the numbers of the image (0..255, 0..65535 or 0..1), not clipped.
    failures : int, how many values are those of the image, because nothing in the picture is known. (Where alpha is 0 they always are.)

    >>> picture = np.tile(np.float32([0, 0, 0, 1, 1, 1]), (6, 1))
    >>> hole = np.zeros((6, 6), bool)
    >>> hole[2:4, 1:5] = True
    >>> positions, values, failures = fill_at(picture, hole)
    >>> (values[:4, 0] > 0.5).tolist(), failures
    ([False, False, True, True], 0)
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    mask = check_mask(mask, image.shape)
    colours = colour_channels(image).shape[2]
    return _kernels.structured_fill(image, mask, colours, 1 / largest(image.dtype), count(threads))


def grain_at(image, mask, values, share=None, *, threads=None):
    """Grain for filled pixels: what to add so that they have as much fine detail as the clean picture near them.

    The detail is borrowed from clean places within some ten pixels that look like the fill, so its level, its spectrum and
    the correlation of its colours are those of the surroundings. Where the values have detail of their own, less is added.
    The result depends on nothing but the arguments: it is the same each time.

    Parameters
    ----------
    image : uint8, uint16 or float32, (H, W) or (H, W, C)
    mask : bool (H, W), the pixels that `values` are of, in the order of `fill_at`; no grain is taken from them.
    values : float32 (N, 1 or 3), what they are to be but for the grain, in the numbers of the image.
    share : float32 (N,) in 0..1, how much of each value was filled; the rest has grain of its own. None for 1 everywhere.

    Returns
    -------
    float32 (N, 1 or 3), in the numbers of the image. 0 where there is no clean place to borrow from.

    >>> noise = np.random.default_rng(1).normal(0.5, 0.1, (64, 64)).astype(np.float32)
    >>> hole = np.zeros((64, 64), bool)
    >>> hole[30:34] = True
    >>> _, values, _ = fill_at(noise, hole)
    >>> bool(0.07 < np.std(values + grain_at(noise, hole, values)) < 0.13)
    True
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    mask = check_mask(mask, image.shape)
    values = np.ascontiguousarray(values, np.float32)
    share = (
        np.ones(len(values), np.float32)
        if share is None
        else np.ascontiguousarray(share, np.float32)
    )
    threads = count(threads)
    unclean = _kernels.dilate(
        mask, 4, threads
    )  # a disc of 4 px holds the 7 x 7 pixels that detail is told by
    return _kernels.grain(image, mask, unclean, values, share, threads)


def fill_pixels(image, mask, *, threads=None):
    """A picture whose masked pixels are replaced by what `fill_at` says; alpha and all other pixels are the same bytes.

    Parameters
    ----------
    image : uint8, uint16 or float32, (H, W) or (H, W, C); left as it is.
    mask : bool (H, W), True = replace.

    Returns
    -------
    filled : like `image`

    >>> picture = np.full((8, 8, 3), 0.25, np.float32)
    >>> hole = np.zeros((8, 8), bool)
    >>> hole[3:5, 3:5] = True
    >>> bool(np.allclose(fill_pixels(np.where(hole[..., None], np.float32(1), picture), hole), picture))
    True
    """
    positions, values, _ = fill_at(image, mask, threads=threads)
    return with_colours(image, positions, values)


def fill_dust(image, mask, *, grow=2, strength=None, threads=None):
    """A picture without its dust, when nothing but the place of the dust is known: grown mask, `fill_at`, and `grain_at`.

    Parameters
    ----------
    image : uint8, uint16 or float32, (H, W) or (H, W, C); left as it is. Alpha is not changed, and where it is 0 there is no data.
    mask : bool (H, W), True = dust.
    grow : by how many px the mask is dilated, for dust has soft edges.
    strength : float32 (H, W) in 0..1, opacity of the repair, which grows with the mask; None for 1 everywhere.

    Returns
    -------
    filled : like `image`
    failures : int, how many pixels stayed as they were, because nothing in the picture is known.

    >>> picture = np.full((20, 20), 100, np.uint8)
    >>> picture[8:12, 8:12] = 255
    >>> filled, failures = fill_dust(picture, picture == 255)
    >>> int(filled.max()), failures
    (100, 0)
    """
    mask = dilate(check_mask(mask, check_image(image, "image").shape), grow, threads=threads)
    positions, values, failures = fill_at(image, mask, threads=threads)
    weights = (
        np.ones(positions.shape, np.float32)
        if strength is None
        else strongest_near(strength, positions, grow)
    )
    values = blend(image, positions, values, weights)
    return with_colours(
        image, positions, values + grain_at(image, mask, values, weights, threads=threads)
    ), failures
