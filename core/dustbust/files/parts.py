"""Temporary files beside the files that they become, and the removal of those left behind.

A process that is killed leaves its temporary file. The process has held a lock on it, so the next
one that writes into the folder recognises it as abandoned and removes it.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .locks import has_name, try_lock
from .paths import check_regular

# Names without an owner. Files with one are removed by their owner, as those of a batch, whose
# workers may be on other machines.
_LEFTOVER = re.compile(r"\.dustbust-[0-9a-f]{16}\.part")


@contextmanager
def part_of(path: Path, *, owner: str = "") -> Iterator[Path]:
    """A new, empty file beside `path`, which no other process uses and which does not stay.

    Parameters
    ----------
    path : pathlib.Path
        The file that the new one is to become.
    owner : str
        A part of the temporary name, by which its owner recognises leftovers.

    Yields
    ------
    pathlib.Path
        The temporary file. It may be renamed; it is removed at the end if it was not.

    Raises
    ------
    OSError
        If the folder cannot be written to.

    Examples
    --------
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.parts import part_of
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with part_of(Path(folder, "a.txt")) as part:
    ...         len(os.listdir(folder))
    ...     len(os.listdir(folder))
    1
    0
    """
    remove_abandoned(path.parent)
    part, descriptor = _new_part(path, owner)
    try:
        yield part
    finally:
        with suppress(OSError):
            part.unlink()
        if descriptor is not None:
            os.close(descriptor)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporary files in a folder whose process is gone.

    Where the file system has no locks, they stay.

    Parameters
    ----------
    folder : pathlib.Path

    Examples
    --------
    >>> import os, tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.parts import remove_abandoned
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, ".dustbust-0123456789abcdef.part").write_bytes(b"half a pict")
    ...     remove_abandoned(Path(folder))
    ...     os.listdir(folder)
    []
    """
    with suppress(OSError):  # a folder that cannot be listed
        for name in os.listdir(folder):
            if _LEFTOVER.fullmatch(name):
                with suppress(OSError):  # removed meanwhile, locked, or somebody else's
                    _remove_if_abandoned(folder / name)


def _remove_if_abandoned(path: Path) -> None:
    flags = os.O_RDWR
    for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags)
    try:
        check_regular(descriptor)
        if try_lock(descriptor):
            path.unlink()
    finally:
        os.close(descriptor)


def _new_part(path: Path, owner: str) -> tuple[Path, int | None]:
    """A new file, and the descriptor that locks it; None where there are no locks."""
    while True:
        part = path.with_name(f".dustbust-{owner}{secrets.token_hex(8)}.part")
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            if not try_lock(descriptor):
                os.close(descriptor)  # Windows cannot rename a file that is open
                return part, None
            if has_name(descriptor, part):
                return part, descriptor
        except BlockingIOError:
            pass  # another process takes it for abandoned, as it was not locked yet
        os.close(descriptor)
