"""How many threads are used."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from ..errors import DustbustError

Result = TypeVar("Result")

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


class Threads(Executor):
    """Threads of this process that do works in turn, as `ThreadPoolExecutor` has them.

    If the system allows no further thread, those that there are do the work; without any, it is
    done when it is submitted.

    Parameters
    ----------
    number : int
        The most threads that are started.

    Examples
    --------
    >>> with Threads(2) as threads:
    ...     threads.submit(pow, 2, 3).result()
    8
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._threads: list[Thread] = []
        self._works: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(
        self, work: Callable[..., Result], /, *arguments: Any, **options: Any
    ) -> Future[Result]:
        """Do a work when its turn comes. -> its future result"""
        future: Future[Result] = Future()
        self._works.put((future, lambda: work(*arguments, **options)))
        if len(self._threads) < self._number:
            self._start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end when all works are done, or cancelled."""
        if cancel_futures:
            while not self._works.empty():
                if item := self._works.get():
                    item[0].cancel()
        for _ in self._threads:
            self._works.put(None)
        if wait:
            for thread in self._threads:
                thread.join()
        self._threads, self._number = [], 0

    def _start(self) -> None:
        thread = Thread(target=self._work)
        try:
            thread.start()
        except (RuntimeError, MemoryError):  # the system has no more
            self._number = len(self._threads)
            if not self._threads:
                self._number = 1  # perhaps later
                self._works.put(None)
                self._work()
        else:
            self._threads.append(thread)

    def _work(self) -> None:
        while item := self._works.get():
            _do(*item)
            del item  # its memory is not held while waiting


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # raised where the result is asked for
        future.set_exception(error)
    else:
        future.set_result(result)
