"""Common parts of the windows. Each tells what will happen before OK is pressed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from gi.repository import Gdk, Gimp, GimpUi, Gio, GLib, GObject, Gtk

from ..core import Request
from ..errors import Cancelled, Refused
from ..gimp import kept
from ..gimp.arguments import Option
from ..steps import Steps
from ..texts import _, translated
from . import help_text
from .background import Background, when_idle
from .thumbnail import Thumbnail

MARGIN = 12  # px around things
LARGE = 0.9  # share of the screen's width and height that a large window takes at first


class Window:
    """The window of an action: its settings, a line about the result, and maybe a preview.

    It is filled from the top, with `settings`, `folded` and `add`.

    Parameters
    ----------
    procedure : Gimp.Procedure
    config : Gimp.ProcedureConfig
    title : str
    ok : str
        The label of the button that starts the action.
    """

    def __init__(
        self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, title: str, ok: str
    ) -> None:
        GimpUi.init("dustbust-gimp")
        self.config = config
        self._handlers: list[int] = []
        self._workers: list[Background] = []
        self._rows: dict[str, Gtk.Widget] = {}  # those that are made, by the name of the setting
        self._folders: dict[str, str] = {}  # in which file windows start
        self._forbidden: set[str] = set()
        self._steps: tuple[Steps[Request], int] | None = None
        self._size_kept = ""
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        self.dialog.set_ok_label(ok)
        if not help_text.has_browser():
            help_text.show_without_browser(self.dialog, procedure.get_name())
        self._labels = Gtk.SizeGroup(mode=Gtk.SizeGroupMode.HORIZONTAL)
        self._answers, self._thumbnails = self.worker(), self.worker()
        self._answer_row = Gtk.Box()
        self._answer = Gtk.Label(
            xalign=0,
            yalign=0,
            wrap=True,
            max_width_chars=60,
            margin_top=MARGIN,
            margin_bottom=MARGIN,
        )
        self._answer.set_size_request(-1, 3 * MARGIN)

    def settings(self, *names: str) -> None:
        """Add rows for settings."""
        for name in names:
            self.add(self._row(name))

    def explained(self, name: str, options: Iterable[Option]) -> None:
        """Add a row for a choice, and below it a line about the value that is chosen."""
        self.settings(name)
        self.add(self._explanation(name, options))

    def _explanation(self, name: str, options: Iterable[Option]) -> Gtk.Label:
        texts = {option.name: option.explanation for option in options}
        line = _dim_label(wrap=True, max_width_chars=60, margin_bottom=MARGIN // 4)
        self.on_change(lambda: line.set_text(texts.get(self.config.get_property(name), "")), name)
        return line

    def folded(self, *names: str, about: Mapping[str, str | list[Option]] | None = None) -> None:
        """Add rows for settings that few users need, made when "More settings" is clicked.

        A row for a file takes a fifth of a second to make. `about` gives names a note beside their
        row, such as a unit, or the options of a choice, which are explained below it.
        """
        expander = Gtk.Expander(label=_("More se_ttings"), use_underline=True)

        def unfold(*_ignored: object) -> None:
            if expander.get_child() is None:
                expander.add(self._noted_rows(names, about or {}))
                expander.show_all()

        expander.connect("notify::expanded", unfold)
        self.add(expander)

    def _noted_rows(
        self, names: Iterable[str], about: Mapping[str, str | list[Option]]
    ) -> Gtk.Widget:
        """Make rows for settings, each with its note beside or below it."""
        box = Gtk.Box(
            orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2, margin_top=MARGIN // 2
        )
        for name in names:
            row, note = Gtk.Box(spacing=MARGIN // 2), about.get(name)
            row.pack_start(self._row(name), not isinstance(note, str), True, 0)
            box.pack_start(row, False, False, 0)
            if isinstance(note, str):
                row.pack_start(_dim_label(label=note), False, False, 0)
            elif note:
                box.pack_start(self._explanation(name, note), False, False, 0)
        return box

    def add_answer(self) -> None:
        """Add the line that says what will happen."""
        self._answer_row.pack_start(self._answer, True, True, 0)
        self.add(self._answer_row)

    def add_way_out(self, label: str, tooltip: str, act: Callable[[], None]) -> Gtk.Button:
        """Add a hidden button beside the answer, for when OK is not possible."""
        button = Gtk.Button(label=label, use_underline=True, tooltip_text=tooltip)
        button.set_no_show_all(True)
        button.set_valign(Gtk.Align.CENTER)
        button.connect("clicked", lambda _button: act())
        self._answer_row.pack_end(button, False, False, MARGIN)
        return button

    def open_large(self, name: str) -> None:
        """Open nearly as large as the screen, or as the user left the window; kept as `name`."""
        self._size_kept = name
        screen = Gdk.Display.get_default().get_monitor(0).get_workarea()
        whole = screen.width, screen.height
        large = [int(LARGE * side) for side in whole]
        before = kept.read(name).get("size", large)
        self.dialog.set_default_size(*map(min, before, whole))
        self.dialog.set_position(Gtk.WindowPosition.CENTER)

    def _row(self, name: str) -> Gtk.Widget:
        """Make the row for a setting."""
        argument = self.config.find_property(name)
        if argument.value_type.is_a(Gio.File):
            row = self._file_row(name, argument)
            label = row.get_label_widget()
        else:
            # GIMP 3.2 would show a choice of two or three values as radio buttons, in a frame
            # that cannot have a mnemonic.
            is_choice = argument.value_type.is_a(GObject.TYPE_STRING)
            row = self.dialog.get_widget(name, Gtk.ComboBox if is_choice else GObject.TYPE_NONE)
            label = row.get_label() if isinstance(row, GimpUi.Labeled) else None
        if label:
            self.align(label)
        self._rows[name] = row
        row.set_sensitive(name not in self._forbidden)
        return row

    def _file_row(self, name: str, argument: GObject.ParamSpec) -> GimpUi.FileChooser:
        actions = Gimp.FileChooserAction
        action = actions.SELECT_FOLDER if name == "folder" else actions.OPEN
        chosen = self.config.get_property(name)
        row = GimpUi.FileChooser.new(action, argument.nick, argument.nick.replace("_", ""), chosen)
        row.set_tooltip_text(argument.blurb)
        both_ways = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
        self.config.bind_property(name, row, "file", both_ways)
        if action == actions.OPEN:
            Thumbnail(file_chooser_in(row), self._thumbnails)
        if name in self._folders and chosen is None:
            file_chooser_in(row).set_current_folder(self._folders[name])
        return row

    def align(self, label: Gtk.Label) -> None:
        """Give the label of a setting the width of the others."""
        label.set_xalign(0)
        self._labels.add_widget(label)

    def begin_in(self, folder: str | Path, *names: str) -> None:
        """Let the file windows of these settings start in a folder, while no file is chosen."""
        for name in names:
            self._folders[name] = str(folder)
            if name in self._rows and self.config.get_property(name) is None:
                file_chooser_in(self._rows[name]).set_current_folder(str(folder))

    def allow(self, name: str, allowed: bool) -> None:
        """Enable or disable a setting."""
        (self._forbidden.discard if allowed else self._forbidden.add)(name)
        if name in self._rows:
            self._rows[name].set_sensitive(allowed)

    def worker(self) -> Background:
        """Return a background worker that stops with this window."""
        self._workers.append(Background())
        return self._workers[-1]

    def add(self, widget: Gtk.Widget, grows: bool = False) -> None:
        """Add a widget at the bottom; one that grows takes the room of a larger window."""
        self.dialog.get_content_area().pack_start(widget, grows, grows, MARGIN // 4)
        widget.show_all()

    def on_change(self, react: Callable[[], None], *names: str) -> None:
        """Call `react()` now, and whenever one of the settings changes."""
        for name in names:
            handler = self.config.connect(f"notify::{name}", lambda *_ignored: react())
            self._handlers.append(handler)
        react()

    def say(self, text: str, possible: bool = True) -> None:
        """Show what will happen, and whether OK is possible."""
        self._answer.set_text(text)
        self.dialog.set_response_sensitive(Gtk.ResponseType.OK, possible)

    def answer(self, request: Request, text: Callable[[Any], str]) -> None:
        """Ask the core in the background and show `text(result)`, or why it is not possible."""
        self._answers.ask(
            request, lambda result: self._or_refuse(result, lambda: self.say(text(result)))
        )

    def answer_after(self, steps: Steps[Request], text: Callable[[Any], str]) -> None:
        """Like `answer`, after steps that ask GIMP (see `gimp.progress.begin`).

        A step is done whenever the window is idle. A new call drops the steps of the previous one.
        """

        def begin(request: Request | Exception) -> None:
            self._steps = None
            if isinstance(request, Exception):
                self._or_refuse(request)
            else:
                self.answer(request, text)

        self._forget_steps()
        self._steps = steps, when_idle(steps, begin)

    def _forget_steps(self) -> None:
        if self._steps:
            steps, source = self._steps
            GLib.source_remove(source)
            steps.close()
            self._steps = None

    def _or_refuse(self, result: Any, act: Callable[[], None] | None = None) -> None:
        """Call `act()`; if it raises or `result` is an exception, show why OK is not possible."""
        try:
            if isinstance(result, Exception):
                raise result
            act()
        except Refused as refusal:
            self.say(translated(refusal), possible=False)
        except Exception as error:
            self.say(f"{type(error).__name__}: {error}", possible=False)

    def run(self) -> None:
        """Wait for the user; raises Cancelled unless OK was pressed."""
        try:
            accepted = self.dialog.run()
        finally:
            self._forget_steps()
            for worker in self._workers:
                worker.close()
            for handler in self._handlers:
                self.config.disconnect(handler)
            if self._size_kept:
                size = {"size": list(self.dialog.get_size())}
                kept.write(self._size_kept, size, Gimp.PARASITE_PERSISTENT)
            self.dialog.destroy()
            self.dialog = None
        if not accepted:
            raise Cancelled


def _dim_label(**properties: object) -> Gtk.Label:
    label = Gtk.Label(xalign=0, **properties)
    label.get_style_context().add_class("dim-label")
    return label


def file_chooser_in(row: Gtk.Container) -> Gtk.FileChooser:
    """Return GTK's file chooser in a row of GIMP's."""
    return next(child for child in row.get_children() if isinstance(child, Gtk.FileChooser))
