"""Transfers strips of pictures through memory that both processes share."""

from __future__ import annotations

import mmap
from typing import Annotated

import numpy as np

from ..image.arrays import DTYPES, Picture
from .messages import Pixels, quick_operation

Row = Annotated[int, 0, 524_288]

# Set once, by the process that serves.
_window: mmap.mmap | None = None


def use(shared: mmap.mmap) -> None:
    """Transfer strips through this memory from now on."""
    global _window
    _window = shared


def _bytes(size: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The first bytes of the window."""
    if _window is None or size > len(_window):
        raise ValueError(f"a strip of {size} bytes does not fit into the window")
    return np.frombuffer(_window, np.uint8, size)


def _rows(picture: Picture, first: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The bytes of some rows of a picture."""
    if first + rows > picture.shape[0]:
        raise ValueError(f"rows {first} to {first + rows} of {picture.shape[0]}")
    return picture[first : first + rows].reshape(-1).view(np.uint8)


@quick_operation
def new_picture(
    height: Pixels, width: Pixels, channels: Annotated[int, 1, 4], dtype: str
) -> Picture:
    """Make an empty picture, which `put` fills."""
    if dtype not in map(str, DTYPES):
        raise ValueError(f"{dtype} is not the dtype of a picture")
    return np.empty((height, width, channels), dtype)


@quick_operation
def put(picture: Picture, first: Row, rows: Pixels) -> None:
    """Copy rows from the window into a picture."""
    target = _rows(picture, first, rows)
    target[:] = _bytes(target.size)


@quick_operation
def get(picture: Picture, first: Row, rows: Pixels) -> None:
    """Copy rows of a picture into the window."""
    source = _rows(picture, first, rows)
    _bytes(source.size)[:] = source


@quick_operation
def merge(where: Picture, first: Row, rows: Pixels, size: Annotated[int, 1, 32]) -> None:
    """Replace pixels in the window where a mask is true.

    Parameters
    ----------
    where : ndarray of bool, shape (H, W)
    first, rows : int
        The rows of the mask that the window shows.
    size : int
        Bytes of a pixel. The window holds rows of one picture, followed by the same rows of
        another. Pixels of the second replace pixels of the first.
    """
    chosen = where[first : first + rows].reshape(-1).astype(bool)
    before, after = _bytes(2 * chosen.size * size).reshape(2, chosen.size, size)
    before[chosen] = after[chosen]
