"""Frames: arrays, or files that are read as the pixels that are stored in them."""
import os
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from .arrays import check_image, luminance
from .errors import DustbustError
from .threads import count

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp", ".ppm", ".pgm"}


def name_of(frame, index=0):
    """What a message calls this frame."""
    return os.fspath(frame) if isinstance(frame, (str, os.PathLike)) else f"frame {index}"


def read_frame(frame):
    """The pixels of a frame, at the depth they have in the file; an array is given back as it is.

    The orientation that a file may name is not applied: masks and frames live on the scanner's grid.
    """
    if not isinstance(frame, (str, os.PathLike)):
        return check_image(frame, "frame")
    path = Path(frame)
    if not path.is_file():
        raise DustbustError(f"{path}: there is no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix.lower() in (".tif", ".tiff"):
                pixels = np.ascontiguousarray(tifffile.imread(path))
            else:
                with Image.open(path) as picture:
                    if picture.mode in ("P", "PA", "1", "CMYK", "YCbCr", "LAB", "HSV"):
                        raise DustbustError(f"{path}: pictures of type {picture.mode} are not supported; convert it to grey or RGB first")
                    if picture.mode.startswith("I"):
                        pixels = np.asarray(picture).astype(np.uint16)
                    else:
                        pixels = np.asarray(picture)
    except DustbustError:
        raise
    except Exception as error:
        raise DustbustError(f"{path}: cannot be read as a picture ({error}); leave it out or scan it again") from error
    return check_image(pixels, str(path))


def read_luminance(frame):
    """The luminance of a frame, float32 (H, W) in 0..1; of a JPEG only that is decoded."""
    if isinstance(frame, (str, os.PathLike)) and Path(frame).suffix.lower() in (".jpg", ".jpeg"):
        try:
            with Image.open(frame) as picture:
                if picture.format == "JPEG" and picture.mode in ("RGB", "L"):
                    picture.draft("L", picture.size)
                    return luminance(np.asarray(picture.convert("L")))
        except OSError:
            pass        # read_frame says what is wrong with it
    return luminance(read_frame(frame))


def read_ahead(frames, read, threads=None):
    """Yield `read(frame)` for each frame in order, while the next ones are being read in other threads.

    At most one more frame than there are threads is held.
    """
    threads = count(threads)
    frames = iter(frames)
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque()
        try:
            for frame in frames:
                waiting.append(pool.submit(read, frame))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def frames_between(first, last):
    """The picture files of a folder whose names sort from `first` to `last`, both included."""
    first, last = Path(first), Path(last)
    for path in (first, last):
        if not path.is_file():
            raise DustbustError(f"{path}: there is no such file")
    if first.resolve().parent != last.resolve().parent:
        raise DustbustError(f"{first} and {last} are in different folders; a run is part of one folder")
    low, high = sorted((first.name, last.name))
    return [path for path in sorted(first.parent.iterdir())
            if low <= path.name <= high and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]
