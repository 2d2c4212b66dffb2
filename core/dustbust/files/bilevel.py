"""Scans of 1 bit per pixel from microfilm readers: read as grey, written as 1 bit per pixel."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import DustbustError
from ..image.arrays import Picture, colour_channels, largest
from .paths import as_path, is_path
from .read import header_of, read_frame, read_luminance, resolution_of
from .write import check_target, new_file

# Suffixes of files that can hold 1 bit a pixel here, and Pillow's format and options for them.
# A TIFF is compressed as fax group 4 (ITU-T T.6).
_TIFF: dict[str, Any] = {"format": "TIFF", "compression": "group4"}
BILEVEL_SUFFIXES = {".tif": _TIFF, ".tiff": _TIFF, ".png": {"format": "PNG"}}


def is_bilevel(path: Path) -> bool:
    """Whether a file has 1 bit a pixel."""
    return header_of(path)[1] == 1


def read_scan(scan: Picture | str | bytes | PathLike[str]) -> Picture:
    """The pixels of a scan, at the depth they have in the file; 1 bit a pixel as uint8 0 and 255.

    Parameters
    ----------
    scan : ndarray or path
        An array is returned unchanged.

    Raises
    ------
    DustbustError
        As `open_frame`.
    """
    if is_path(scan) and is_bilevel(as_path(scan)):
        pixels: Picture = np.where(read_luminance(scan) > 0.5, np.uint8(255), np.uint8(0))
        return pixels
    return read_frame(scan)


def in_black_and_white(picture: Picture) -> Picture:
    """A page of scans of 1 bit a pixel, with each pixel black or white: uint8 0 or 255.

    Where as many scans are black as white, a page is taken to be as most of it is: what one scan
    shows on the plain page, and another one does not, is dust.

    Parameters
    ----------
    picture : ndarray, shape (H, W) or (H, W, C)

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.bilevel import in_black_and_white
    >>> in_black_and_white(np.array([[0, 0, 128, 200]], np.uint8))
    array([[  0,   0,   0, 255]], dtype=uint8)
    """
    above = colour_channels(picture)[..., 0] - np.float32(largest(picture.dtype) / 2)
    half = 0.5 if picture.dtype.kind == "u" else 0  # as a mean is rounded
    white, black = above > half, above < -half
    if white.sum() > black.sum():
        white = ~black
    result: Picture = np.where(white, np.uint8(255), np.uint8(0))
    return result


def write_bilevel(
    path: str | Path, picture: Picture, *, like: str | Path, inputs: list[Path]
) -> None:
    """Write a picture as a TIFF or PNG of 1 bit a pixel, whole or not at all.

    Parameters
    ----------
    path : str or Path
        A file that is there is replaced, but never one of `inputs`.
    picture : ndarray, shape (H, W) or (H, W, C)
        See `in_black_and_white`.
    like : str or Path
        The file whose resolution the new one takes over.
    inputs : list of Path
        The files that the picture was made from.

    Raises
    ------
    DustbustError
        When the file cannot be written.
    """
    target = as_path(path)
    check_target(target, inputs, tuple(BILEVEL_SUFFIXES))
    white = in_black_and_white(picture) > 0
    resolution = resolution_of(like)
    with new_file(target) as part:
        Image.fromarray(white).save(part, **BILEVEL_SUFFIXES[target.suffix.lower()], dpi=resolution)


def check_kinds(scans: list[Path]) -> bool:
    """Whether all scans have 1 bit a pixel.

    Raises
    ------
    DustbustError
        When only some have.
    """
    bilevel = [is_bilevel(scan) for scan in scans]
    if any(bilevel) and not all(bilevel):
        raise DustbustError(
            "{scan}: has 1 bit a pixel, but {other} has more; convert them to one kind",
            scan=scans[bilevel.index(True)],
            other=scans[bilevel.index(False)],
        )
    return all(bilevel)
