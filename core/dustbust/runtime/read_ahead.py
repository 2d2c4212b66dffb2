"""Work on several frames or parts at the same time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TypeVar

from .threads import Threads, count

# Frames that are submitted to an executor before the first result is awaited.
FRAMES_AHEAD = 64

# Rows of a picture that are worked on at a time, so that they stay in the processor's cache.
STRIP = 64

Frame = TypeVar("Frame")
Result = TypeVar("Result")


def read_ahead(
    frames: Iterable[Frame],
    read: Callable[[Frame], Result],
    threads: int | None = None,
    executor: Executor | None = None,
) -> Iterator[Result]:
    """Yield `read(frame)` for each frame in order, while later frames are being read.

    Parameters
    ----------
    frames : iterable
        Frames, of any type.
    read : callable
        Called as read(frame), several times in parallel.
    threads : int or None
        Threads that read; None: see `dustbust.runtime.threads.count`. At most one result more than
        this is held.
    executor : concurrent.futures.Executor or None
        Its workers read instead of threads. At most FRAMES_AHEAD + 1 results are held.

    Yields
    ------
    object
        Result of `read`. An exception of `read` is raised in the frame's turn.

    Examples
    --------
    >>> list(read_ahead([1, 2, 3], lambda frame: frame * 10))
    [10, 20, 30]
    """
    ahead = count(threads) if executor is None else FRAMES_AHEAD
    context: AbstractContextManager[Executor] = (
        Threads(ahead) if executor is None else nullcontext(executor)
    )
    with context as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for frame in frames:
                waiting.append(pool.submit(read, frame))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def at_once(works: Sequence[Callable[[], Result]], threads: int | None = None) -> list[Result]:
    """The results of some works that do not depend on each other, done at the same time.

    Parameters
    ----------
    works : sequence of callable
        Each is called without arguments.
    threads : int or None
        At most this number of works are done at the same time; see `read_ahead`.

    Returns
    -------
    list
        In the order of the works.

    Examples
    --------
    >>> at_once([lambda: 1, lambda: 2])
    [1, 2]
    """
    if count(threads) == 1:
        return [work() for work in works]
    return list(read_ahead(works, lambda work: work(), threads))


def over_rows(
    work: Callable[[slice], Result], rows: int, threads: int | None = None
) -> list[Result]:
    """The results of some work on strips of rows, from top to bottom.

    Parameters
    ----------
    work : callable
        Called as work(rows) with a slice of at most STRIP rows, in several threads at the same
        time.
    rows : int
        Number of all rows.
    threads : int or None
        See `read_ahead`.

    Returns
    -------
    list

    Examples
    --------
    >>> over_rows(lambda rows: rows.stop, 100)
    [64, 100]
    """
    strips = [slice(top, min(top + STRIP, rows)) for top in range(0, rows, STRIP)]
    number = count(threads)
    results: dict[int, Result] = {}

    def share(first: int) -> None:
        for strip in strips[first::number]:
            results[strip.start] = work(strip)

    at_once([partial(share, first) for first in range(number)], threads)
    return [results[strip.start] for strip in strips]
