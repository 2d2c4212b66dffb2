"""Converts masks to a grey picture and a threshold, which a program's user can edit, and back."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..dust.mask import COARSE_STEP, DustMask
from ..errors import DustbustError
from ..files.read import read_frame
from ..image.arrays import (
    Plane,
    alpha_channel,
    colour_channels,
    from_unit,
    largest,
    luminance,
    to_unit,
)
from ..image.fixed_point import STEPS_OF_16_BIT, to_steps
from ..runtime.read_ahead import over_rows
from .messages import Picture, Pixels, Share, operation

# Greys between these are neither black nor white.
BLACK, WHITE = 0.02, 0.98

# Steps of a mask, 1/65535, in a level of 8 bits.
STEPS_OF_LEVEL = STEPS_OF_16_BIT // 255


@operation
def picture_of_mask(dust: DustMask) -> dict[str, Any]:
    """A mask as a grey picture of 16 bits, with the other data that a program must keep for it.

    For an image of 8 bits, `levels_of_mask` gives the grey.
    """
    return {
        "grey": from_unit(dust.grey, np.uint16),
        "threshold": dust.threshold,
        "extra": base64.b64encode(dust.extra()).decode(),
        "summary": str(dust.summary()),
    }


@operation
def mask_of_picture(
    grey: Picture, extra: str, threshold: Share, shown: Picture | None, name: str
) -> DustMask:
    """The mask in an image that `picture_of_mask` began, with all edits of the user.

    Parameters
    ----------
    grey : ndarray, shape (H, W, C)
        The grey mask, without its threshold, of 16 bits or of 8.
    extra : str
        The text that `picture_of_mask` gave. Any other text is ignored.
    threshold : float
        0..1.
    shown : ndarray, shape (H, W, C), or None
        The mask as it is shown, with the threshold applied and the user's painting; None if the
        user painted nothing. Painted white is certain dust, painted black is not dust.
    name : str
        What messages call the image.

    Raises
    ------
    DustbustError
        If most pixels of `shown` are neither black nor white.
    """
    try:
        content = base64.b64decode(extra, validate=True)
    except ValueError:  # the file may come from anywhere
        content = b""
    plane = _visible(grey)
    dust = DustMask.from_extra(plane, content)
    if grey.dtype == np.uint8 and dust.method:
        dust = from_levels(plane, dust)
    if shown is None:
        return replace(dust, threshold=threshold)
    light = _visible(shown)
    white = light >= WHITE
    if np.count_nonzero((light > BLACK) & ~white) > np.count_nonzero(white):
        raise DustbustError(
            "{image}: the mask is grey and has no threshold; use Colors > Threshold on its layer.",
            image=name,
        )
    marked = light >= 0.5
    edited = np.where(dust.binary(threshold) == marked, dust.grey, marked)
    return replace(dust, threshold=threshold, grey=edited)


@operation
def levels_of_mask(dust: DustMask) -> Picture:
    """The grey of a mask in 8 bits, which marks the same pixels at its threshold.

    Greys are rounded down, so rounding moves no pixel across a threshold that is a whole level.
    The mask's own threshold lies between two levels. Greys that reach it become at least the upper
    level.

    Parameters
    ----------
    dust : DustMask

    Returns
    -------
    ndarray of uint8, shape (H, W)

    Examples
    --------
    >>> levels_of_mask(DustMask(np.array([[0.2, 0.4999, 0.5, 1]], np.float32), 0.5))
    array([[ 51, 127, 128, 255]], dtype=uint8)
    """
    limit = to_steps(dust.threshold)
    lowest = -(-int(limit) // STEPS_OF_LEVEL)
    levels = np.empty(dust.grey.shape, np.uint8)

    def convert(rows: slice) -> None:
        steps = to_steps(dust.grey[rows])
        whole = steps // STEPS_OF_LEVEL
        levels[rows] = np.where(steps >= limit, np.maximum(whole, lowest), whole)

    over_rows(convert, len(levels))
    return levels


def from_levels(grey: Plane, dust: DustMask) -> DustMask:
    """A measured mask with a grey that was kept in 8 bits.

    Below the threshold of `dust`, each level is turned back into the coarse step from which
    `levels_of_mask` made it. The lowest step, 1/256, is black in 8 bits and stays black.

    Parameters
    ----------
    grey : ndarray of float32, shape (H, W)
        0..1, in levels of 1/255.
    dust : DustMask
        All other data of the mask. Its threshold is the one with which the levels were made.

    Examples
    --------
    >>> dust = DustMask(np.array([[0, 0.2, 0.4999]], np.float32), 0.5, scale=0.05)
    >>> again = from_levels(levels_of_mask(dust) / np.float32(255), dust)
    >>> np.array_equal(again.grey, dust.grey)
    True
    """
    limit = to_steps(dust.threshold)
    steps = np.empty(grey.shape, np.uint16)

    def convert(rows: slice) -> None:
        given = to_steps(grey[rows])
        coarse = -(-given.astype(np.int32) // COARSE_STEP) * COARSE_STEP
        steps[rows] = np.where(given < limit, np.minimum(coarse, int(limit) - 1), given)

    over_rows(convert, len(steps))
    return replace(dust, grey=cast(Plane, steps))


@operation
def mask_of_white(picture: Picture) -> DustMask:
    """The mask in a picture in which white is dust."""
    return DustMask(_visible(picture), 0.5)


@operation
def load_mask(path: Path) -> DustMask:
    """The mask in a file."""
    return DustMask.load(path)


@operation
def read_picture(path: Path) -> Picture:
    """The pixels of a file."""
    return read_frame(path)


@operation
def on_canvas(picture: Picture, height: Pixels, width: Pixels) -> Picture:
    """The colours of a picture on a canvas of this size; the uncovered rest is white."""
    colours = colour_channels(picture)
    if colours.shape[:2] == (height, width):
        return colours
    canvas = np.full((height, width, colours.shape[2]), largest(colours.dtype), colours.dtype)
    part = np.s_[: min(height, colours.shape[0]), : min(width, colours.shape[1])]
    canvas[part] = colours[part]
    return canvas


def _visible(picture: Picture) -> Plane:
    """Luminance, 0..1, shape (H, W); transparent is black."""
    alpha, colours = alpha_channel(picture), colour_channels(picture)
    # A mask in an image with colours has none, and its luminance is that of any channel.
    if all(np.array_equal(colours[..., 0], colours[..., n]) for n in range(1, colours.shape[2])):
        colours = colours[..., :1]
    grey = luminance(colours)
    return grey if alpha is None else grey * to_unit(alpha)
