"""How many threads the kernels use."""

import os


def count(threads=None):
    """`threads` if given, else $DUSTBUST_THREADS, else the processors that this process may use."""
    if threads is None:
        threads = os.environ.get("DUSTBUST_THREADS") or (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        )
    threads = int(threads)
    if threads < 1:
        raise ValueError(f"threads must be at least 1, not {threads}")
    return threads
