"""Work of the core in the background, while a window remains responsive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import GLib

from .. import core
from ..steps import Steps


def when_idle(
    steps: Steps[Any], then: Callable[[Any], None], priority: int = GLib.PRIORITY_DEFAULT_IDLE
) -> int:
    """Do a step whenever the main loop is idle, and pass the result or the exception to `then`.

    Returns
    -------
    int
        The source of GLib, which ends after the last step.
    """

    def step() -> bool:
        try:
            next(steps)
        except StopIteration as end:
            then(end.value)
        except Exception as error:
            then(error)
        else:
            return GLib.SOURCE_CONTINUE
        return GLib.SOURCE_REMOVE

    return GLib.idle_add(step, priority=priority)


class Background:
    """Asks the core for one thing at a time.

    Of the requests that come meanwhile, the last one is sent next and the others are dropped. Each
    request that was sent is answered.
    """

    def __init__(self) -> None:
        self._wanted: tuple[core.Request, Callable[[Any], None]] | None = None
        self._busy = self._closed = False

    def ask(self, request: core.Request, answer: Callable[[Any], None]) -> None:
        """Send a request, and pass the result or the exception to `answer` in the main loop."""
        self._wanted = request, answer
        if not self._busy:
            self._begin()

    def send(self, request: core.Request, answer: Callable[[Any], None]) -> None:
        """Send a request that must not be dropped, such as a decision of the user, at once."""
        core.begin(request, lambda outcome: GLib.idle_add(self._pass_on, outcome, answer))

    def _pass_on(self, outcome: Any, answer: Callable[[Any], None]) -> bool:
        if not self._closed:
            answer(outcome)
        return GLib.SOURCE_REMOVE

    def close(self) -> None:
        """Stop answering."""
        self._closed = True

    def _begin(self) -> None:
        (request, answer), self._wanted, self._busy = self._wanted, None, True
        core.begin(request, lambda outcome: GLib.idle_add(self._end, outcome, answer))

    def _end(self, outcome: Any, answer: Callable[[Any], None]) -> bool:
        self._busy = False
        if self._closed:
            return GLib.SOURCE_REMOVE
        if self._wanted is not None:
            self._begin()
        answer(outcome)  # even if out of date: the picture follows a moving slider
        return GLib.SOURCE_REMOVE
