"""Remembers the files that this program wrote: only these are replaced without being asked to.

The checksums of the files that were written last are kept in the system's folder for the state of
programs. A file that somebody changed has another checksum and is not replaced.

References
----------
freedesktop.org, "XDG Base Directory Specification": $XDG_STATE_HOME.
"""

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from ..errors import DustbustError
from .parts import part_of
from .paths import check_regular

# Number of checksums, in lines of 65 bytes. When there are more, the older half is dropped.
REMEMBERED = 20_000


def state_folder() -> Path:
    """The folder for this program's state, by the conventions of the system."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "dustbust"


def remember(path: Path) -> None:
    """Note that this program wrote a file as it is now."""
    # If the checksum cannot be written, the file later counts as somebody else's and is kept.
    with suppress(OSError, RuntimeError):
        place = state_folder() / "written"
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "ab") as file:
            file.write(_checksum(path).encode() + b"\n")
        lines = place.read_bytes().splitlines(keepends=True)
        if len(lines) > REMEMBERED:
            with part_of(place) as part:
                part.write_bytes(b"".join(lines[-REMEMBERED // 2 :]))
                os.replace(part, place)


def wrote(path: Path) -> bool:
    """Whether this program wrote a file, and nobody changed it since.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.written import wrote
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "letter").write_text("Dear Sir, whom nobody remembers")
    ...     wrote(Path(folder, "letter"))
    False
    """
    with suppress(OSError, RuntimeError):
        place = state_folder() / "written"
        check_regular(place)
        check_regular(path)
        return _checksum(path).encode() in place.read_bytes().split()
    return False


def check_replaceable(path: Path, overwrite: bool) -> None:
    """Refuse to replace a file that this program did not write, or that somebody changed.

    Parameters
    ----------
    path : pathlib.Path
        The name of a new file.
    overwrite : bool
        Whether the user asked to replace what is there.

    Raises
    ------
    DustbustError
        If such a file exists and `overwrite` is False.
    """
    if not overwrite and os.path.lexists(path) and not wrote(path):
        raise DustbustError(
            "{path}: exists, and was not written by dustbust or was changed since; "
            "choose another name, or add --overwrite",
            path=path,
        )


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
