"""The original fill: means of 7 x 7 boxes, from the edges inwards."""

import numpy as np

from .. import _kernels
from ..image.arrays import (
    Mask,
    Picture,
    Plane,
    blend,
    check_image,
    check_mask,
    colour_channels,
    with_colours,
)
from ..image.morphology import strongest_near
from ..options import Number, NumberOption
from ..runtime.threads import count
from .repair import DustToRepair, Filler, Repair

# Defaults of the original method, and the ranges that make sense.
BOX = NumberOption("box", 7, 501, "px", "side of the box of the means", least=3, odd=True)
GROW = NumberOption("grow", 2, 200, "px", "width by which the mask grows", whole=True)
SOFTEN = NumberOption("soften", 1.0, 100, "px", "standard deviation of the mask's blur, 0 for none")
PASSES = NumberOption("passes", 200, 10_000, "", "largest number of passes", least=1, whole=True)


def prepare_fill(dust: DustToRepair, *, threads: int | None = None, **options: Number) -> Repair:
    """The method "fill" for a mask, see `methods.METHODS`."""
    return Filler(fill_boxes, dust, **options)


def fill_boxes(
    image: Picture,
    mask: Mask,
    *,
    box: int = BOX.default,
    grow: int = GROW.default,
    soften: float = SOFTEN.default,
    passes: int = PASSES.default,
    strength: Plane | None = None,
    threads: int | None = None,
) -> tuple[Picture, int]:
    """The original fill: repeated means over a box, from the rim of the dust inwards.

    The mask is grown. Each of its pixels becomes the mean of the pixels in a box around it that are
    not masked. A pixel without any such neighbour is a failure and waits for the next pass, which
    starts from the result and from the mask of the failures. What was filled is then blended with
    the picture under a slightly blurred mask. Only pixels near dust are looked at.

    Parameters
    ----------
    image : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        It stays as it is. Alpha does not change; where it is 0 there is no data.
    mask : ndarray of bool, shape (H, W)
        True = dust.
    box : int
        Side of the box in px, odd.
    grow : int
        By how many px the mask is dilated.
    soften : float
        Standard deviation of the mask's blur in px; 0 for none.
    passes : int
        The largest number of passes.
    strength : ndarray of float32, shape (H, W), or None
        Opacity of the repair, 0..1, which grows with the mask; None for 1 everywhere.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    filled : ndarray like `image`
    failures : int
        Pixels that had no known pixel within reach after the last pass, and stayed as they were.

    Raises
    ------
    TypeError, ValueError
        If `image` is not a picture, `mask` does not fit it, or an option is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.full((9, 9), 100, np.uint8)
    >>> picture[4, 4] = 255
    >>> filled, failures = fill_boxes(picture, picture == 255, soften=0)
    >>> int(filled.max()), failures
    (100, 0)
    """
    image = np.ascontiguousarray(check_image(image, "image"))
    mask = check_mask(mask, image.shape)
    for option, value in ((BOX, box), (GROW, grow), (SOFTEN, soften), (PASSES, passes)):
        option.checked(value)
    threads = count(threads)
    positions, values, weights, failures = _kernels.box_fill(
        image,
        _kernels.dilate(mask, int(grow), threads),
        colour_channels(image).shape[2],
        int(box),
        int(passes),
        float(soften),
        threads,
    )
    if strength is not None:
        weights = weights * strongest_near(strength, positions, int(grow))
    return with_colours(image, positions, blend(image, positions, values, weights)), failures
