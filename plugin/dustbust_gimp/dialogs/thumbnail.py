"""A small picture beside the list of a file window, as names like IMG_0815 tell little."""

from __future__ import annotations

from gi.repository import GdkPixbuf, GLib, Gtk

from .. import core
from ..core import np
from .background import Background


def pixbuf(picture: np.ndarray) -> GdkPixbuf.Pixbuf:
    """Convert a picture for GTK."""
    rgb = core.previews.to_rgb8(picture)
    height, width = rgb.shape[:2]
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(rgb.tobytes()),
        GdkPixbuf.Colorspace.RGB,
        False,
        8,
        width,
        height,
        width * 3,
    )


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
        if path and core.is_picture(core.as_path(path)):
            self._worker.ask(lambda: core.previews.thumbnail(path), self._show)
        else:
            chooser.set_preview_widget_active(False)

    def _show(self, picture: np.ndarray | Exception) -> None:
        found = not isinstance(picture, Exception)
        if found:
            self.set_from_pixbuf(pixbuf(picture))
        self._chooser.set_preview_widget_active(found)
