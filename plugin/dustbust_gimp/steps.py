"""Work in steps, between which a window reacts to the user."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")

# A step ends at each `yield`. `dialogs.window.Window` goes on whenever it is idle.
Steps = Generator[None, None, Result]


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
