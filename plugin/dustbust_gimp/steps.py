"""Work in steps, between which a window reacts to the user."""

from __future__ import annotations

import queue
from collections.abc import Generator
from typing import Any, TypeVar

from . import core

Result = TypeVar("Result")

# A step ends at each `yield`. `dialogs.window.Window` goes on whenever it is idle.
Steps = Generator[None, None, Result]

STEP = 0.01  # s, the longest wait for the core in one step


def finish(steps: Steps[Result]) -> Result:
    """Do all steps at once and return the result.

    >>> def steps():
    ...     yield
    ...     return 7
    >>> finish(steps())
    7
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def asking(request: core.Request) -> Steps[Any]:
    """Return the result of a request, for which each step waits a little."""
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    core.begin(request, answers.put)
    while True:
        try:
            return core.value_of(answers.get(timeout=STEP))
        except queue.Empty:
            yield
