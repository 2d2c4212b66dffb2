"""Reading the next frames while one is being processed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from .threads import count

# Frames that are submitted to an executor before the first result is awaited.
FRAMES_AHEAD = 64

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
        ThreadPoolExecutor(ahead) if executor is None else nullcontext(executor)
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
