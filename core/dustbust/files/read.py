"""Reads frames, which are arrays or files, with the pixels as they are stored."""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from ..errors import DustbustError
from ..image.arrays import (
    Grey,
    Mask,
    Picture,
    Plane,
    check_image,
    compact_luminance_and_data,
    to_unit,
)
from .formats import FORMATS, names_of_formats
from .formats.base import FrameFile, damaged, out_of_memory
from .paths import as_path, check_regular, is_path

# A frame as users give it: a picture, a path, or an address that begins with file://.
Frame: TypeAlias = Picture | str | bytes | os.PathLike[str]
Result = TypeVar("Result")

HEAD = 16  # bytes at the beginning of a file that tell its format


def open_frame(path: str | bytes | os.PathLike[str]) -> FrameFile:
    """Read a frame's file.

    Parameters
    ----------
    path : path-like
        A file in one of the formats of `dustbust.files.formats`. Its content tells the format, not
        its name.

    Returns
    -------
    FrameFile
        `pixels` at the depth they have in the file, and `write`, which keeps everything else. An
        orientation in the file is not applied: masks and frames live on the scanner's grid.

    Raises
    ------
    DustbustError
        If it does not exist, is damaged or cut short, or cannot be written back unchanged.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from dustbust.files.read import open_frame
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/a.png", np.zeros((2, 3), np.uint16))
    ...     frame = open_frame(folder + "/a.png")
    >>> frame.kind, frame.pixels.shape, frame.pixels.dtype.name
    ('PNG', (2, 3), 'uint16')
    """
    path = as_path(path)
    return _read(path, lambda form: form.read(path))


def header_of(path: str | bytes | os.PathLike[str]) -> tuple[tuple[int, int], int, str]:
    """Size, depth and format of a frame's file, from its header.

    Parameters
    ----------
    path : path-like
        As of `open_frame`.

    Returns
    -------
    ((int, int), int, str)
        (width, height), bits and name of the format, such as ((6000, 4000), 8, "JPEG").

    Raises
    ------
    DustbustError
        As `open_frame`, as far as the header tells.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from dustbust.files.read import header_of
    >>> from dustbust.files.write import write_picture
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_picture(folder + "/a.png", np.zeros((2, 3), np.uint16))
    ...     header_of(folder + "/a.png")
    ((3, 2), 16, 'PNG')
    """
    path = as_path(path)
    return _read(path, lambda form: (*form.header(path), form.kind))


def check_writable(path: str | bytes | os.PathLike[str]) -> None:
    """Refuse a frame's file that can be read but not written again, from its header.

    Parameters
    ----------
    path : path-like
        As of `open_frame`.

    Raises
    ------
    DustbustError
        If it is of such a kind, such as a picture with 1 bit, or is not a picture.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from dustbust import DustbustError
    >>> from dustbust.files.read import check_writable
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("1", (2, 3)).save(folder + "/a.png")
    ...     try:
    ...         check_writable(folder + "/a.png")
    ...     except DustbustError as error:
    ...         print(str(error).partition(": ")[2])
    pictures with 1 bits cannot be cleaned; convert it to 8 or 16 bit grey first
    """
    path = as_path(path)
    _read(path, lambda form: form.check_writable(path))


def resolution_of(path: str | bytes | os.PathLike[str]) -> tuple[float, float] | None:
    """The resolution that a frame's file states.

    Parameters
    ----------
    path : path-like
        A file in one of the formats of `dustbust.files.formats`.

    Returns
    -------
    (float, float) or None
        Dots per inch across and down, greater than 0. None if the file states none, or if what it
        states makes no sense: pictures are read without it.

    Examples
    --------
    >>> import tempfile
    >>> from PIL import Image
    >>> from dustbust.files.read import resolution_of
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (2, 3)).save(folder + "/a.jpg", dpi=(300, 200))
    ...     resolution_of(folder + "/a.jpg")
    (300.0, 200.0)
    """
    path = as_path(path)
    try:
        found = _read(path, lambda form: form.resolution(path))
    except DustbustError:
        return None
    if found is None:
        return None
    across, down = float(found[0]), float(found[1])
    return (across, down) if 0 < across < math.inf and 0 < down < math.inf else None


def read_frame(frame: Frame) -> Picture:
    """The pixels of a frame.

    Parameters
    ----------
    frame : path-like or ndarray
        A file is read at its own depth (see `open_frame`); an array is checked.

    Returns
    -------
    ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        An array is returned unchanged.

    Raises
    ------
    DustbustError
        As `open_frame`.
    TypeError, ValueError
        If an array is not a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.read import read_frame
    >>> read_frame(np.zeros((2, 3), np.uint8)).shape
    (2, 3)
    """
    return open_frame(frame).pixels if is_path(frame) else check_image(frame, "frame")


def read_luminance(frame: Frame) -> Plane:
    """The luminance of a frame.

    Parameters
    ----------
    frame : path-like or ndarray
        As of `read_frame`. Of a JPEG the luminance alone is decoded.

    Returns
    -------
    ndarray of float32, shape (H, W)
        0..1.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.read import read_luminance
    >>> read_luminance(np.full((1, 1), 255, np.uint8))
    array([[1.]], dtype=float32)
    """
    try:
        return to_unit(read_luminance_and_data(frame)[0])
    except MemoryError as error:
        if is_path(frame):
            raise out_of_memory(as_path(frame)) from error
        raise


def read_luminance_and_data(frame: Frame) -> tuple[Grey, Mask | None]:
    """The luminance of a frame, in whole numbers if its pixels are, and where it has data.

    Parameters
    ----------
    frame : path-like or ndarray
        As of `read_luminance`.

    Returns
    -------
    (ndarray of uint8, uint16 or float32, ndarray of bool or None)
        As of `dustbust.image.arrays.compact_luminance_and_data`.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.read import read_luminance_and_data
    >>> read_luminance_and_data(np.full((1, 1), 255, np.uint8))
    (array([[255]], dtype=uint8), None)
    """
    if not is_path(frame):
        return compact_luminance_and_data(check_image(frame, "frame"))
    path = as_path(frame)
    return _read(path, lambda form: form.read_luminance_and_data(path))


def _read(path: Path, read: Callable[[type[FrameFile]], Result]) -> Result:
    """Call `read(format)` with the format of the file; raise errors as a DustbustError."""
    try:
        check_regular(path)
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError as error:
        raise DustbustError("{path}: there is no such file", path=path) from error
    except OSError as error:
        raise DustbustError("{path}: cannot be read ({error})", path=path, error=error) from error
    for form in FORMATS:
        if form.recognises(head):
            try:
                form = form.refined(path)
                return read(form)
            except DustbustError:
                raise
            except MemoryError as error:
                raise out_of_memory(path) from error
            except Exception as error:
                raise damaged(form.kind, path, error) from error
    if not head:
        raise DustbustError("{path}: is empty", path=path)
    raise DustbustError(
        "{path}: is not a {formats} picture, whatever its name says; leave it out, "
        "or save it as one of these",
        path=path,
        formats=names_of_formats(),
    )
