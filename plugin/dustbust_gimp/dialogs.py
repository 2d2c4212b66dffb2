"""The windows of the three actions. Each says what will happen before OK is pressed."""
import threading

import gi

gi.require_version("GimpUi", "3.0")
gi.require_version("Gtk", "3.0")
from gi.repository import GimpUi, GLib, Gtk

from .core import DustbustError
from .texts import Cancelled, Refused, _

TICK = 60       # ms between two looks at the work in the background
MARGIN = 12     # px around things


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


class Window:
    """The window of one action: its settings, one or two lines that say what will happen, and perhaps a preview."""

    def __init__(self, procedure, config, title, ok, fields, folded=()):
        GimpUi.init("dustbust-gimp")
        self.config, self._handlers = config, []
        self._workers = []
        self._answers = self.worker()
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        self.dialog.set_ok_label(ok)
        fields = list(fields)
        if folded:
            self.dialog.get_label("more-label", _("Mo_re"), False, True)
            self.dialog.fill_box("more-box", list(folded))
            self.dialog.fill_expander("more", "more-label", False, "more-box")
            fields.append("more")
        self.dialog.fill(fields)
        self._answer = Gtk.Label(xalign=0, yalign=0, wrap=True, max_width_chars=60, margin=MARGIN, selectable=False)
        self._answer.set_size_request(-1, 3 * MARGIN)
        self.add(self._answer)

    def worker(self):
        """Background work that ends with this window."""
        self._workers.append(Background())
        return self._workers[-1]

    def add(self, widget):
        self.dialog.get_content_area().pack_start(widget, False, False, 0)
        widget.show_all()

    def on_change(self, react, *names):
        """Call `react()` now, and whenever one of the settings changes."""
        for name in names:
            self._handlers.append(self.config.connect(f"notify::{name}", lambda *_ignored: react()))
        react()

    def say(self, text, possible=True):
        """Show what will happen, and whether it can."""
        self._answer.set_text(text)
        self.dialog.set_response_sensitive(Gtk.ResponseType.OK, possible)

    def answer(self, work, text):
        """Work something out and say `text(result)`, or why it cannot be done."""
        def told(result):
            if isinstance(result, (Refused, DustbustError)):
                self.say(str(result), possible=False)
            elif isinstance(result, Exception):
                raise result
            else:
                self.say(text(result))
        self._answers.ask(work, told)

    def run(self):
        """Wait for the user; raises Cancelled unless it was OK."""
        try:
            accepted = self.dialog.run()
        finally:
            for worker in self._workers:
                worker.close()
            for handler in self._handlers:
                self.config.disconnect(handler)
            self.dialog.destroy()
            self.dialog = None
        if not accepted:
            raise Cancelled
