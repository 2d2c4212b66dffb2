"""The core at work, while GIMP shows its progress."""

from __future__ import annotations

import collections
import os
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gi.repository import Gimp

from .. import core
from ..steps import Steps, finish
from ..texts import count_text

PAUSE = 0.05  # s between two looks at the work, hence at most 20 updates of the bar a second
FIRST_ESTIMATE = 3.0  # s; before that, an estimate of the time left is too uncertain to show


def run(title: str, operation: str, **arguments: object) -> Any:
    """Return the result of an operation of the core, with a progress bar in GIMP."""
    latest, answers = collections.deque([(0.0, "")], 1), queue.SimpleQueue()
    request = core.Request(operation, **arguments)
    Gimp.progress_init(title)
    started, shown = time.monotonic(), None
    core.begin(request, answers.put, lambda *told: latest.append(told))
    while True:
        try:
            outcome = answers.get(timeout=PAUSE)
            break
        except queue.Empty:
            fraction, text = latest[-1]
        if not (fraction or text):
            Gimp.progress_pulse()  # the work goes on, but its length is unknown
        elif (fraction, text) != shown:
            shown = fraction, text
            Gimp.progress_update(min(max(fraction, 0.0), 1.0))
            # The core names files by their paths.
            name, left = os.path.basename(text), time_left(fraction, time.monotonic() - started)
            Gimp.progress_set_text("  ".join(filter(None, (title, name, left))))
    Gimp.progress_end()
    return core.value_of(outcome)


def threads() -> int:
    """Return the number of threads that the user allows GIMP."""
    return Gimp.get_num_processors()


def begin(steps: Steps[core.Request]) -> Callable[[], Any]:
    """Begin work in two parts: steps that ask GIMP, and a request to the core.

    The steps are done at once. A window instead goes through them whenever it is idle
    (`dialogs.window.Window`).

    Returns
    -------
    callable
        Waits for the result of the request.
    """
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
    core.begin(finish(steps), answers.put)
    return lambda: core.value_of(answers.get())


def tell(
    run_mode: Gimp.RunMode,
    summary: str,
    warnings: Iterable[str] = (),
    more: Iterable[str] = (),
    steps: Sequence[tuple[str, Callable[[], object]]] = (),
    window: Callable[..., None] | None = None,
) -> None:
    """Report the result of an action, and its warnings.

    Parameters
    ----------
    run_mode : Gimp.RunMode
    summary : str
        The result in one line. It is shown in GIMP's status bar if there is no `window`. Batch mode
        prints only the warnings.
    warnings : iterable of str
    more : iterable of str
        Further lines for the window.
    steps : sequence of (str, callable)
        Labels and functions of the buttons for the next step, for the window.
    window : callable, optional
        Shows the result after an interactive run: `dialogs.done.tell`.
    """
    if run_mode == Gimp.RunMode.INTERACTIVE and window is not None:
        window([summary, *more], list(warnings), steps)
        return
    lines = [summary] if run_mode != Gimp.RunMode.NONINTERACTIVE else []
    lines += warnings
    if lines:
        Gimp.message("\n".join(lines))


def time_left(fraction: float, elapsed: float) -> str:
    """Return the time left in words, or nothing while it is too uncertain.

    >>> time_left(0.0, 10)
    ''
    """
    if fraction <= 0 or elapsed < FIRST_ESTIMATE:
        return ""
    seconds = elapsed / fraction - elapsed
    if seconds < 60:
        whole = int(seconds) + 1
        return count_text("({number} second left)", "({number} seconds left)", whole)
    minutes = int(seconds / 60 + 0.5)
    return count_text("({number} minute left)", "({number} minutes left)", minutes)
