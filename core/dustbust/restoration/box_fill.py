"""The original fill: means of 7 x 7 boxes, from the edges inwards."""

from typing import Any

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
    with_colours,
)
from ..image.morphology import dilate, strongest_near
from ..options import NumberOption
from ..runtime.threads import count
from .repair import DustToRepair, Filler, Repair

# Defaults of the original method, and the ranges that make sense.
BOX = NumberOption("box", 7, 501, "px", "side of the box of the means", least=3, odd=True)
GROW = NumberOption("grow", 2, 200, "px", "width by which the mask grows", whole=True)
SOFTEN = NumberOption("soften", 1.0, 100, "px", "standard deviation of the mask's blur, 0 for none")
PASSES = NumberOption("passes", 200, 10_000, "", "largest number of passes", least=1, whole=True)


def prepare_fill(dust: DustToRepair, *, threads: int | None = None, **options: Any) -> Repair:
    """The method "fill" for a mask, see `methods.METHODS`."""
    fill = BoxFill(dust.binary, strength=dust.strength, threads=threads, **options)
    return Filler(fill, dust.binary)


class BoxFill:
    """`fill_boxes` for any number of pictures. Results that depend only on the mask are reused.

    Parameters
    ----------
    mask, box, grow, soften, passes, strength, threads
        See `fill_boxes`; so are the exceptions.
    """

    def __init__(
        self,
        mask: Mask,
        *,
        box: int = BOX.default,
        grow: int = GROW.default,
        soften: float = SOFTEN.default,
        passes: int = PASSES.default,
        strength: Plane | None = None,
        threads: int | None = None,
    ) -> None:
        for option, value in ((BOX, box), (GROW, grow), (SOFTEN, soften), (PASSES, passes)):
            option.checked(value)
        mask = check_mask(mask, np.shape(mask))
        self._box, self._passes = int(box), int(passes)
        self.positions: Positions = np.flatnonzero(dilate(mask, int(grow), threads=threads))
        self._masked = _kernels.MaskedPixels(self.positions, *mask.shape)
        self._weights = _kernels.softened(self._masked, float(soften), count(threads))
        if strength is not None:
            self._weights *= strongest_near(strength, self.positions, int(grow))

    def __call__(self, picture: Picture, *, threads: int | None = None) -> tuple[Values, int]:
        """See `repair.Fill`."""
        colours = colour_channels(picture).shape[2]
        values, failures = _kernels.box_fill(
            picture, self._masked, colours, self._box, self._passes, count(threads)
        )
        return blend(picture, self.positions, values, self._weights), failures


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
    starts from the result and from the mask of the failures. The filled pixels are then blended
    with the picture under a slightly blurred mask. Only pixels near dust are read.

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
        Number of pixels that had no known pixel within reach after the last pass and are unchanged.

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
    fill = BoxFill(
        check_mask(mask, image.shape),
        box=box,
        grow=grow,
        soften=soften,
        passes=passes,
        strength=strength,
        threads=threads,
    )
    values, failures = fill(image, threads=threads)
    return with_colours(image, fill.positions, values), failures
