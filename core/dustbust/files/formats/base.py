"""The base of all formats of frames: a file's pixels, and writing it again with other pixels.

Each format is one module with a class derived from `FrameFile`. The table of the formats, in
`__init__.py` of this folder, lists these classes.
"""

import io
import logging
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import ImageFile

from ...errors import DustbustError, Sentence
from ...image.arrays import Grey, Mask, Picture, compact_luminance_and_data, differing

# Log messages of these libraries about odd files would appear in programs that configure no
# logging.
for library in ("imagecodecs", "tifffile"):
    logging.getLogger(library).addHandler(logging.NullHandler())

# A picture with more pixels is refused before memory is allocated, because a small file may claim
# any size.
# An A4 page at 2200 dpi has 470 million.
MEGAPIXELS = 500
MEGAPIXELS_VARIABLE = "DUSTBUST_MAX_MEGAPIXELS"

# Formats that code a plain area as nothing can claim any size in a few bytes: a blank page of 24
# megapixels takes 211. A picture of more than SMALL pixels is refused if it has more than
# PIXELS_PER_BYTE: a block of 64 x 64 for each byte. Photographs and scans have less than 200.
SMALL, PIXELS_PER_BYTE = 1 << 25, 64 * 64


class FrameFile:
    """A picture file that was read.

    A format derives from this class. It fills in the class attributes, `recognises` and either
    `__init__` (from bytes) or `read`, and overrides `_write` (or `_write_changed`), `create` and
    `header` where it can do more or do it faster. A format of which some kinds are only read
    overrides `check_writable`.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    pixels : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
        The stored pixels at their depth, in the orientation in which they are stored.
    kind : str
        Name of the format in messages and help texts.
    suffixes : tuple of str
        Suffixes of its files, lower case, the usual one first.
    summary : str
        What is read and kept, in one line: README and help texts show it.
    dtypes : tuple of str
        The dtypes of pixels that a file of this format holds.
    alpha : bool
        Whether it holds transparency.
    creates : bool
        Whether `create` makes new files of this format.
    written_as : str
        Suffix that is added to the names of cleaned copies, if `write` makes another format.
    """

    kind: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str] = ""
    dtypes: ClassVar[tuple[str, ...]] = ()
    alpha: ClassVar[bool] = False
    creates: ClassVar[bool] = False
    written_as: ClassVar[str] = ""

    #: Pillow's class for the format, which `header` asks. `Image.open` has a limit of its own.
    opener: ClassVar[type[ImageFile.ImageFile] | None] = None

    path: Path
    pixels: Picture

    def __init__(self, path: Path, data: bytes) -> None:
        raise NotImplementedError

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins with these 16 bytes is of this format."""
        raise NotImplementedError

    @classmethod
    def refined(cls, path: Path) -> "type[FrameFile]":
        """The format of a file that was recognised, where more than its beginning tells it."""
        return cls

    @classmethod
    def read(cls, path: Path) -> "FrameFile":
        """Open a file of this format."""
        return cls(path, path.read_bytes())

    @classmethod
    def read_luminance_and_data(cls, path: Path) -> tuple[Grey, Mask | None]:
        """Luminance and validity of a file; see `dustbust.files.read.read_luminance_and_data`."""
        return compact_luminance_and_data(cls.read(path).pixels)

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        """((width, height), bits) of a file, without decoding its pixels.

        Raises
        ------
        DustbustError
            If the header tells that the file is of a kind that is not read.
        """
        assert cls.opener is not None
        with cls.opener(path) as picture:
            return picture.size, 8

    @classmethod
    def check_writable(cls, path: Path) -> None:
        """Refuse a file that can be read but not written again, without decoding its pixels."""

    @classmethod
    def resolution(cls, path: Path) -> tuple[float, float] | None:
        """Dots per inch (across, down) that a file states, without decoding its pixels, or None."""
        if cls.opener is None:
            return None
        with cls.opener(path) as picture:
            found: tuple[float, float] | None = picture.info.get("dpi")
            return found

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        """Write a new file from pixels alone, which are of `dtypes` and as `alpha` allows."""
        raise NotImplementedError

    def write(self, pixels: Picture, target: Path, changed: Mask | None = None) -> list[str]:
        """Write this file with other pixels.

        Parameters
        ----------
        pixels : ndarray, of the shape and dtype of `self.pixels`
            The new pixels. They may be `self.pixels`, changed in place, if `changed` is given.
        target : pathlib.Path
            A new file.
        changed : ndarray of bool, shape (H, W), or None
            Which pixels are not those of the file; None: those that differ from `self.pixels`.

        Returns
        -------
        list of str
            One short sentence for each kind of data that could not be kept.

        Raises
        ------
        DustbustError
            If the file is damaged, or is of a kind that is only read.
        OSError
            If `target` cannot be written.
        """
        self.check_writable(self.path)
        if changed is None:
            changed = differing(self.pixels, pixels)
        try:
            notes = self._write_changed(pixels, target, changed)
            check_same(target, self.path, self._as_stored(pixels, changed), self._read_back(target))
        except (DustbustError, OSError):
            target.unlink(missing_ok=True)
            raise
        except MemoryError as error:
            target.unlink(missing_ok=True)
            raise out_of_memory(self.path) from error
        except Exception as error:
            target.unlink(missing_ok=True)
            raise damaged(self.kind, self.path, error) from error
        return notes

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        raise NotImplementedError

    def _write_changed(self, pixels: Picture, target: Path, changed: Mask) -> list[str]:
        """As `_write`, for formats of which only the parts with changed pixels are written anew."""
        return self._write(pixels, target)

    def _as_stored(self, pixels: Picture, changed: Mask) -> Picture:
        """The pixels as the file can hold them, if it rounds those that change."""
        return pixels

    def _read_back(self, target: Path) -> Picture | None:
        """The pixels of a file that `_write` wrote, by another decoder where there is one.

        None if they have been compared already.
        """
        with suppress(Exception):  # it may know fewer kinds
            pixels = self._decode_otherwise(target)
            if (pixels.shape, pixels.dtype) == (self.pixels.shape, self.pixels.dtype):
                return pixels
        return type(self).read(target).pixels

    def _decode_otherwise(self, target: Path) -> Picture:
        """The pixels of a file, by another decoder than the one that `read` uses: Pillow."""
        assert self.opener is not None
        with self.opener(target) as opened:
            return np.asarray(opened)


def check_same(target: Path, source: Path, wanted: Picture, found: Picture | None) -> None:
    """Refuse a file that does not hold the pixels it was written with.

    Parameters
    ----------
    target, source : pathlib.Path
        The file, and the frame that it was made from.
    wanted, found : ndarray
        The pixels as they were written, and as they were read back; None if that was checked.

    Raises
    ------
    DustbustError
        If they differ.
    """
    if found is None or np.array_equal(wanted, found, equal_nan=wanted.dtype.kind == "f"):
        return
    raise not_as_written(source)


def not_as_written(source: Path) -> DustbustError:
    """The exception for a file that was read back and differs from what was written."""
    return DustbustError(
        "{path}: its cleaned copy differs from what was written when it is read back, and was "
        "removed; the frame changed meanwhile, or its structure is odd: copy it or save it anew, "
        "and clean it again",
        path=source,
    )


def out_of_memory(path: Path) -> DustbustError:
    """The exception for a file that does not fit into memory."""
    return DustbustError(
        "{path}: there is not enough memory for it; close other programs, "
        "or work on fewer files at a time",
        path=path,
    )


def thumbnail_note() -> Sentence:
    """The note on a smaller copy of the picture in the file, which is kept as it is."""
    return Sentence("the thumbnail in it still shows the dust")


def check_megapixels(path: Path, width: int, height: int, size: int | None = None) -> None:
    """Refuse a picture that is empty or larger than the limit.

    Parameters
    ----------
    path : pathlib.Path
        Its file, for the message.
    width, height : int
        Its size in pixels as the file claims it.
    size : int, optional
        Number of bytes of its data, if they may grow to any size when they are decoded.

    Raises
    ------
    DustbustError
        If it has no pixels, or more than `$DUSTBUST_MAX_MEGAPIXELS` million.
    ValueError
        If it has far more pixels than its data can tell anything about.
    """
    limit = _megapixels()
    if width < 1 or height < 1:
        raise DustbustError(
            "{path}: has no pixels: its size is {width} x {height}; leave it out or scan it again",
            path=path,
            width=width,
            height=height,
        )
    if width * height > limit * 1e6:
        raise DustbustError(
            "{path}: claims a size of {width} x {height}, more than the limit of {limit:g} "
            "megapixels; if that is right, set {variable} to a larger number",
            path=path,
            width=width,
            height=height,
            limit=limit,
            variable=MEGAPIXELS_VARIABLE,
        )
    if size is not None and width * height > max(SMALL, size * PIXELS_PER_BYTE):
        raise ends_early()


def _megapixels() -> float:
    """The limit, from the environment if that holds a number above 0."""
    text = os.environ.get(MEGAPIXELS_VARIABLE)
    if not text:
        return MEGAPIXELS
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not limit > 0:
        raise DustbustError(
            "the environment variable {variable} must be a number above 0, not {text}",
            variable=MEGAPIXELS_VARIABLE,
            text=repr(text),
        )
    return limit


def unsupported(path: Path, kind: Sentence) -> DustbustError:
    """The exception for pictures of a kind (in the plural) that Dustbust does not read."""
    return DustbustError(
        "{path}: {kind} are not supported; convert it to grey or RGB first", path=path, kind=kind
    )


def animated(path: Path) -> DustbustError:
    """The exception for an animated file."""
    return DustbustError(
        "{path}: animated pictures are not supported; save its frames as files", path=path
    )


def several_pictures(path: Path, number: int) -> DustbustError:
    """The exception for a file with several pictures of which none is the main one."""
    return DustbustError(
        "{path}: holds {number} pictures; save each as a file of its own", path=path, number=number
    )


def written_without_loss(kind: str) -> Sentence:
    """The note on a file of a lossy format that had to become larger."""
    return Sentence(
        "lossy {kind} was written without loss, so that the picture away from the dust stays as it "
        "is",
        kind=kind,
    )


def damaged(kind: str, path: Path, error: Exception) -> DustbustError:
    """The exception for a file that its decoder rejects; decoders raise any kind of exception."""
    return DustbustError(
        "{path}: is a damaged or incomplete {kind} ({error}); "
        "leave it out, or copy or scan it again",
        path=path,
        kind=kind,
        error=error,
    )


def ends_early() -> ValueError:
    """The exception for a structure that claims more bytes than the file has."""
    return ValueError("it ends before its end")


def pillow_bytes(picture: Any, name: str, **options: Any) -> bytes:
    """A picture of Pillow as the bytes of a file in the format with this name."""
    coded = io.BytesIO()
    picture.save(coded, name, **options)
    return coded.getvalue()
