"""A look at the result before OK: a part of the picture as it is and as it will be, side by side."""
import dataclasses

from gi.repository import GdkPixbuf, GLib, Gtk

from .core import dustbust, np
from .dialogs import MARGIN
from .texts import _

SIDE = 240      # px of the picture that are shown, one to one
REACH = 100     # px around them that can have a say in what they become
VISIBLE = 0.2   # of white: a change that is dust and not a little more or less noise


def pixbuf(picture):
    """A part of a picture for GTK: 8-bit RGB, without alpha."""
    colours = dustbust.arrays.to_unit(dustbust.arrays.colour_channels(picture))
    rgb = np.broadcast_to(dustbust.arrays.from_unit(colours, np.uint8), (*colours.shape[:2], 3))
    return GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(np.ascontiguousarray(rgb).tobytes()), GdkPixbuf.Colorspace.RGB, False, 8,
                                           rgb.shape[1], rgb.shape[0], rgb.shape[1] * 3)


class SideBySide(Gtk.Box):
    """Two parts of pictures with a word above each."""

    def __init__(self, *words):
        super().__init__(spacing=MARGIN, margin=MARGIN, homogeneous=True)
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
        following = Gtk.Button(label=_("_Next spot"), use_underline=True, halign=Gtk.Align.END, margin_end=MARGIN,
                               tooltip_text=_("Look at another place with dust"))
        following.connect("clicked", self._next)
        self.pack_start(following, False, False, 0)

    def show_spots(self, look):
        """Show what `look(number)` gives for place `number`: a pair of parts of pictures. It is called in another thread."""
        self._look = look
        self._sides.show_pictures(None, None)
        if look:
            self._worker.ask(lambda: look(self._number), self._show)

    def _next(self, _button):
        self._number += 1
        if self._look:
            self.show_spots(self._look)

    def _show(self, pair):
        self._sides.show_pictures(*((None, None) if isinstance(pair, Exception) else pair))


def spots_of_mask(read, dust, options):
    """For `show_spots`: what `apply_mask` makes of the picture that `read()` gives."""
    pictures = []

    def look(number):
        if not pictures:
            pictures.append(read())
        part, near = window_at_dust(dust.binary(), number)
        nearby = np.zeros_like(dust.grey)       # as good as the whole mask for this part, and quicker
        nearby[near] = dust.grey[near]
        return pictures[0][part], dustbust.apply_mask(pictures[0], dataclasses.replace(dust, grey=nearby), **options)[part]
    return look


def spots_of_change(before, after, number):
    """A pair for `show_spots`: a place where one picture differs much from the other."""
    change = np.abs(dustbust.arrays.luminance(before) - dustbust.arrays.luminance(after))
    part, __ = window_at_dust(change > VISIBLE, number)
    return before[part], after[part]


def window_at_dust(binary, number):
    """The slices of a window with much dust (the dustiest is number 0) and of its surroundings."""
    height, width = binary.shape
    rows, columns = max(height // SIDE, 1), max(width // SIDE, 1)
    tall, wide = height // rows, width // columns
    counts = binary[:rows * tall, :columns * wide].reshape(rows, tall, columns, wide).sum(axis=(1, 3)).ravel()
    dusty = np.argsort(-counts, kind="stable")[:max(np.count_nonzero(counts), 1)]
    row, column = divmod(int(dusty[number % len(dusty)]), columns)
    top, left = min(row * tall, max(height - SIDE, 0)), min(column * wide, max(width - SIDE, 0))
    return (np.s_[top:top + SIDE, left:left + SIDE],
            np.s_[max(top - REACH, 0):top + SIDE + REACH, max(left - REACH, 0):left + SIDE + REACH])
