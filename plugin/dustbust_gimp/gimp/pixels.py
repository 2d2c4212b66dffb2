"""Drawables as pictures of the core and back, without loss in any precision or colour space.

Each drawable has two formats. Its *stored* format is its own: what is read and written in it is
the same bit for bit. Its *working* format is what the core computes in: the same colour space,
values as in a picture file (R'G'B', not linear light), uint8 or uint16 where the drawable holds
that, and float32 otherwise.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence

from gi.repository import Babl, Gegl, Gimp

from .. import core
from ..steps import Steps, finish

# GEGL's own cache of tiles in this process. Each tile is used once, so that it need not be large.
CACHE_BYTES = 16 << 20

# Strips keep the memory low. Two of the largest fit into the window.
TRANSFER_BYTES = 16 << 20

# Number types of GEGL: bytes, and the core's name of those that it computes in.
NUMBERS = {
    "u8": (1, "uint8"),
    "u16": (2, "uint16"),
    "u32": (4, ""),
    "half": (2, ""),
    "float": (4, "float32"),
    "double": (8, ""),
}


def start() -> None:
    """Make GEGL ready, with a small cache and without its operations.

    GEGL looks for operations where GEGL_PATH says. To load them all would take 0.06 s, and this
    process only moves pixels: filters and rendering are GIMP's.
    """
    folders = os.environ.get("GEGL_PATH")
    os.environ["GEGL_PATH"] = os.path.dirname(__file__)  # has no operation in it
    Gegl.init(None)
    del os.environ["GEGL_PATH"]
    if folders is not None:
        os.environ["GEGL_PATH"] = folders
    Gegl.config().set_property("tile-cache-size", CACHE_BYTES)


class Format:
    """A pixel format of GEGL, and the picture that goes with it.

    Parameters
    ----------
    encoding : str
        Model and number type, such as "R'G'B'A u16".
    space : object
        A colour space of babl.
    """

    def __init__(self, encoding: str, space: object) -> None:
        babl_format = Babl.format_with_space(encoding, space)
        self.name = Babl.get_name(babl_format)
        self.channels = Babl.format_get_n_components(babl_format)
        size, self.dtype = NUMBERS[encoding.split()[-1]]
        self.pixel_bytes = self.channels * size

    def strips(self, width: int, height: int) -> Iterator[core.Part]:
        """Divide a picture into strips of whole rows, each within one row of GIMP's tiles.

        Otherwise GIMP would send tiles twice, and buffers could not share them with copies.
        """
        rows = Gimp.tile_height()
        while rows > 1 and rows * width * self.pixel_bytes > TRANSFER_BYTES:
            rows //= 2
        for top in range(0, height, rows):
            yield 0, top, width, min(rows, height - top)


def stored_format(drawable: Gimp.Drawable, component: str | None = None) -> Format:
    """Return the drawable's own format, or the same with another number type."""
    own_format = drawable.get_format()
    model, own = Babl.format_get_encoding(own_format).rsplit(" ", 1)
    return Format(f"{model} {component or own}", Babl.format_get_space(own_format))


def working_format(drawable: Gimp.Drawable, *, alpha: bool | None = None) -> Format:
    """Return the format to compute in, with or without alpha (by default like the drawable)."""
    own_format = drawable.get_format()
    component = Babl.format_get_encoding(own_format).split()[-1]
    component = component if component in ("u8", "u16") else "float"
    model = "Y'" if drawable.is_gray() else "R'G'B'"
    model += "A" if (drawable.has_alpha() if alpha is None else alpha) else ""
    return Format(f"{model} {component}", Babl.format_get_space(own_format))


def picture_format(picture: core.Handle, drawable: Gimp.Drawable) -> Format:
    """Return the format of pixels of a file, (H, W, 1 or 3), in the drawable's colour space."""
    model = "Y'" if picture.shape[2] == 1 else "R'G'B'"
    component = next(name for name, (_, dtype) in NUMBERS.items() if dtype == picture.dtype)
    return Format(f"{model} {component}", Babl.format_get_space(drawable.get_format()))


def new_picture(pixel_format: Format, height: int, width: int) -> core.Handle:
    """Make a picture in the core, to be filled."""
    return core.start().new_picture(height, width, pixel_format.channels, pixel_format.dtype)


def reading(
    buffer: Gegl.Buffer, pixel_format: Format, x: int, y: int, width: int, height: int
) -> Steps[core.Handle]:
    """Read a rectangle of a GEGL buffer as a picture (height, width, channels), in steps."""
    picture = new_picture(pixel_format, height, width)
    rectangle = Gegl.Rectangle.new(x, y, width, height)
    yield from reading_rows(picture, 0, buffer, pixel_format, rectangle)
    return picture


def read(
    buffer: Gegl.Buffer, pixel_format: Format, x: int, y: int, width: int, height: int
) -> core.Handle:
    """Read a rectangle of a GEGL buffer at once."""
    return finish(reading(buffer, pixel_format, x, y, width, height))


def reading_rows(
    picture: core.Handle,
    first: int,
    buffer: Gegl.Buffer,
    pixel_format: Format,
    rectangle: Gegl.Rectangle,
    copy: Gegl.Buffer | None = None,
) -> Steps[None]:
    """Read a rectangle of a GEGL buffer into a picture, from its row `first` on, in steps.

    With `copy`, its pixels are also copied into this buffer, bit for bit.
    """
    x, y = rectangle.x, rectangle.y
    for __, top, width, rows in pixel_format.strips(rectangle.width, rectangle.height):
        strip = Gegl.Rectangle.new(x, y + top, width, rows)
        data = buffer.get(strip, 1.0, pixel_format.name, Gegl.AbyssPolicy.NONE)
        picture.put(first + top, rows, data)
        if copy is not None:  # of tiles that are still in the cache
            buffer.copy(strip, Gegl.AbyssPolicy.NONE, copy, strip)
        yield


def write(
    buffer: Gegl.Buffer,
    pixel_format: Format,
    picture: core.Handle,
    parts: Sequence[core.Part] | None = None,
) -> None:
    """Write a picture (height, width, channels), or parts of it, into a GEGL buffer."""
    height, width, channels = picture.shape
    # GEGL would silently write nothing.
    if (channels, picture.dtype) != (pixel_format.channels, pixel_format.dtype):
        raise ValueError(f"{picture.shape} {picture.dtype} is not {pixel_format.name}")
    if parts is None:
        parts = list(pixel_format.strips(width, height))
    for some in _transfers(picture, parts):
        for part, data in zip(some, picture.parts(some), strict=True):
            buffer.set(Gegl.Rectangle.new(*part), pixel_format.name, data)
    buffer.flush()


def _transfers(picture: core.Handle, parts: Sequence[core.Part]) -> Iterator[list[core.Part]]:
    """Divide parts of a picture into lists that are moved at once."""
    some, size = [], 0
    for part in parts:
        more = picture.part_bytes(part)
        if some and size + more > TRANSFER_BYTES:
            yield some
            some, size = [], 0
        some.append(part)
        size += more
    if some:
        yield some


def thumbnail(drawable: Gimp.Drawable, side: int) -> Steps[tuple[bytes, int, int]]:
    """Read a drawable reduced to at most `side` px, for the screen: 8-bit RGB, width and height.

    Each step reads one row of pixels in the middle of those that it stands for, and takes the mean
    of neighbours. GEGL's own reduction would read all of the drawable in one step, and GIMP's own
    function for it gives nothing for some kinds of images.
    """
    width, height = drawable.get_width(), drawable.get_height()
    scale = min(1.0, side / max(width, height))
    columns, rows = max(int(width * scale), 1), max(int(height * scale), 1)
    edges = [column * width // columns for column in range(columns + 1)]
    buffer, small = drawable.get_buffer(), bytearray()
    for row in range(rows):
        strip = Gegl.Rectangle.new(0, (2 * row + 1) * height // (2 * rows), width, 1)
        data = buffer.get(strip, 1.0, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
        for left, right in itertools.pairwise(edges):
            for colour in range(3):
                some = data[3 * left + colour : 3 * right : 3]
                small.append(sum(some) // len(some))
        yield
    return bytes(small), columns, rows


def reading_drawable(
    drawable: Gimp.Drawable, pixel_format: Format | None = None
) -> Steps[core.Handle]:
    """Read all pixels of a drawable in steps, without its filters.

    They are in its working format by default.
    """
    width, height = drawable.get_width(), drawable.get_height()
    pixel_format = pixel_format or working_format(drawable)
    return reading(drawable.get_buffer(), pixel_format, 0, 0, width, height)


def fill_drawable(
    drawable: Gimp.Drawable,
    picture: core.Handle,
    pixel_format: Format | None = None,
    parts: Sequence[core.Part] | None = None,
) -> None:
    """Write a picture, or parts of it, into a new drawable; this adds no undo step."""
    write(drawable.get_buffer(), pixel_format or working_format(drawable), picture, parts)
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def copying(source: Gegl.Buffer, target: Gegl.Buffer, pixel_format: Format) -> Steps[None]:
    """Copy a GEGL buffer in steps, bit for bit; the format is that of both."""
    whole = source.get_extent()
    for part in pixel_format.strips(whole.width, whole.height):
        strip = Gegl.Rectangle.new(*part)
        source.copy(strip, Gegl.AbyssPolicy.NONE, target, strip)
        yield


def restore(
    source: Gegl.Buffer,
    target: Gegl.Buffer,
    stored: Format,
    changed: core.Handle,
    parts: Sequence[core.Part],
) -> None:
    """Give parts of a GEGL buffer the pixels of another where nothing changed."""
    for part in parts:
        where = Gegl.Rectangle.new(*part)
        old, new = (
            each.get(where, 1.0, stored.name, Gegl.AbyssPolicy.NONE) for each in (source, target)
        )
        target.set(where, stored.name, core.start().merge(changed, part, old, new))
    target.flush()


class Change:
    """A change of some pixels of a drawable, which is one undo step and stays in the selection.

    All other pixels keep their bits, in every precision.

    Parameters
    ----------
    drawable : Gimp.Drawable

    Attributes
    ----------
    picture : core.Handle
        The pixels of the drawable, in its working format, to be changed.
    """

    def __init__(self, drawable: Gimp.Drawable) -> None:
        self._drawable = drawable
        self._shadow, self._buffer = drawable.get_shadow_buffer(), drawable.get_buffer()
        # GIMP sends each tile once, for the core and for the copy.
        whole, working = self._buffer.get_extent(), working_format(drawable)
        self.picture = new_picture(working, whole.height, whole.width)
        finish(reading_rows(self.picture, 0, self._buffer, working, whole, self._shadow))

    def apply(self, changed: core.Handle, parts: Sequence[core.Part]) -> bool:
        """Write the picture into the drawable where it has changed, within some parts.

        Returns
        -------
        bool
            Whether GIMP allowed it.
        """
        if not parts:
            self._drawable.free_shadow()
            return True
        stored, working = stored_format(self._drawable), working_format(self._drawable)
        write(self._shadow, working, self.picture, parts)
        if stored.name != working.name:
            # The buffers convert from the working to the stored format, which may change pixels
            # that were not repaired.
            restore(self._buffer, self._shadow, stored, changed, parts)
        allowed = self._drawable.merge_shadow(True)
        self._drawable.update(0, 0, self._drawable.get_width(), self._drawable.get_height())
        return allowed
