"""Frames: arrays, or files that are read as the pixels that are stored in them; and the names of the files of a run."""

from ..errors import DustbustError
from ..image.arrays import check_image, luminance_and_data
from .formats.base import damaged
from .formats.bmp import BmpFile
from .formats.jpeg import JpegFile
from .formats.jpeg2000 import Jpeg2000File
from .formats.png import PngFile
from .formats.tiff import TiffFile
from .formats.webp import WebpFile
from .paths import as_path, is_path

FORMATS = (JpegFile, PngFile, TiffFile, WebpFile, Jpeg2000File, BmpFile)


def open_frame(path):
    """Read a frame's file.

    Parameters
    ----------
    path : of a JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP file; its content says which, not its name.

    Returns
    -------
    dustbust.framefile.FrameFile : `pixels` at the depth they have in the file, and `write`, which keeps everything else.
        The orientation that a file may name is not applied: masks and frames live on the scanner's grid.

    Raises
    ------
    DustbustError
        when it is no such file, is damaged or cut short, or of a kind that would not come out as it went in.
    """
    path = as_path(path)
    return _read(path, lambda kind: kind.read(path))


def header_of(path):
    """What the header of a frame's file says, without its pixels: ((width, height), bits, format), such as ((6000, 4000), 8, "JPEG").

    Raises
    ------
    DustbustError
        as `open_frame`, as far as the header tells.
    """
    path = as_path(path)
    return _read(path, lambda kind: (*kind.header(path), kind.kind))


def read_frame(frame):
    """The pixels of a frame, at the depth they have in the file (see `open_frame`); an array is given back as it is."""
    return open_frame(frame).pixels if is_path(frame) else check_image(frame, "frame")


def read_luminance(frame):
    """The luminance of a frame, float32 (H, W) in 0..1; of a JPEG only that is decoded."""
    return read_luminance_and_data(frame)[0]


def read_luminance_and_data(frame):
    """The luminance of a frame, and where it has data: see `arrays.luminance_and_data`."""
    if not is_path(frame):
        return luminance_and_data(check_image(frame, "frame"))
    path = as_path(frame)
    return _read(path, lambda kind: kind.read_luminance_and_data(path))


def _read(path, read):
    """`read(format)` with the format of the file; whatever goes wrong is one sentence."""
    try:
        with open(path, "rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise DustbustError("{path}: there is no such file", path=path) from error
    except OSError as error:
        raise DustbustError("{path}: cannot be read ({error})", path=path, error=error) from error
    for kind in FORMATS:
        if kind.recognises(head):
            try:
                return read(kind)
            except DustbustError:
                raise
            except Exception as error:
                raise damaged(kind.kind, path, error) from error
    raise DustbustError(
        "{path}: is empty"
        if not head
        else "{path}: is no JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP picture, whatever its name says; leave it out, "
        "or save it as one of these",
        path=path,
    )
