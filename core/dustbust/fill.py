"""Filling dust from its surroundings.

`fill_boxes` is the original fill, kept as its author describes it. `fill_dust` is a better one: `fill_at` lets edges and lines
run on through a hair, and `grain_at` gives what was filled the grain of the picture.
The cost of all of them follows the dust, not the picture.
"""
import numpy as np

from . import _kernels
from .arrays import check_image, colour_channels, largest
from .threads import count


def check_mask(mask, shape, name="mask"):
    """`mask` as a contiguous bool array of the first two dimensions of `shape`.

    Raises
    ------
    TypeError
        when it is no bool array.
    ValueError
        when its size is another one.
    """
    if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
        raise TypeError(f"{name} must be a bool array, not {getattr(mask, 'dtype', type(mask).__name__)}")
    if mask.shape != tuple(shape[:2]):
        raise ValueError(f"{name} must be {shape[0]} x {shape[1]} like the picture, not {' x '.join(map(str, mask.shape))}")
    return np.ascontiguousarray(mask)


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


def fill_boxes(image, mask, *, box=7, grow=2, soften=1.0, passes=200, strength=None, threads=None):
    """The original fill: repeated means over a box, from the rim of the dust inwards.

    The mask is grown. Each pixel of it becomes the mean of the pixels of a box around it that are not masked. A pixel without
    any such neighbour is a failure and waits for the next pass, which starts from the result and from the mask of the failures.
    What was filled is then blended with the picture under a slightly blurred mask. Only pixels near dust are looked at.

    Parameters
    ----------
    image : uint8, uint16 or float32, (H, W) or (H, W, C); left as it is. Alpha is not changed, and where it is 0 there is no data.
    mask : bool (H, W), True = dust.
    box : side of the box, px, odd.
    grow : by how many px the mask is dilated.
    soften : standard deviation of the blur of the mask, px; 0 for none.
    passes : no more passes than this.
    strength : float32 (H, W) in 0..1, opacity of the repair, which grows with the mask; None for 1 everywhere.

    Returns
    -------
    filled : like `image`
    failures : int, how many pixels had no known pixel within reach after the last pass, and stayed as they were.

    Raises
    ------
    TypeError, ValueError
        when `image` is no picture, or `mask` no mask for it.

    >>> picture = np.full((9, 9), 100, np.uint8)
    >>> picture[4, 4] = 255
    >>> filled, failures = fill_boxes(picture, picture == 255, soften=0)
    >>> int(filled.max()), failures
    (100, 0)
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    mask = check_mask(mask, image.shape)
    if box < 3 or box % 2 == 0:
        raise ValueError(f"box must be an odd number of pixels, at least 3, not {box}")
    if grow < 0 or soften < 0 or passes < 1:
        raise ValueError(f"grow and soften must be at least 0 and passes at least 1, not {grow}, {soften} and {passes}")
    threads = count(threads)
    colours = colour_channels(image).shape[2]
    positions, values, weights, failures = _kernels.box_fill(
        image, _kernels.dilate(mask, int(grow), threads), colours, int(box), int(passes), float(soften), threads)
    if strength is not None:
        weights = weights * strongest_near(strength, positions, int(grow))
    return with_colours(image, positions, blend(image, positions, values, weights)), failures


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
    share = np.ones(len(values), np.float32) if share is None else np.ascontiguousarray(share, np.float32)
    threads = count(threads)
    unclean = _kernels.dilate(mask, 4, threads)         # a disc of 4 px holds the 7 x 7 pixels that detail is told by
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
    weights = np.ones(positions.shape, np.float32) if strength is None else strongest_near(strength, positions, grow)
    values = blend(image, positions, values, weights)
    return with_colours(image, positions, values + grain_at(image, mask, values, weights, threads=threads)), failures


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
        reach = int(np.rint(np.sqrt(radius ** 2 - dy ** 2)))
        for dx in range(-reach, reach + 1):
            inside = (rows + dy >= 0) & (rows + dy < plane.shape[0]) & (columns + dx >= 0) & (columns + dx < plane.shape[1])
            largest[inside] = np.maximum(largest[inside], plane[rows[inside] + dy, columns[inside] + dx])
    return largest


def blend(image, positions, values, weights):
    """Some pixels of a picture, moved towards other values: float32 (N, colours), in the numbers of the image (0..255, 0..65535 or 0..1).

    Parameters
    ----------
    positions : int64 (N,), row * W + column of each pixel.
    values : float32 (N, colours)
    weights : float32 (N,): 0 leaves the pixel, 1 replaces it.
    """
    rows, columns = np.divmod(positions, image.shape[1])
    before = colour_channels(image)[rows, columns].astype(np.float32)
    return before + (values - before) * weights[:, None]


def with_colours(image, positions, values):
    """A copy of a picture with other colours, float32 (N, colours) in its numbers, at `positions`: rounded and clipped to its range.
    float32 is not clipped: it may hold more than white."""
    result = image.copy()
    if image.dtype != np.float32:
        values = np.clip(values, 0, largest(image.dtype)) + np.float32(0.5)
    rows, columns = np.divmod(positions, image.shape[1])
    colour_channels(result)[rows, columns] = values.astype(image.dtype)
    return result
