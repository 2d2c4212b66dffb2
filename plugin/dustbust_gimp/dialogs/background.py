"""Work in the background, while a window remains responsive."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gi.repository import GLib

TICK = 60  # ms between two looks at the work


class Background:
    """Runs one piece of work at a time in a thread.

    If several are requested meanwhile, the last one runs next and the others are dropped. The
    work must not use GIMP or GTK.
    """

    def __init__(self) -> None:
        self._wanted = self._thread = self._answer = None
        self._results: list[Any] = []
        self._timer = GLib.timeout_add(TICK, self._look)

    def ask(self, work: Callable[[], Any], answer: Callable[[Any], None]) -> None:
        """Run `work()`, and pass its result or its exception to `answer` in the main loop."""
        self._wanted = work, answer

    def close(self) -> None:
        """Stop waiting for work."""
        GLib.source_remove(self._timer)

    def _look(self) -> bool:
        if self._thread is not None and not self._thread.is_alive():
            self._thread = None
            if self._wanted is None:  # otherwise the result is out of date
                self._answer(self._results.pop())
        if self._thread is None and self._wanted is not None:
            (work, self._answer), self._wanted = self._wanted, None
            self._results.clear()
            self._thread = threading.Thread(target=self._work, args=(work,), daemon=True)
            self._thread.start()
        return GLib.SOURCE_CONTINUE

    def _work(self, work: Callable[[], Any]) -> None:
        try:
            self._results.append(work())
        except Exception as error:
            self._results.append(error)
