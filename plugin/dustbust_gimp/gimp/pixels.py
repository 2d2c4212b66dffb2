"""Drawables as pictures of the core and back, without loss in any precision or colour space.

Each drawable has two formats. Its *stored* format is its own: what is read and written in it is
the same bit for bit. Its *working* format is what the core computes in: the same colour space,
values as in a picture file (R'G'B', not linear light), uint8 or uint16 where the drawable holds
that, and float32 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from gi.repository import Babl, Gegl, Gimp

from .. import core

# GEGL's own cache of tiles in this process. Each tile is used once, so that it need not be large.
CACHE_BYTES = 16 << 20

# Strips keep the memory low, and stay in the processor's cache on their way to the core. A single
# row may be larger; two of the widest fit into the window.
TRANSFER_BYTES = 4 << 20

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
    """Make GEGL ready, with a small cache."""
    Gegl.init(None)
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

    def strips(
        self, x: int, y: int, width: int, height: int
    ) -> Iterator[tuple[int, Gegl.Rectangle]]:
        """Divide a rectangle into strips of whole rows; yield first row and rectangle of each."""
        rows = max(1, TRANSFER_BYTES // (width * self.pixel_bytes))
        for top in range(0, height, rows):
            yield top, Gegl.Rectangle.new(x, y + top, width, min(rows, height - top))


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
    channels, dtype = pixel_format.channels, pixel_format.dtype
    return core.ask("new_picture", height=height, width=width, channels=channels, dtype=dtype)


def read(
    buffer: Gegl.Buffer, pixel_format: Format, x: int, y: int, width: int, height: int
) -> core.Handle:
    """Read a rectangle of a GEGL buffer as a picture (height, width, channels)."""
    picture = new_picture(pixel_format, height, width)
    read_rows(picture, 0, buffer, pixel_format, Gegl.Rectangle.new(x, y, width, height))
    return picture


def read_rows(
    picture: core.Handle,
    first: int,
    buffer: Gegl.Buffer,
    pixel_format: Format,
    rectangle: Gegl.Rectangle,
) -> None:
    """Read a rectangle of a GEGL buffer into a picture, from its row `first` on."""
    x, y, width, height = rectangle.x, rectangle.y, rectangle.width, rectangle.height
    for top, strip in pixel_format.strips(x, y, width, height):
        data = buffer.get(strip, 1.0, pixel_format.name, Gegl.AbyssPolicy.NONE)
        picture.put(first + top, strip.height, data)


def write(buffer: Gegl.Buffer, pixel_format: Format, picture: core.Handle) -> None:
    """Write a picture (height, width, channels) into a GEGL buffer."""
    height, width, channels = picture.shape
    # GEGL would silently write nothing.
    if (channels, picture.dtype) != (pixel_format.channels, pixel_format.dtype):
        raise ValueError(f"{picture.shape} {picture.dtype} is not {pixel_format.name}")
    for top, strip in pixel_format.strips(0, 0, width, height):
        buffer.set(strip, pixel_format.name, picture.get(top, strip.height))
    buffer.flush()


def thumbnail(drawable: Gimp.Drawable, side: int) -> tuple[bytes, int, int]:
    """Read a drawable reduced to at most `side` px, for the screen: 8-bit RGB, width and height.

    GIMP's own function for it gives nothing for some kinds of images.
    """
    width, height = drawable.get_width(), drawable.get_height()
    scale = min(1.0, side / max(width, height))
    width, height = max(int(width * scale), 1), max(int(height * scale), 1)
    rectangle = Gegl.Rectangle.new(0, 0, width, height)
    data = drawable.get_buffer().get(rectangle, scale, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    return data, width, height


def read_drawable(drawable: Gimp.Drawable, pixel_format: Format | None = None) -> core.Handle:
    """Read all pixels of a drawable, without its filters, by default in its working format."""
    width, height = drawable.get_width(), drawable.get_height()
    pixel_format = pixel_format or working_format(drawable)
    return read(drawable.get_buffer(), pixel_format, 0, 0, width, height)


def fill_drawable(
    drawable: Gimp.Drawable, picture: core.Handle, pixel_format: Format | None = None
) -> None:
    """Write a picture into a new drawable; this adds no undo step."""
    write(drawable.get_buffer(), pixel_format or working_format(drawable), picture)
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def change_drawable(drawable: Gimp.Drawable, before: core.Handle, after: core.Handle) -> bool:
    """Write the pixels of `after` into the drawable where they differ from `before`.

    Both are in the working format. This is one undo step and stays within the selection. All
    other pixels keep their bits, in every precision.

    Returns
    -------
    bool
        Whether GIMP allowed it.
    """
    changes = core.ask("changes", before=before, after=after)
    first, rows = changes["first"], changes["rows"]
    width, height = drawable.get_width(), drawable.get_height()
    if not rows:
        return True
    stored, working = stored_format(drawable), working_format(drawable)
    shadow, buffer = drawable.get_shadow_buffer(), drawable.get_buffer()
    for top, bottom in ((0, first), (first + rows, height)):
        if top < bottom:
            kept = Gegl.Rectangle.new(0, top, width, bottom - top)
            buffer.copy(kept, Gegl.AbyssPolicy.NONE, shadow, kept)
    for top, strip in stored.strips(0, first, width, rows):
        shadow.set(strip, working.name, after.get(first + top, strip.height))
        if stored.name != working.name:
            # The buffers convert from the working to the stored format, which may change pixels
            # that were not repaired.
            old, new = (
                each.get(strip, 1.0, stored.name, Gegl.AbyssPolicy.NONE)
                for each in (buffer, shadow)
            )
            merged = changes["where"].merge(first + top, strip.height, old, new)
            shadow.set(strip, stored.name, merged)
    shadow.flush()
    allowed = drawable.merge_shadow(True)
    drawable.update(0, 0, width, height)
    return allowed
