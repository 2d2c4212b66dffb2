"""Transfers strips of pictures through memory that both processes share."""

from __future__ import annotations

import mmap
from typing import Annotated

import numpy as np

from ..image.arrays import DTYPES, Mask, Picture
from .messages import Pixels, quick_operation

Row = Annotated[int, 0, 524_288]
Start = Annotated[int, 0, 1 << 40]  # of bytes in the window

# A rectangle of a picture: x, y, width, height.
Part = list[Annotated[int, 0, 524_288]]

# px; side of the squares that parts are made of.
TILE = 64

# Set once, by the process that serves.
_window: mmap.mmap | None = None


def use(shared: mmap.mmap) -> None:
    """Transfer strips through this memory from now on."""
    global _window
    _window = shared


def _bytes(start: int, size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Some bytes of the window."""
    if _window is None or start + size > len(_window):
        raise ValueError(f"{size} bytes from {start} do not fit into the window")
    return np.frombuffer(_window, np.uint8, size, start)


def slices(picture: Picture, part: Part) -> tuple[slice, slice]:
    """The rows and the columns of a part of a picture."""
    x, y, width, height = part
    if y + height > picture.shape[0] or x + width > picture.shape[1]:
        raise ValueError(f"{part} is not within {picture.shape}")
    return slice(y, y + height), slice(x, x + width)


@quick_operation
def new_picture(
    height: Pixels, width: Pixels, channels: Annotated[int, 1, 4], dtype: str
) -> Picture:
    """Make an empty picture, which `put` fills."""
    if dtype not in map(str, DTYPES):
        raise ValueError(f"{dtype} is not the dtype of a picture")
    return np.empty((height, width, channels), dtype)


@quick_operation
def put(picture: Picture, first: Row, rows: Pixels, start: Start) -> None:
    """Copy rows from the window into a picture."""
    target = picture[slices(picture, [0, first, picture.shape[1], rows])]
    target[:] = _bytes(start, target.nbytes).view(picture.dtype).reshape(target.shape)


@quick_operation
def get(picture: Picture, parts: list[Part], start: Start) -> None:
    """Copy parts of a picture into the window, one after the other."""
    for part in parts:
        source = picture[slices(picture, part)]
        _bytes(start, source.nbytes).view(picture.dtype).reshape(source.shape)[:] = source
        start += source.nbytes


@quick_operation
def merge(changed: Mask, part: Part, start: Start, size: Annotated[int, 1, 32]) -> None:
    """Replace pixels in the window where a picture changed.

    Parameters
    ----------
    changed : ndarray of bool, shape (H, W, 1)
    part : list of int
        The rectangle of the picture that the window shows.
    start : int
        Where in the window the pixels are: those of one picture, followed by those of another.
        Pixels of the second replace pixels of the first.
    size : int
        Bytes of a pixel in the window.
    """
    chosen = changed[slices(changed, part)].reshape(-1)
    old, new = _bytes(start, 2 * chosen.size * size).reshape(2, chosen.size, size)
    old[chosen] = new[chosen]


def parts_of(changed: Mask) -> list[Part]:
    """Rectangles that hold all pixels of a mask, made of square tiles, each tile once.

    Examples
    --------
    >>> changed = np.zeros((130, 200), bool)
    >>> changed[5, 5] = changed[6, 70] = changed[129, 199] = True
    >>> parts_of(changed)
    [[0, 0, 128, 64], [192, 128, 8, 2]]
    """
    height, width = changed.shape
    parts = []
    for top in range(0, height, TILE):
        strip = changed[top : top + TILE]
        tiles = np.logical_or.reduceat(strip.any(axis=0), np.arange(0, width, TILE))
        # Neighbouring tiles make one rectangle.
        edges = np.diff(tiles.astype(np.int8), prepend=0, append=0)
        ends = np.flatnonzero(edges).reshape(-1, 2) * TILE
        for left, right in np.minimum(ends, width).tolist():
            parts.append([left, top, right - left, len(strip)])
    return parts
