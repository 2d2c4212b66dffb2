"""A small picture beside the list of a file window: names like IMG_0815 say little."""
from gi.repository import GdkPixbuf, GLib, Gtk
from PIL import JpegImagePlugin

from ..core import dustbust, np

SIDE = 240      # px


def pixbuf(picture):
    """A picture, or a part of one, for GTK: 8-bit RGB, without alpha."""
    colours = dustbust.arrays.to_unit(dustbust.arrays.colour_channels(picture))
    rgb = np.broadcast_to(dustbust.arrays.from_unit(colours, np.uint8), (*colours.shape[:2], 3))
    return GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(np.ascontiguousarray(rgb).tobytes()), GdkPixbuf.Colorspace.RGB, False, 8,
                                           rgb.shape[1], rgb.shape[0], rgb.shape[1] * 3)


def small(path):
    """The picture in a file, with at most SIDE pixels on each side."""
    if path.lower().endswith((".jpg", ".jpeg")):        # which Pillow decodes at an eighth of its size, much quicker
        with JpegImagePlugin.JpegImageFile(path) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            picture.thumbnail((SIDE, SIDE))
            return np.asarray(picture.convert("RGB"))
    picture = dustbust.frames.read_frame(path)
    step = -(-max(picture.shape[:2]) // SIDE)
    return picture[::step, ::step]


class Thumbnail(Gtk.Image):
    """Shows the file that is pointed at in a Gtk.FileChooser; nothing where it is no picture."""

    def __init__(self, chooser, worker):
        super().__init__(margin_start=6, margin_end=6)
        self._chooser, self._worker = chooser, worker
        chooser.set_preview_widget(self)
        chooser.set_use_preview_label(False)
        chooser.set_preview_widget_active(False)
        chooser.connect("update-preview", self._look)

    def _look(self, chooser):
        path = chooser.get_preview_filename()
        if path and dustbust.frames.is_picture(dustbust.frames.as_path(path)):
            self._worker.ask(lambda: small(path), self._show)
        else:
            chooser.set_preview_widget_active(False)

    def _show(self, picture):
        found = not isinstance(picture, Exception)
        if found:
            self.set_from_pixbuf(pixbuf(picture))
        self._chooser.set_preview_widget_active(found)
