"""Paths, and what messages call the frames and scans they lead to."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from ..errors import DustbustError


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


def names_of_scans(scans, names=None):
    """What messages call the scans, of which there have to be two or more."""
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
