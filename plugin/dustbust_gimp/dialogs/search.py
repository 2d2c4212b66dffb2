"""A long search of the core while its window stays in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import GLib

from .. import core
from ..errors import Refused


class Search:
    """Uses a helper of its own, which `stop` ends at once. The other helper stays free."""

    def __init__(self) -> None:
        self._helper: core.Helper | None = None

    def begin(
        self,
        request: core.Request,
        answer: Callable[[Any], None],
        progress: Callable[[float], None],
    ) -> None:
        """Stop the search, if there is one, and send a request.

        `answer(result or exception)` and `progress(fraction)` are called in the main loop.
        """
        self.stop()
        try:
            helper = self._helper = core.Helper(core.installed)
        except Refused as refusal:
            GLib.idle_add(answer, refusal)
            return

        def tell(react: Callable[[Any], None], value: Any) -> bool:
            if helper is self._helper:
                react(value)
            return GLib.SOURCE_REMOVE

        def end(outcome: Any) -> None:
            answer(outcome)
            self.stop()

        helper.begin(
            request,
            lambda outcome: GLib.idle_add(tell, end, outcome),
            lambda fraction, _text: GLib.idle_add(tell, progress, fraction),
        )

    def stop(self) -> None:
        """End the search, if there is one; it gives no answer."""
        if self._helper:
            self._helper.process.kill()
            self._helper = None
