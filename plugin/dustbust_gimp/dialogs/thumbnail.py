"""A small picture of the file that is selected in a file window."""

from __future__ import annotations

from gi.repository import GdkPixbuf, GLib, Gtk

from .. import core
from .background import Background


def pixbuf(rgb: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """Convert 8-bit RGB for GTK."""
    data, space = GLib.Bytes.new(rgb), GdkPixbuf.Colorspace.RGB
    return GdkPixbuf.Pixbuf.new_from_bytes(data, space, False, 8, width, height, width * 3)


def pixbuf_of(picture: core.Handle) -> GdkPixbuf.Pixbuf:
    """Convert a picture that the core has made for the screen."""
    height, width, _channels = picture.shape
    return pixbuf(picture.get(0, height), width, height)


class Thumbnail(Gtk.Image):
    """Shows the file selected in a file chooser, if it is a picture.

    Parameters
    ----------
    chooser : Gtk.FileChooser
    worker : Background
        Reads the files.
    """

    def __init__(self, chooser: Gtk.FileChooser, worker: Background) -> None:
        super().__init__(margin_start=6, margin_end=6)
        self._chooser, self._worker = chooser, worker
        chooser.set_preview_widget(self)
        chooser.set_use_preview_label(False)
        chooser.set_preview_widget_active(False)
        chooser.connect("update-preview", self._look)

    def _look(self, chooser: Gtk.FileChooser) -> None:
        path = chooser.get_preview_filename()
        if path:
            self._worker.ask(core.Request("thumbnail", path=path), self._show)
        else:
            chooser.set_preview_widget_active(False)

    def _show(self, picture: core.Handle | Exception) -> None:
        found = not isinstance(picture, Exception)
        if found:
            self.set_from_pixbuf(pixbuf_of(picture))
        self._chooser.set_preview_widget_active(found)
