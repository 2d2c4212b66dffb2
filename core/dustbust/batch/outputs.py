"""The outputs that a batch finds: which are up to date, outdated, or changed by somebody else.

A file counts as written by Dustbust if it still has the size and the SHA-256 of its entry in the
receipt. Only such a file is renewed without being asked to.
"""

import os
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..errors import DustbustError
from .journal import Records
from .receipt import Entry, checksum

# Size, time of the last change and inode of a file: they tell whether it was touched.
Stamp = tuple[int, int, int]


class State(Enum):
    """The state of an output before the batch writes anything."""

    NEW = "new"
    UP_TO_DATE = "up to date"
    OUTDATED = "outdated"
    EDITED = "edited"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Found:
    """The file that was found under the name of an output.

    Attributes
    ----------
    state : State
    stamp : (int, int, int) or None
        The file's stamp at that time; None if there was no file.
    """

    state: State
    stamp: Stamp | None = None


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file; of a link, not of its target. None if there is no file."""
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        return None
    return now.st_size, now.st_mtime_ns, now.st_ino


def look_at(frame: Path, output: Path, records: Records, batch: int | None) -> Found:
    """Find the state of a frame's output.

    Parameters
    ----------
    frame, output : pathlib.Path
        The frame and the name of its output.
    records : Records
        The records of the folder.
    batch : int or None
        Index of the present batch in the receipt; None if the receipt does not contain it.

    Raises
    ------
    DustbustError
        If the output is the frame itself.
    OSError
        If the output cannot be read.
    """
    stamp = stamp_of(output)
    if stamp is None:
        return Found(State.NEW)
    if output.exists() and os.path.samefile(frame, output):
        raise DustbustError(
            "{output}: is the frame itself by another name, and frames are never written over",
            output=output,
        )
    entries = records.entries(output.name)
    if not entries:
        return Found(State.UNKNOWN, stamp)
    entry = _matching(output, entries)
    if entry is None:
        return Found(State.EDITED, stamp)
    now = frame.stat()
    if (entry["batch"], entry.get("frame_size"), entry.get("frame_time")) == (
        batch,
        now.st_size,
        now.st_mtime_ns,
    ):
        return Found(State.UP_TO_DATE, stamp)
    return Found(State.OUTDATED, stamp)


def _matching(output: Path, entries: list[Entry]) -> Entry | None:
    """The entry that describes an output as it is now."""
    if not output.is_file() or output.is_symlink():
        return None
    size = output.stat().st_size
    same_size = [entry for entry in entries if entry["size"] == size]
    if not same_size:
        return None
    now = checksum(output)
    return next((entry for entry in same_size if entry["sha256"] == now), None)
