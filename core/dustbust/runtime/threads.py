"""How many threads are used."""

import os

from ..errors import DustbustError

VARIABLE = "DUSTBUST_THREADS"

# More threads than this are not started, whatever is asked for.
MOST = 1024


def count(threads: int | None = None) -> int:
    """Number of threads to use.

    Parameters
    ----------
    threads : int or None
        1 or more. None: the environment variable DUSTBUST_THREADS or, without it, the processors
        that this process may use.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the number is less than 1 or not a whole number.
    DustbustError
        If that of the environment is.

    Examples
    --------
    >>> count(3)
    3
    """
    if threads is None:
        threads = _of_environment() or _processors()
    if int(threads) < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return min(int(threads), MOST)


def _of_environment() -> int | None:
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        threads = int(text)
    except ValueError:
        threads = 0
    if threads < 1:
        raise DustbustError(
            "the environment variable {variable} must be a whole number of at least 1, not {text}",
            variable=VARIABLE,
            text=repr(text),
        )
    return threads


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
