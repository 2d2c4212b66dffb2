"""Frames: arrays, or files that are read as the pixels that are stored in them; and the names of the files of a run."""
import glob
import os
import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from .arrays import check_image, seen_luminance
from .bmp import BmpFile
from .errors import DustbustError
from .framefile import damaged
from .jpeg import JpegFile
from .jpeg2000 import Jpeg2000File
from .png import MASK_CHUNK, PngFile, chunk_in
from .threads import count
from .tiff import TiffFile
from .webp import WebpFile

FORMATS = (JpegFile, PngFile, TiffFile, WebpFile, Jpeg2000File, BmpFile)
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".webp", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".bmp", ".dib"}

# Frames that are handed to an executor before the first of them is waited for.
AHEAD = 64


# --- reading -----------------------------------------------------------------------------------------------------------------------

def is_path(frame):
    """Whether a frame is given as a file: a path, or an address that begins with file://."""
    return isinstance(frame, (str, bytes, os.PathLike))


def as_path(frame):
    """The path of a frame that is given as a path or as an address that begins with file:// (as GIMP does).

    >>> str(as_path("file:///scans/roll%201/1.tif"))
    '/scans/roll 1/1.tif'
    """
    if isinstance(frame, str) and frame.lower().startswith("file://"):
        return Path(os.fsdecode(unquote_to_bytes(urlsplit(frame).path)))
    return Path(os.fsdecode(frame))


def name_of(frame, index=0):
    """What a message calls this frame."""
    return str(as_path(frame)) if is_path(frame) else f"frame {index}"


def place_of(frame, index=0):
    """What a mask calls this frame: the whole path, so that it is found from any folder."""
    return os.path.abspath(as_path(frame)) if is_path(frame) else name_of(frame, index)


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
    return read_seen(frame)[0]


def read_seen(frame):
    """The luminance of a frame, and where it has data: see `arrays.seen_luminance`."""
    if not is_path(frame):
        return seen_luminance(check_image(frame, "frame"))
    path = as_path(frame)
    return _read(path, lambda kind: kind.read_seen(path))


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
    raise DustbustError("{path}: is empty" if not head else
                        "{path}: is no JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP picture, whatever its name says; leave it out, "
                        "or save it as one of these",
                        path=path)


def read_ahead(frames, read, threads=None, executor=None):
    """Yield `read(frame)` for each frame in order, while the next ones are being read in other threads, or by the workers of an executor.

    At most one more frame than there are threads is held, of an executor's AHEAD.
    """
    ahead = count(threads) if executor is None else AHEAD
    frames = iter(frames)
    with ThreadPoolExecutor(ahead) if executor is None else nullcontext(executor) as pool:
        waiting = deque()
        try:
            for frame in frames:
                waiting.append(pool.submit(read, frame))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


# --- names -------------------------------------------------------------------------------------------------------------------------

def natural_order(path):
    """Sorting key that puts frame2 before frame10, and does not mind upper and lower case.

    >>> sorted(["b10.tif", "B9.tif", "a.tif"], key=natural_order)
    ['a.tif', 'B9.tif', 'b10.tif']
    """
    name = Path(path).name
    parts = re.split("([0-9]+)", name.casefold())
    return [(int(part), "") if index % 2 else (0, part) for index, part in enumerate(parts)], name


def is_picture(path):
    """Whether a file in a folder is taken for a frame: it is named like a picture, not hidden, so not a partial one either, and no dust mask."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file() and not is_mask(path)


def is_mask(path):
    """Whether a file is a dust mask that was saved: see `DustMask.save`."""
    try:
        return chunk_in(path, MASK_CHUNK) is not None
    except OSError:         # whoever reads it says so
        return False


def frames_in(folder):
    """The picture files of a folder, in natural order."""
    return _files_in(folder, is_picture)


def masks_in(folder):
    """The dust masks of a folder, in natural order."""
    masks = _files_in(folder, is_mask)
    if not masks:
        raise DustbustError("{folder}: there are no dust masks", folder=folder)
    return masks


def _files_in(folder, wanted):
    try:
        return sorted(filter(wanted, Path(folder).iterdir()), key=natural_order)
    except OSError as error:
        raise DustbustError("{folder}: cannot be listed ({error})", folder=folder, error=error) from error


def frames_between(first, last):
    """The picture files of a folder whose names sort from `first` to `last` in natural order, both included."""
    first, last = as_path(first), as_path(last)
    for path in (first, last):
        if not path.is_file():
            raise DustbustError("{path}: there is no such file", path=path)
    if not os.path.samefile(first.parent, last.parent):
        raise DustbustError("{first} and {last} are in different folders; a run is part of one folder", first=first, last=last)
    low, high = sorted((natural_order(first), natural_order(last)))
    return [path for path in frames_in(first.parent) if low <= natural_order(path) <= high]


def find_frames(sources):
    """The frames that a user names.

    Parameters
    ----------
    sources : one or several of: a picture file, a folder (its pictures in natural order), a pattern with `*`, `?` or `[...]`.

    Returns
    -------
    list of pathlib.Path : in the order in which they were named; a file that is named twice comes once. Dust masks in folders are left out.

    Raises
    ------
    DustbustError
        when there is no picture, or a dust mask is named as one.
    """
    found = {}
    for source in [sources] if is_path(sources) else sources:
        path = as_path(source)
        if path.is_dir():
            paths = frames_in(path)
        elif is_mask(path):
            raise DustbustError("{path}: is a dust mask, not a frame; leave it out", path=path)
        elif path.exists() or not glob.has_magic(str(path)):
            paths = [path]
        else:
            paths = sorted(filter(is_picture, map(Path, glob.glob(str(path), recursive=True))),
                           key=lambda found: (str(found.parent), natural_order(found)))
        if not paths:
            raise DustbustError("{path}: there are no pictures", path=path)
        found.update(dict.fromkeys(paths))
    return list(found)
