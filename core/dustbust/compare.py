"""One picture of a repair, before and after."""
import numpy as np
from PIL import Image

from .arrays import colour_channels, from_unit, to_unit
from .errors import DustbustError
from .filters import gaussian_blur
from .frames import read_frame


def before_after(before, after, size=480, scale=2):
    """The part of two pictures in which they differ most, side by side.

    Parameters
    ----------
    before, after : paths or arrays of one size.
    size : width and height of that part, px.
    scale : magnification, a whole number.

    Returns
    -------
    PIL.Image.Image, RGB, 8 bit: before on the left, after on the right, a white line between.

    Raises
    ------
    DustbustError
        when the pictures differ in size.

    >>> grey = np.zeros((40, 60), np.uint8)
    >>> before_after(grey, grey, size=30, scale=1).size
    (64, 30)
    """
    pictures = [to_unit(colour_channels(read_frame(picture))) for picture in (before, after)]
    if pictures[0].shape[:2] != pictures[1].shape[:2]:
        raise DustbustError("before and after differ in size; give a frame and its own cleaned copy")
    height, width = pictures[0].shape[:2]
    tall, wide = min(size, height), min(size, width)
    changed = gaussian_blur(np.abs(pictures[0] - pictures[1]).max(axis=2), max(size / 4, 1))
    y, x = np.unravel_index(np.argmax(changed), changed.shape)
    top, left = np.clip(y - tall // 2, 0, height - tall), np.clip(x - wide // 2, 0, width - wide)
    parts = [np.repeat(np.repeat(p[top:top + tall, left:left + wide], scale, 0), scale, 1) for p in pictures]
    parts = [from_unit(np.broadcast_to(p, p.shape[:2] + (3,)), np.uint8) for p in parts]
    return Image.fromarray(np.hstack([parts[0], np.full((parts[0].shape[0], 4, 3), 255, np.uint8), parts[1]]))
