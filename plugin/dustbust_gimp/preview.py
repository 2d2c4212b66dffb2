"""A look at the result before OK: a part of the picture as it is and as it will be, side by side."""
import dataclasses
import functools

from gi.repository import GdkPixbuf, GLib, Gtk, Pango

from .core import dustbust, np
from .dialogs import MARGIN
from .texts import _, translated

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
        self._status = Gtk.Label(xalign=0, ellipsize=Pango.EllipsizeMode.END)
        self._next = Gtk.Button(label=_("_Next spot"), use_underline=True, tooltip_text=_("Look at another place with dust"))
        self._next.connect("clicked", self._go_on)
        row.pack_start(self._status, True, True, 0)
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


def spots_of_mask(read, dust):
    """For `show_spots`, when its options are filled in: what `apply_mask` makes of the picture that `read()` gives.

    What does not depend on the options is worked out once.
    """
    @functools.cache
    def known():
        return read(), Places(dust.binary()), dustbust.effect.Effect.unpack(dust.effect, dust.grey.shape)

    @functools.cache
    def place(number):
        picture, places, effect = known()
        part, near = places.window(number)
        return np.ascontiguousarray(picture[near]), part_of_mask(dust, effect, near), part, near

    def look(number, **options):
        picture, nearby, part, near = place(number)
        after, __ = dustbust.apply_mask(picture, nearby, return_report=True, **options)
        inside = tuple(slice(p.start - n.start, p.stop - n.start) for p, n in zip(part, near))
        return picture[inside], after[inside]
    return look


def part_of_mask(dust, effect, part):
    """What a mask, whose effect is unpacked, says of a part of the picture: as good as the whole for its middle, and much quicker."""
    if effect is not None:
        region = np.zeros_like(effect.where)
        region[part] = True
        effect = effect.within(region)
        effect = dataclasses.replace(effect, where=effect.where[part].copy(), core=effect.core[part].copy()).pack()
    return dataclasses.replace(dust, grey=dust.grey[part], effect=effect or {})


def spots_of_page(scan, page, dust):
    """For `show_spots`: a scan and the page at the dustiest places, as far as it is known where the dust is."""
    @functools.cache
    def places():
        if dust is not None and dust.grey.shape == page.shape[:2]:
            return Places(dust.binary())
        return Places(np.abs(dustbust.arrays.luminance(scan) - dustbust.arrays.luminance(page)) > VISIBLE)

    def look(number):
        part, __ = places().window(number)
        return scan[part], page[part]
    return look


class Places:
    """Windows of a picture with dust, the dustiest first."""

    def __init__(self, dusty):
        height, width = self.shape = dusty.shape
        rows, self.columns = max(height // SIDE, 1), max(width // SIDE, 1)
        self.tall, self.wide = height // rows, width // self.columns
        counts = dusty[:rows * self.tall, :self.columns * self.wide].reshape(rows, self.tall, self.columns, self.wide).sum(axis=(1, 3)).ravel()
        self.order = np.argsort(-counts, kind="stable")[:max(np.count_nonzero(counts), 1)]

    def window(self, number):
        """The slices of a window and of its surroundings."""
        height, width = self.shape
        row, column = divmod(int(self.order[number % len(self.order)]), self.columns)
        top, left = (max(min(place, size - SIDE), 0) for place, size in ((row * self.tall, height), (column * self.wide, width)))
        return (np.s_[top:min(top + SIDE, height), left:min(left + SIDE, width)],
                np.s_[max(top - REACH, 0):min(top + SIDE + REACH, height), max(left - REACH, 0):min(left + SIDE + REACH, width)])
