"""A look at the result before OK: a part of the picture as it is and as it will be, side by side."""
from gi.repository import Gtk

from .window import MARGIN
from .spots import SIDE
from ..texts import _, translated
from .thumbnail import pixbuf


class SideBySide(Gtk.Box):
    """Two parts of pictures with a word above each."""

    def __init__(self, *words):
        super().__init__(spacing=MARGIN, margin_bottom=MARGIN, homogeneous=True)
        self.pictures = []
        for word in words:
            column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=MARGIN // 2)
            column.pack_start(Gtk.Label(label=word), False, False, 0)
            picture = Gtk.Image()
            picture.set_size_request(SIDE, SIDE)
            column.pack_start(picture, False, False, 0)
            self.pictures.append(picture)
            self.pack_start(column, True, True, 0)

    def show_pictures(self, *pictures):
        for widget, picture in zip(self.pictures, pictures):
            widget.set_from_pixbuf(None if picture is None else pixbuf(picture))


class BeforeAndAfter(Gtk.Box):
    """A place with dust as it is and as it will be; a button goes to the next place."""

    def __init__(self, worker):
        super().__init__(orientation=Gtk.Orientation.VERTICAL)
        self._worker, self._look, self._number = worker, None, 0
        self._sides = SideBySide(_("Before"), _("After"))
        self.pack_start(self._sides, False, False, 0)
        row = Gtk.Box(spacing=MARGIN)
        self._status = Gtk.Label(xalign=0, wrap=True)
        self._next = Gtk.Button(label=_("_Next spot"), use_underline=True, tooltip_text=_("Look at another place with dust"))
        self._next.connect("clicked", self._go_on)
        row.pack_start(self._status, True, True, 0)
        self._next.set_valign(Gtk.Align.START)
        row.pack_end(self._next, False, False, 0)
        self.pack_start(row, False, False, 0)

    def show_spots(self, look, meanwhile=""):
        """Show what `look(number)` gives for place `number`: a pair of parts of pictures. It is called in another thread.

        `meanwhile` is said until it has come; what was shown before stays till then. Without `look` nothing is shown.
        """
        self._look, self._meanwhile = look, meanwhile
        self._next.set_sensitive(look is not None)
        self.say(meanwhile)
        if look is None:
            self._sides.show_pictures(None, None)
        else:
            self._worker.ask(lambda: look(self._number), lambda pair: self._show(look, pair))

    def _go_on(self, _button):
        self._number += 1
        self.show_spots(self._look, self._meanwhile)

    def _show(self, look, pair):
        if look is self._look:
            failed = isinstance(pair, Exception)
            self._sides.show_pictures(*((None, None) if failed else pair))
            self.say(translated(pair) if failed else "")

    def say(self, text):
        """A line below the pictures: what they wait for."""
        self._status.set_text(text)
