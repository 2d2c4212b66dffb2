"""Locks on open files: they tell whether the process that writes a file is still there.

The system takes a lock back when its process ends, however it ends.

References
----------
Linux man-pages, flock(2).
"""

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process, without waiting.

    Parameters
    ----------
    descriptor : int
        An open file. Closing it gives the lock back.

    Returns
    -------
    bool
        False if the system or its file system has no locks.

    Raises
    ------
    BlockingIOError
        If the file is locked already, by another process or by this one.

    Examples
    --------
    >>> import tempfile
    >>> from dustbust.files.locks import try_lock
    >>> with tempfile.NamedTemporaryFile() as file, open(file.name) as again:
    ...     try_lock(file.fileno())
    ...     try_lock(again.fileno())
    Traceback (most recent call last):
    ...
    BlockingIOError: [Errno 11] Resource temporarily unavailable
    """
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def has_name(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that has this name now.

    A former owner may have removed or replaced the file between opening and locking.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from dustbust.files.locks import has_name
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     has_name(file.fileno(), Path(file.name)), has_name(file.fileno(), Path("/"))
    (True, False)
    """
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
