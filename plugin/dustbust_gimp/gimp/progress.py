"""The core at work in a thread of its own, while GIMP shows how far it is."""
import os
import threading
import time

from gi.repository import Gimp

from ..texts import count_text

PAUSE = 0.05        # s between two looks at the worker, hence at most 20 updates of the progress bar a second
ESTIMATE_AFTER = 3.0    # s before the time left is worth saying


def run(title, function, *arguments, **options):
    """`function(*arguments, progress=..., **options)`, with a progress bar in GIMP.

    Only the main thread talks to GIMP; the worker leaves word of its progress and the main thread passes it on.
    """
    latest, result, failure = [(0.0, "")], [], []

    def report(fraction, text=""):
        latest[0] = (fraction, text)

    def work():
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
            Gimp.progress_pulse()       # it goes on, but nobody knows how far it is
        elif (fraction, text) != shown:
            shown = fraction, text
            Gimp.progress_update(min(max(fraction, 0.0), 1.0))
            words = title, os.path.basename(text), time_left(fraction, time.monotonic() - started)      # the core names files by their paths
            Gimp.progress_set_text("  ".join(filter(None, words)))
    Gimp.progress_end()
    if failure:
        raise failure[0]
    return result[0]


def run_plain(title, function, *arguments):
    """`function(*arguments)`, which says nothing of its progress, while GIMP shows that something is going on."""
    return run(title, lambda *given, progress: function(*given), *arguments)


def finish(steps):
    """The result of work that is done in two parts, at once.

    steps : a generator, each step of which asks something of GIMP, so that it has to be in the main thread; it returns a function
        that gives the result, which may be called in any. (A window goes through the steps while it goes on, see `dialogs.Window.steps`.)
    """
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value()


def tell(run_mode, summary, warnings=()):
    """Say what was done, and what to look at.

    GIMP shows a short line in its status bar, and more than one line in a window: so a summary does not cover the image, and
    warnings are seen. In batch mode only the warnings are said, on the console.
    """
    lines = [summary] if run_mode != Gimp.RunMode.NONINTERACTIVE else []
    lines += warnings
    if lines:
        Gimp.message("\n".join(lines))


def time_left(fraction, elapsed):
    """How long the rest takes, in words, if that can be told yet.

    >>> time_left(0.0, 10)
    ''
    """
    if fraction <= 0 or elapsed < ESTIMATE_AFTER:
        return ""
    seconds = elapsed / fraction - elapsed
    if seconds < 60:
        return count_text("({number} second left)", "({number} seconds left)", int(seconds) + 1)
    return count_text("({number} minute left)", "({number} minutes left)", int(seconds / 60 + 0.5))
