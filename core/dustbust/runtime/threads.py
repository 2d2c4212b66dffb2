"""How many threads are used."""

import os


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

    Examples
    --------
    >>> count(3)
    3
    """
    if threads is None:
        threads = int(os.environ.get("DUSTBUST_THREADS") or _processors())
    if int(threads) < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return int(threads)


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
