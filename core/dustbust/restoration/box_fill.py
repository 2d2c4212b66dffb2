"""The original fill: means of 7 x 7 boxes, from the edges inwards."""

import numpy as np

from .. import _kernels
from ..image.arrays import blend, check_image, check_mask, colour_channels, with_colours
from ..image.morphology import strongest_near
from ..runtime.threads import count


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
        raise ValueError(
            f"grow and soften must be at least 0 and passes at least 1, not {grow}, {soften} and {passes}"
        )
    threads = count(threads)
    colours = colour_channels(image).shape[2]
    positions, values, weights, failures = _kernels.box_fill(
        image,
        _kernels.dilate(mask, int(grow), threads),
        colours,
        int(box),
        int(passes),
        float(soften),
        threads,
    )
    if strength is not None:
        weights = weights * strongest_near(strength, positions, int(grow))
    return with_colours(image, positions, blend(image, positions, values, weights)), failures
