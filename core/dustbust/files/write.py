"""New files: whole or not at all, and never over the pictures that they are made from."""

import os
from contextlib import contextmanager, suppress

import imagecodecs
import numpy as np
import tifffile

from ..errors import DustbustError
from ..image.arrays import check_image
from .paths import as_path
from .read import open_frame

# What to do about an output that is there already.
EXISTS = ("skip", "overwrite", "rename")


def _encode_png(pixels):
    return imagecodecs.png_encode(pixels)


def _encode_jpeg(pixels):
    return imagecodecs.jpeg_encode(pixels, level=95)


def _write_tiff(path, pixels):
    tifffile.imwrite(
        path,
        pixels,
        compression="adobe_deflate",
        photometric="rgb" if pixels.ndim == 3 and pixels.shape[2] >= 3 else "minisblack",
    )


# Suffix -> (format as its FrameFile calls it, dtypes it can hold, whether it can hold alpha)
WRITABLE = {
    ".png": ("PNG", "uint8 uint16", True),
    ".tif": ("TIFF", "uint8 uint16 float32", True),
    ".tiff": ("TIFF", "uint8 uint16 float32", True),
    ".jpg": ("JPEG", "uint8", False),
    ".jpeg": ("JPEG", "uint8", False),
}


def check_target(path, inputs=(), kinds=tuple(WRITABLE)):
    """Refuse a name for a new file that has none of the known suffixes, no folder, or is one of the files that it is made from."""
    path = as_path(path)
    if path.suffix.lower() not in kinds:
        raise DustbustError(
            "{path}: the name must end in {kinds}", path=path, kinds=", ".join(kinds)
        )
    if not path.parent.is_dir():
        raise DustbustError("{path}: there is no folder {folder}", path=path, folder=path.parent)
    if path.exists() and any(
        os.path.exists(file) and os.path.samefile(file, path) for file in inputs
    ):
        raise DustbustError(
            "{path}: is one of the pictures it is made from, which are never written over; choose another name",
            path=path,
        )


@contextmanager
def new_file(path):
    """A file that is written whole or not at all: gives the name, beside `path`, to write to; what `path` was stays if that fails."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise DustbustError(
            "{path}: cannot be written ({error}); choose another folder", path=path, error=error
        ) from error
    finally:
        with suppress(OSError):
            part.unlink()


def write_picture(path, pixels, *, like=None, inputs=()):
    """Write a picture to a new file, whole or not at all.

    Parameters
    ----------
    path : its suffix (.png, .tif, .tiff, .jpg, .jpeg) says the format. A file that is there is replaced, but never one of `inputs`.
    pixels : uint8, uint16 or float32, (H, W) or (H, W, C).
    like : a file of the same size, depth and format, whose tags, profile, resolution and tables the new file takes over
        where the format can; None for none.
    inputs : the files that the picture was made from.

    Raises
    ------
    DustbustError
        when the format cannot hold such pixels, or the file cannot be written.
    """
    path = as_path(path)
    pixels = np.ascontiguousarray(check_image(pixels, "pixels"))
    check_target(path, inputs)
    kind, dtypes, alpha = WRITABLE[path.suffix.lower()]
    if pixels.dtype.name not in dtypes.split() or (
        not alpha and pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    ):
        raise DustbustError(
            "{path}: a {kind} cannot hold {dtype} pixels of shape {shape} without loss; write a TIFF",
            path=path,
            kind=kind,
            dtype=pixels.dtype.name,
            shape=pixels.shape,
        )
    with new_file(path) as part:
        template = open_frame(like) if like is not None else None
        if (
            template is not None
            and template.kind == kind
            and template.pixels.shape == pixels.shape
            and template.pixels.dtype == pixels.dtype
        ):
            template.write(pixels, part)
        elif kind == "TIFF":
            _write_tiff(part, pixels)
        else:
            part.write_bytes((_encode_png if kind == "PNG" else _encode_jpeg)(pixels))


def free_name(output):
    """A name beside an output that is not taken."""
    number = 2
    while (free := output.with_name(f"{output.stem}-{number}{output.suffix}")).exists():
        number += 1
    return free


def check_complete(frame, output):
    """Refuse an output that is not ours, as far as we know, unless it may well be what is wanted: it is never replaced unasked."""
    if output.stat().st_mtime_ns < frame.stat().st_mtime_ns:
        raise DustbustError(
            "{output}: exists, but is older than its frame; remove it, or choose to overwrite or to rename",
            output=output,
        )
    try:
        complete = open_frame(output).pixels.shape[:2] == open_frame(frame).pixels.shape[:2]
    except DustbustError:
        complete = False
    if not complete:
        raise DustbustError(
            "{output}: exists, but is no complete picture like its frame; remove it, or choose to overwrite or to rename",
            output=output,
        )
