"""A preview of the result: a part of the picture before and after, side by side."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gtk

from .. import core
from ..texts import _, translated
from .background import Background
from .thumbnail import pixbuf_of
from .window import MARGIN

# Makes the request for a part of a picture before and after, from the number of the spot.
Look = Callable[[int], core.Request]
# px, where the core's table is missing.
SIDE = 240


class SideBySide(Gtk.Box):
    """Two parts of pictures, with a title above each."""

    def __init__(self, *titles: str) -> None:
        super().__init__(spacing=MARGIN, margin_bottom=MARGIN, homogeneous=True)
        self._pictures = []
        side = core.installed.get("spot_side", SIDE)
        for title in titles:
            column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2)
            column.pack_start(Gtk.Label(label=title), False, False, 0)
            picture = Gtk.Image()
            picture.set_size_request(side, side)
            column.pack_start(picture, False, False, 0)
            self._pictures.append(picture)
            self.pack_start(column, True, True, 0)

    def show_pictures(self, *pictures: core.Handle | None) -> None:
        """Show pictures, or nothing where one is None."""
        for widget, picture in zip(self._pictures, pictures, strict=True):
            widget.set_from_pixbuf(None if picture is None else pixbuf_of(picture))


class BeforeAndAfter(Gtk.Box):
    """A spot with dust before and after; a button shows the next spot."""

    def __init__(self, worker: Background) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL)
        self._worker, self._look, self._number, self._waiting = worker, None, 0, ""
        self._sides = SideBySide(_("Before"), _("After"))
        self.pack_start(self._sides, False, False, 0)
        row = Gtk.Box(spacing=MARGIN)
        self._status = Gtk.Label(xalign=0, wrap=True)
        self._next = Gtk.Button(
            label=_("_Next spot"), use_underline=True, tooltip_text=_("Show another spot with dust")
        )
        self._next.connect("clicked", self._go_on)
        self._next.set_valign(Gtk.Align.START)
        row.pack_start(self._status, True, True, 0)
        row.pack_end(self._next, False, False, 0)
        self.pack_start(row, False, False, 0)

    def show_spots(self, look: Look | None, waiting: str = "") -> None:
        """Show spots.

        Parameters
        ----------
        look : callable or None
            Gives the request for a part of a picture before and after, for a number. None shows
            nothing.
        waiting : str
            Shown until the pictures are there; the previous ones remain until then.
        """
        self._look, self._waiting = look, waiting
        self._next.set_sensitive(look is not None)
        self.say(waiting)
        if look is None:
            self._sides.show_pictures(None, None)
        else:
            self._worker.ask(look(self._number), lambda pair: self._show(look, pair))

    def _go_on(self, _button: Gtk.Button) -> None:
        self._number += 1
        self.show_spots(self._look, self._waiting)

    def _show(self, look: Look, pair: list[core.Handle] | Exception) -> None:
        if look is not self._look:
            return
        failed = isinstance(pair, Exception)
        self._sides.show_pictures(*((None, None) if failed else pair))
        self.say(translated(pair) if failed else "")

    def say(self, text: str) -> None:
        """Show a line below the pictures."""
        self._status.set_text(text)
