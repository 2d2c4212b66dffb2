"""Paths, and the names of frames and scans in messages."""

import errno
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypeGuard
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import DustbustError


def is_path(frame: object) -> TypeGuard[str | bytes | os.PathLike[str]]:
    """Whether a frame is given as a file: a path, or an address that begins with file://.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.paths import is_path
    >>> is_path("1.tif"), is_path(np.zeros((2, 2)))
    (True, False)
    """
    return isinstance(frame, (str, bytes, os.PathLike))


def as_path(frame: str | bytes | os.PathLike[str]) -> Path:
    """The path of a frame.

    Parameters
    ----------
    frame : path-like
        A path, or an address that begins with file:// as GIMP has them.

    Returns
    -------
    pathlib.Path

    Examples
    --------
    >>> from dustbust.files.paths import as_path
    >>> str(as_path("file:///scans/roll%201/1.tif"))
    '/scans/roll 1/1.tif'
    """
    if isinstance(frame, str) and frame.lower().startswith("file://"):
        place = urlsplit(frame).path
        if sys.platform == "win32":  # file:///C:/scans/1.tif
            from urllib.request import url2pathname  # slow to import

            return Path(url2pathname(place))
        return Path(os.fsdecode(unquote_to_bytes(place)))
    return Path(os.fsdecode(frame))


def check_regular(file: str | os.PathLike[str] | int) -> None:
    """Refuse anything but a regular file: opening a pipe may block, and a device has no end.

    Parameters
    ----------
    file : path-like or int
        A path or a file descriptor.

    Raises
    ------
    OSError
        If there is no such file, or it is not a regular one.

    Examples
    --------
    >>> from dustbust.files.paths import check_regular
    >>> check_regular("/")
    Traceback (most recent call last):
    ...
    OSError: [Errno 22] it is not a file: '/'
    """
    mode = os.stat(file).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a file", file)


def name_of(frame: object, index: int = 0) -> str:
    """The name of a frame in messages: its path, or "frame 3" for an array.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.files.paths import name_of
    >>> name_of("1.tif"), name_of(np.zeros((2, 2)), 3)
    ('1.tif', 'frame 3')
    """
    return str(as_path(frame)) if is_path(frame) else f"frame {index}"


def place_of(frame: object, index: int = 0) -> str:
    """The name of a frame in a mask: its absolute path, which is valid from any folder.

    Examples
    --------
    >>> from dustbust.files.paths import place_of
    >>> place_of("/scans/1.tif")
    '/scans/1.tif'
    """
    return os.path.abspath(as_path(frame)) if is_path(frame) else name_of(frame, index)


def names_of_scans(scans: Sequence[object], names: Sequence[object] | None = None) -> list[str]:
    """The names of a page's scans in messages.

    Parameters
    ----------
    scans : sequence
        Paths or arrays, two or more.
    names : sequence, optional
        One name for each scan; without them, paths or "scan 1".

    Returns
    -------
    list of str

    Raises
    ------
    DustbustError
        If there are fewer than two scans.
    ValueError
        If there are more or fewer names than scans.

    Examples
    --------
    >>> from dustbust.files.paths import names_of_scans
    >>> names_of_scans(["a.tif", "b.tif"])
    ['a.tif', 'b.tif']
    """
    if len(scans) < 2:
        raise DustbustError(
            "one scan: give at least two scans of one page"
            if scans
            else "no scans: give at least two scans of one page"
        )
    if names is None:
        return [
            name_of(scan) if is_path(scan) else f"scan {index}" for index, scan in enumerate(scans)
        ]
    if len(names) != len(scans):
        raise ValueError(f"names must be one for each of the {len(scans)} scans, not {len(names)}")
    return [str(name) for name in names]


def beside(files: Sequence[Path], mask: Path) -> list[Path]:
    """The files of a run, looked for first in the folder of the mask that was made from them.

    Parameters
    ----------
    files : sequence of Path
        Their paths when the mask was made.
    mask : Path
        The present path of the mask.

    Returns
    -------
    list of Path
        The files in the mask's folder, if at least as many exist there as at the old paths.

    Examples
    --------
    >>> from dustbust.files.paths import beside
    >>> [found] = beside([Path("/roll/1.tif")], Path("/new/dust.xcf"))
    >>> found.as_posix()
    '/new/1.tif'
    """
    names = _below_common_folder(files)
    if not names:
        return list(files)
    here = [mask.parent / name for name in names]
    return max(here, list(files), key=lambda places: sum(place.exists() for place in places))


def moved(files: Sequence[Path], one: Path) -> list[Path]:
    """The files of a run whose folder was moved or renamed, found by one of them.

    Parameters
    ----------
    files : sequence of Path
        Their old paths.
    one : Path
        The present path of one of them.

    Raises
    ------
    DustbustError
        If none of the files has its name.

    Examples
    --------
    >>> from dustbust.files.paths import moved
    >>> found = moved([Path("/a/1.tif"), Path("/a/2.tif")], Path("/b/c/2.tif"))
    >>> [file.as_posix() for file in found]
    ['/b/c/1.tif', '/b/c/2.tif']
    """
    names = _below_common_folder(files)
    for name in names:
        depth = len(name.parts)
        if one.parts[-depth:] == name.parts:
            return [one.parents[depth - 1] / other for other in names]
    raise DustbustError(
        "{file}: no frame of this run has that name; choose one of its frames, such as {frame}.",
        file=one,
        frame=files[0].name if files else "",
    )


def _below_common_folder(files: Sequence[Path]) -> list[Path]:
    """The paths of files relative to their common folder; none if they have no common folder."""
    try:
        common = os.path.commonpath([file.parent for file in files])
    except ValueError:  # on several drives, or no files
        return []
    return [file.relative_to(common) for file in files]
