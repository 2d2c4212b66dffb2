"""Which files are meant: folders, patterns, ranges of names."""

import glob
import os
import re
from pathlib import Path

from ..errors import DustbustError
from .formats.png import MASK_CHUNK, chunk_in
from .paths import as_path, is_path

SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".jpe",
    ".png",
    ".tif",
    ".tiff",
    ".webp",
    ".jp2",
    ".j2k",
    ".j2c",
    ".jpf",
    ".jpx",
    ".bmp",
    ".dib",
}


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
    return (
        path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
        and not is_mask(path)
    )


def is_mask(path):
    """Whether a file is a dust mask that was saved: see `DustMask.save`."""
    try:
        return chunk_in(path, MASK_CHUNK) is not None
    except OSError:  # whoever reads it says so
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
        raise DustbustError(
            "{folder}: cannot be listed ({error})", folder=folder, error=error
        ) from error


def frames_between(first, last):
    """The picture files of a folder whose names sort from `first` to `last` in natural order, both included."""
    first, last = as_path(first), as_path(last)
    for path in (first, last):
        if not path.is_file():
            raise DustbustError("{path}: there is no such file", path=path)
    if not os.path.samefile(first.parent, last.parent):
        raise DustbustError(
            "{first} and {last} are in different folders; a run is part of one folder",
            first=first,
            last=last,
        )
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
            paths = sorted(
                filter(is_picture, map(Path, glob.glob(str(path), recursive=True))),
                key=lambda found: (str(found.parent), natural_order(found)),
            )
        if not paths:
            raise DustbustError("{path}: there are no pictures", path=path)
        found.update(dict.fromkeys(paths))
    return list(found)
