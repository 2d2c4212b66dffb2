"""Work that a window waits for without standing still."""
import threading

from gi.repository import GLib

TICK = 60       # ms between two looks at the work in the background


class Background:
    """Work that a window waits for without standing still.

    Of several things asked for while one is being worked on, the last is done next and the others are forgotten.
    Nothing that is worked on here may touch GIMP or GTK.
    """

    def __init__(self):
        self._wanted = self._thread = None
        self._timer = GLib.timeout_add(TICK, self._look)

    def ask(self, work, answer):
        """Have `work()` done and give its result, or the exception, to `answer` in the main loop."""
        self._wanted = work, answer

    def close(self):
        GLib.source_remove(self._timer)

    def _look(self):
        if self._thread is not None and not self._thread.is_alive():
            thread, self._thread = self._thread, None
            if self._wanted is None:        # otherwise the question has changed meanwhile
                thread.answer(thread.result)
        if self._thread is None and self._wanted is not None:
            (work, answer), self._wanted = self._wanted, None
            self._thread = threading.Thread(target=self._work, args=(work,), daemon=True)
            self._thread.answer = answer
            self._thread.start()
        return GLib.SOURCE_CONTINUE

    @staticmethod
    def _work(work):
        try:
            threading.current_thread().result = work()
        except Exception as error:
            threading.current_thread().result = error
