"""The core at work in a thread of its own, while GIMP shows its progress."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from gi.repository import Gimp

from ..texts import count_text

PAUSE = 0.05  # s between two looks at the worker, hence at most 20 updates of the bar a second
FIRST_ESTIMATE = 3.0  # s; before that, an estimate of the time left is too uncertain to show

# Work in two parts: the steps ask GIMP, in the main thread; the function that the generator
# returns computes, in any thread.
Steps = Generator[None, None, Callable[[], Any]]


def run(title: str, function: Callable[..., Any], *arguments: object, **options: object) -> Any:
    """Return `function(*arguments, progress=..., **options)`, with a progress bar in GIMP.

    Only the main thread talks to GIMP: the worker records its progress, and the main thread
    passes it on.
    """
    latest, result, failure = [(0.0, "")], [], []

    def report(fraction: float, text: str = "") -> None:
        latest[0] = (fraction, text)

    def work() -> None:
        try:
            result.append(function(*arguments, progress=report, **options))
        except BaseException as error:
            failure.append(error)

    Gimp.progress_init(title)
    worker = threading.Thread(target=work, daemon=True)
    started, shown = time.monotonic(), None
    worker.start()
    while worker.is_alive():
        worker.join(PAUSE)
        fraction, text = latest[0]
        if not (fraction or text):
            Gimp.progress_pulse()  # the work goes on, but its length is unknown
        elif (fraction, text) != shown:
            shown = fraction, text
            Gimp.progress_update(min(max(fraction, 0.0), 1.0))
            # The core names files by their paths.
            name, left = os.path.basename(text), time_left(fraction, time.monotonic() - started)
            Gimp.progress_set_text("  ".join(filter(None, (title, name, left))))
    Gimp.progress_end()
    if failure:
        raise failure[0]
    return result[0]


def run_plain(title: str, function: Callable[..., Any], *arguments: object) -> Any:
    """Return `function(*arguments)`, which does not report progress, while GIMP's bar pulses."""
    return run(title, lambda *given, progress: function(*given), *arguments)


def finish(steps: Steps) -> Any:
    """Return the result of work in two parts, at once.

    A window instead goes through the steps whenever it is idle (`dialogs.window.Window`).
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value()


def tell(
    run_mode: Gimp.RunMode,
    summary: str,
    warnings: Iterable[str] = (),
    more: Iterable[str] = (),
    steps: Sequence[tuple[str, Callable[[], object]]] = (),
    window: Callable[..., None] | None = None,
) -> None:
    """Report what was done, and what to look at.

    Parameters
    ----------
    run_mode : Gimp.RunMode
    summary : str
        What was done, in one line. All that is shown where nobody waits for a window: GIMP has it
        in its status bar. Batch mode prints only the warnings.
    warnings : iterable of str
    more : iterable of str
        Further lines for the window.
    steps : sequence of (str, callable)
        What can be done next, for the window.
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
