"""The windows of the three actions. Each says what will happen before OK is pressed."""
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject, Gtk

from ..core import DustbustError
from ..errors import Cancelled, Refused
from ..texts import _, translated
from .background import Background
from .thumbnail import Thumbnail

MARGIN = 12     # px around things


class Window:
    """The window of one action: its settings, one or two lines that say what will happen, and perhaps a preview.

    It is filled from the top: `settings`, `folded`, `add`.
    """

    def __init__(self, procedure, config, title, ok):
        GimpUi.init("dustbust-gimp")
        self.config, self._handlers, self._workers, self._rows, self._steps = config, [], [], {}, None
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        self.dialog.set_ok_label(ok)
        self._labels = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
        self._answers, self._thumbnails = self.worker(), self.worker()
        self._answer = Gtk.Label(xalign=0, yalign=0, wrap=True, max_width_chars=60, margin_top=MARGIN, margin_bottom=MARGIN)
        self._answer.set_size_request(-1, 3 * MARGIN)

    def settings(self, *names):
        """Rows for settings."""
        for name in names:
            self.add(self._row(name))

    def folded(self, *names):
        """Rows for settings that few need, behind a word to click on."""
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2, margin_top=MARGIN // 2)
        for name in names:
            box.pack_start(self._row(name), False, False, 0)
        expander = Gtk.Expander(label=_("More se_ttings"), use_underline=True)
        expander.add(box)
        self.add(expander)

    def add_answer(self):
        """The place where it is said what will happen."""
        self.add(self._answer)

    def _row(self, name):
        argument = self.config.find_property(name)
        if not argument.value_type.is_a(Gio.File):
            # GIMP 3.2 would show a choice of a few as radio buttons, whose frame cannot have a mnemonic.
            kind = Gtk.ComboBox if argument.value_type.is_a(GObject.TYPE_STRING) else GObject.TYPE_NONE
            row = self.dialog.get_widget(name, kind)
            label = row.get_label() if isinstance(row, GimpUi.Labeled) else None
        else:
            action = Gimp.FileChooserAction.SELECT_FOLDER if name == "folder" else Gimp.FileChooserAction.OPEN
            row = GimpUi.FileChooser.new(action, argument.nick, argument.nick.replace("_", ""), self.config.get_property(name))
            row.set_tooltip_text(argument.blurb)
            self.config.bind_property(name, row, "file", GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE)
            if action == Gimp.FileChooserAction.OPEN:
                Thumbnail(file_chooser_in(row), self._thumbnails)
            label = row.get_label_widget()
        if label:
            self.align(label)
        self._rows[name] = row
        return row

    def align(self, label):
        """Give a label in front of a setting the width of the others."""
        label.set_xalign(0)
        self._labels.add_widget(label)

    def begin_in(self, folder, *names):
        """Let the file windows of these settings begin in a folder, as long as no file is chosen."""
        for name in names:
            if self.config.get_property(name) is None:
                file_chooser_in(self._rows[name]).set_current_folder(str(folder))

    def allow(self, name, allowed):
        """Whether a setting can be changed."""
        self._rows[name].set_sensitive(allowed)

    def worker(self):
        """Background work that ends with this window."""
        self._workers.append(Background())
        return self._workers[-1]

    def add(self, widget):
        self.dialog.get_content_area().pack_start(widget, False, False, MARGIN // 4)
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
        self._answers.ask(work, lambda result: self._or_refuse(result, lambda: self.say(text(result))))

    def answer_after(self, steps, text):
        """As `answer`, when first GIMP has to be asked for this and that: `steps` is what `progress.finish` takes.

        A step is done whenever the window has nothing else to do. Who is asked anew meanwhile forgets the first question.
        """
        def step():
            try:
                next(steps)
            except StopIteration as end:
                self.answer(end.value, text)
            except Exception as error:
                self._or_refuse(error)
            else:
                return GLib.SOURCE_CONTINUE
            self._steps = None
            return GLib.SOURCE_REMOVE

        self._forget_steps()
        self._steps = steps, GLib.idle_add(step)

    def _forget_steps(self):
        if self._steps:
            steps, source = self._steps
            GLib.source_remove(source)
            steps.close()

    def _or_refuse(self, result, act=None):
        """`act()`, unless the result is an exception or it raises one: then say why OK is not possible."""
        try:
            if isinstance(result, Exception):
                raise result
            act()
        except (Refused, DustbustError) as refusal:
            self.say(translated(refusal), possible=False)
        except Exception as error:
            self.say(f"{type(error).__name__}: {error}", possible=False)

    def run(self):
        """Wait for the user; raises Cancelled unless it was OK."""
        try:
            accepted = self.dialog.run()
        finally:
            self._forget_steps()
            for worker in self._workers:
                worker.close()
            for handler in self._handlers:
                self.config.disconnect(handler)
            self.dialog.destroy()
            self.dialog = None
        if not accepted:
            raise Cancelled


def file_chooser_in(row):
    """GTK's file chooser in a row of GIMP's."""
    return next(child for child in row.get_children() if isinstance(child, Gtk.FileChooser))
