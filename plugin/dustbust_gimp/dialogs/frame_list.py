"""The list of frames: from files, folders, open images or a drop; and the runs in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gi.repository import Gdk, GdkPixbuf, Gimp, GLib, Gtk, Pango

from .. import core
from ..gimp import progress
from ..texts import _, count_text, translated
from .background import Background
from .search import Search
from .thumbnail import Thumbnail, pixbuf_of
from .window import MARGIN

THUMBNAIL = 48  # px, side of a picture in the list
LIST_SIZE = 720, 260  # px, width and height; longer lists are scrolled

# Columns of the model. A row is a frame, with its number in `files`, or a run, with that of its
# first frame.
NUMBER, IS_RUN, TICKED, PICTURE, NAME, SIZE, FORMAT, WHY, USED, TOOLTIP, DUST = range(11)
TYPES = (int, bool, bool, GdkPixbuf.Pixbuf, str, str, str, str, bool, str, GdkPixbuf.Pixbuf)


class FrameList(Gtk.Box):
    """The frames to estimate a mask from.

    Parameters
    ----------
    kept : dict
        The result of `state` when the window was last used; may be empty.
    worker, thumbnails : Background
        Read headers, and pictures.

    Attributes
    ----------
    files : list of dict
        All files of the list, as the core's operation `list_frames` gives them.
    refused : list
        Sentences about files that were added last and cannot be listed.
    busy : str
        What the list waits for, in words; empty if it is ready.
    on_change : callable or None
        Called when any of these, or `runs()`, change.
    """

    def __init__(self, kept: dict[str, Any], worker: Background, thumbnails: Background) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2)
        self.files: list[dict[str, Any]] = []
        self.refused: list[Any] = []
        self.busy = ""
        self.on_change: Callable[[], None] | None = None
        self._worker, self._thumbnails, self._search = worker, thumbnails, Search()
        self._sources: list[str] = kept.get("sources", [])
        self._is_suggestion = bool(kept.get("is_suggestion", True))
        self._runs: list[list[str]] | None = None
        self._unticked: set[str] = set(kept.get("unticked", []))  # first frames of runs
        self._pictures: dict[str, GdkPixbuf.Pixbuf | None] = {}
        self._dust: dict[tuple[str, ...], GdkPixbuf.Pixbuf | None] = {}  # by the files of a run
        self._reading_picture = False
        self._rows = Gtk.TreeStore(*TYPES)
        self._view = self._make_view()
        scrolled = Gtk.ScrolledWindow(shadow_type=Gtk.ShadowType.IN)
        scrolled.set_size_request(*LIST_SIZE)
        scrolled.add(self._view)
        scrolled.get_vadjustment().connect("value-changed", self._read_pictures)
        scrolled.get_vadjustment().connect("changed", self._read_pictures)
        self.pack_start(scrolled, True, True, 0)
        self.pack_start(self._make_buttons(), False, False, 0)
        self.pack_start(self._make_search(bool(kept.get("find"))), False, False, 0)
        self.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
        self.drag_dest_add_uri_targets()
        self.connect("drag-data-received", self._drop)

    # What the window asks for

    def runs(self) -> list[list[str]]:
        """Return the paths of the frames of each ticked run; of all frames, if they are one run."""
        if not self._find.get_active():
            return [self._used()] if self._used() else []
        return [run for run in self._runs or [] if run[0] not in self._unticked]

    def number_of_runs(self) -> int | None:
        """Return how many runs were found, or None if the list is one run."""
        return len(self._runs or []) if self._find.get_active() else None

    def state(self) -> dict[str, Any]:
        """Return the state to keep for the next time, as plain data."""
        return {
            "sources": self._sources,
            "is_suggestion": self._is_suggestion,
            "find": self._find.get_active(),
            "unticked": sorted(self._unticked),
        }

    def show_sources(self, sources: Sequence[str], is_suggestion: bool) -> None:
        """Show files and folders. Files that the user adds later replace a suggestion."""
        self._is_suggestion, self._sources = is_suggestion, list(sources)
        self.refresh()

    def add_sources(self, sources: Sequence[str]) -> None:
        """Add files and folders, by their paths or addresses."""
        if sources:
            kept = [] if self._is_suggestion else self._sources
            self._is_suggestion, self._sources = False, [*kept, *sources]
            self.refresh()

    def refresh(self) -> None:
        """Look at the files again."""
        self._search.stop()
        self._say(_("Reading the headers of the files..."))
        one_format = not self._find.get_active()
        request = core.Request("list_frames", sources=self._sources, one_format=one_format)
        self._worker.ask(request, self._take)

    def close(self) -> None:
        """Stop the search for runs."""
        self._search.stop()

    # Making

    def _make_view(self) -> Gtk.TreeView:
        view = Gtk.TreeView(model=self._rows, tooltip_column=TOOLTIP, enable_search=False)
        view.get_selection().set_mode(Gtk.SelectionMode.MULTIPLE)
        view.get_selection().connect("changed", self._select)
        view.connect("key-press-event", self._press)
        view.connect("row-expanded", self._read_pictures)
        view.connect("row-activated", self._activate)
        column = Gtk.TreeViewColumn(_("Name"))
        column.set_expand(True)
        tick = Gtk.CellRendererToggle()
        tick.connect("toggled", self._tick)
        picture = Gtk.CellRendererPixbuf(width=THUMBNAIL + 4, height=THUMBNAIL)
        name = Gtk.CellRendererText(ellipsize=Pango.EllipsizeMode.MIDDLE)
        for cell, expand, attributes in (
            (tick, False, {"active": TICKED, "visible": IS_RUN}),
            (picture, False, {"pixbuf": PICTURE, "sensitive": USED}),
            (Gtk.CellRendererPixbuf(xpad=4), False, {"pixbuf": DUST, "visible": IS_RUN}),
            (name, True, {"text": NAME, "sensitive": USED}),
        ):
            column.pack_start(cell, expand)
            for attribute, place in attributes.items():
                column.add_attribute(cell, attribute, place)
        view.append_column(column)
        view.set_expander_column(column)
        for title, place in ((_("Size"), SIZE), (_("Format"), FORMAT), (_("Left out"), WHY)):
            cell = Gtk.CellRendererText()
            view.append_column(Gtk.TreeViewColumn(title, cell, text=place, sensitive=USED))
        return view

    def _make_buttons(self) -> Gtk.Box:
        row = Gtk.Box(spacing=MARGIN // 2)

        def button(label: str, tooltip: str, act: Callable[[], None]) -> Gtk.Button:
            made = Gtk.Button(label=label, use_underline=True, tooltip_text=tooltip)
            made.connect("clicked", lambda _button: act())
            return made

        actions = Gtk.FileChooserAction
        add = (
            button(
                _("Add _files..."),
                _("Choose one file or several; they can also be dropped on the list"),
                lambda: self._choose(_("Add Files"), actions.OPEN),
            ),
            button(
                _("_Add folder..."),
                _("Add all pictures of a folder"),
                lambda: self._choose(_("Add a Folder"), actions.SELECT_FOLDER),
            ),
            button(
                _("Add open _images"),
                _("Add the files of the images that are open in GIMP"),
                lambda: self.add_sources(files_of_open_images()),
            ),
        )
        for each in add:
            row.pack_start(each, False, False, 0)
        empty = button(_("Empt_y"), _("Take all files off the list"), self._empty)
        self._remove_button = button(
            _("Remo_ve"), _("Take the selected files off the list"), self._remove
        )
        self._remove_button.set_sensitive(False)
        for each in (empty, self._remove_button):
            row.pack_end(each, False, False, 0)
        return row

    def _make_search(self, find: bool) -> Gtk.Box:
        row = Gtk.Box(spacing=MARGIN)
        self._find = Gtk.CheckButton(
            label=_("Find the ru_ns"),
            use_underline=True,
            active=find,
            tooltip_text=_(
                "Find where the dust changes, because the glass was cleaned or the film turned. "
                "Each run that is ticked gets a mask of its own"
            ),
        )
        self._find.connect("toggled", lambda _button: self.refresh())
        self._bar = Gtk.ProgressBar(valign=Gtk.Align.CENTER, no_show_all=True)
        row.pack_start(self._find, False, False, 0)
        row.pack_start(self._bar, True, True, 0)
        return row

    # What the user does

    def _choose(self, title: str, action: Gtk.FileChooserAction) -> None:
        chooser = Gtk.FileChooserDialog(
            title=title, transient_for=self.get_toplevel(), action=action, select_multiple=True
        )
        chooser.add_buttons(
            *(_("_Cancel"), Gtk.ResponseType.CANCEL), *(_("_Add"), Gtk.ResponseType.ACCEPT)
        )
        chooser.set_default_response(Gtk.ResponseType.ACCEPT)
        if self.files:
            chooser.set_current_folder(str(Path(self.files[-1]["path"]).parent))
        worker = Background()
        Thumbnail(chooser, worker)
        accepted = chooser.run() == Gtk.ResponseType.ACCEPT
        chosen = chooser.get_uris() if accepted else []
        worker.close()
        chooser.destroy()
        self.add_sources(chosen)

    def _drop(self, _widget: Gtk.Widget, _context: Gdk.DragContext, *dropped: Any) -> None:
        _x, _y, data, _info, _time = dropped
        self.add_sources(data.get_uris())

    def _press(self, _view: Gtk.TreeView, event: Gdk.EventKey) -> bool:
        if event.keyval not in (Gdk.KEY_Delete, Gdk.KEY_KP_Delete):
            return False
        self._remove()
        return True

    def _select(self, selection: Gtk.TreeSelection) -> None:
        self._remove_button.set_sensitive(selection.count_selected_rows() > 0)

    def _activate(self, _view: Gtk.TreeView, place: Gtk.TreePath, _column: object) -> None:
        if self._rows[place][IS_RUN]:
            self._tick(None, place)

    def _tick(self, _cell: Gtk.CellRendererToggle | None, place: str | Gtk.TreePath) -> None:
        row = self._rows[place]
        row[TICKED] = not row[TICKED]
        first = self.files[row[NUMBER]]["path"]
        (self._unticked.discard if row[TICKED] else self._unticked.add)(first)
        self._tell()

    def _remove(self) -> None:
        _model, places = self._view.get_selection().get_selected_rows()
        gone = {number for place in places for number in numbers_in(self._rows[place])}
        if gone:
            files = enumerate(self.files)
            self._sources = [file["path"] for number, file in files if number not in gone]
            self._is_suggestion = False
            self.refresh()

    def _empty(self) -> None:
        self._sources, self._is_suggestion = [], False
        self.refresh()

    # What the core answers

    def _take(self, found: dict[str, Any] | Exception) -> None:
        """Show the files, and begin to look for runs."""
        failed = isinstance(found, Exception)
        self.files = [] if failed else found["files"]
        self.refused = [found] if failed else found["refused"]
        self._sources = [file["path"] for file in self.files]
        self._runs = None
        used = self._used()
        if self._find.get_active() and used:
            self._bar.set_fraction(0)
            self._bar.show()
            request = core.Request("find_runs", files=used, threads=progress.threads())
            self._search.begin(request, self._take_runs, self._bar.set_fraction)
            self._fill(_("Looking for the runs..."))
        else:
            self._fill()

    def _take_runs(self, found: list[list[str]] | Exception) -> None:
        if isinstance(found, Exception):
            self.refused = [found]
        else:
            self._runs = found
        self._fill()

    def _used(self) -> list[str]:
        return [file["path"] for file in self.files if not file["why"]]

    def _fill(self, busy: str = "") -> None:
        """Show the files, in their runs if they are known."""
        self._rows.clear()
        rows = {file["path"]: row_of(number, file) for number, file in enumerate(self.files)}
        for path, row in rows.items():
            row[PICTURE] = self._pictures.get(path)
        for number, run in enumerate(self._runs or [], 1):
            first, last = rows[run[0]], rows[run[-1]]
            size = count_text("{number} frame", "{number} frames", len(run))
            title = _("Run {number}: {first} to {last}").format(
                number=number, first=first[NAME], last=last[NAME]
            )
            ticked, tooltip = run[0] not in self._unticked, GLib.markup_escape_text(title)
            picture = first[PICTURE]
            dust = self._dust.get(tuple(run))
            values = [
                first[NUMBER],
                True,
                ticked,
                picture,
                title,
                size,
                "",
                "",
                True,
                tooltip,
                dust,
            ]
            parent = self._rows.append(None, values)
            for path in run:
                self._rows.append(parent, rows.pop(path))
        for row in rows.values():
            self._rows.append(None, row)
        if len(self._runs or []) == 1:
            self._view.expand_all()
        self._say(busy)
        GLib.idle_add(self._read_pictures)

    def _say(self, busy: str) -> None:
        self.busy = busy
        self._bar.set_visible(bool(busy) and self._runs is None and self._find.get_active())
        self._tell()

    def _tell(self) -> None:
        if self.on_change:
            self.on_change()

    # Thumbnails: visible rows are read first

    def _read_pictures(self, *_ignored: object) -> bool:
        if not self._reading_picture and self._view.get_realized():
            path = next(self._visible_without_picture(), None)
            if path:
                self._reading_picture = True
                request = core.Request("thumbnail", path=path)
                self._thumbnails.ask(request, lambda picture: self._show_picture(path, picture))
            else:
                self._read_dust()
        return GLib.SOURCE_REMOVE

    def _read_dust(self) -> None:
        """Read the dust of a run that has none yet."""
        run = next((run for run in self._runs or [] if tuple(run) not in self._dust), None)
        if run:
            self._reading_picture = True
            size = {"width": 2 * THUMBNAIL, "height": THUMBNAIL}
            request = core.Request("dust_of_run", files=run, threads=progress.threads(), **size)
            self._thumbnails.ask(request, lambda picture: self._show_dust(run, picture))

    def _show_dust(self, run: list[str], picture: core.Handle | Exception) -> None:
        self._reading_picture = False
        found = None if isinstance(picture, Exception) else pixbuf_of(picture)
        self._dust[tuple(run)] = found
        for row in self._rows:
            if row[IS_RUN] and self.files[row[NUMBER]]["path"] == run[0]:
                row[DUST] = found
        self._read_pictures()

    def _visible_without_picture(self) -> Iterator[str]:
        seen = self._view.get_visible_range()
        if seen:
            first, last = seen
            for row in all_rows(self._rows):
                file = self.files[row[NUMBER]]
                unread = file["width"] > 0 and file["path"] not in self._pictures
                if unread and first <= row.path <= last:
                    yield file["path"]

    def _show_picture(self, path: str, picture: core.Handle | Exception) -> None:
        self._reading_picture = False
        found = None if isinstance(picture, Exception) else pixbuf_of(picture)
        if found:
            factor = THUMBNAIL / max(found.get_width(), found.get_height())
            sides = (
                max(round(side * factor), 1) for side in (found.get_width(), found.get_height())
            )
            found = found.scale_simple(*sides, GdkPixbuf.InterpType.BILINEAR)
        self._pictures[path] = found
        for row in all_rows(self._rows):
            if self.files[row[NUMBER]]["path"] == path:
                row[PICTURE] = found
        self._read_pictures()


def row_of(number: int, file: dict[str, Any]) -> list[Any]:
    """Return the row of a file."""
    used, known = not file["why"], file["width"] > 0
    size = f"{file['width']} x {file['height']}" if known else ""
    bits = _("{bits}-bit {format}").format(bits=file["bits"], format=file["format"])
    tooltip = GLib.markup_escape_text(translated(file["reason"]) if file["why"] else file["name"])
    why = translated(file["why"])
    return [
        number,
        False,
        False,
        None,
        file["name"],
        size,
        bits if known else "",
        why,
        used,
        tooltip,
        None,
    ]


def all_rows(rows: Gtk.TreeStore | Gtk.TreeModelRow) -> Iterator[Gtk.TreeModelRow]:
    """Yield rows from the top, and their content."""
    for row in rows:
        yield row
        yield from all_rows(row.iterchildren())


def numbers_in(row: Gtk.TreeModelRow) -> Iterator[int]:
    """Yield the number of a frame, or those of a run's frames."""
    if row[IS_RUN]:
        for child in row.iterchildren():
            yield child[NUMBER]
    else:
        yield row[NUMBER]


def files_of_open_images() -> list[str]:
    """Return the files of the open images that can be frames."""
    files = [image.get_file().get_path() for image in Gimp.get_images() if image.get_file()]
    return core.ask("pictures_among", files=[file for file in files if file])
