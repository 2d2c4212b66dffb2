"""Drawables as arrays and back, without loss in any precision or colour space.

Each drawable has two formats. Its *stored* format is its own: what is read and written in it is
the same bit for bit. Its *working* format is what the core computes in: the same colour space,
values as in a picture file (R'G'B', not linear light), uint8 or uint16 where the drawable holds
that, and float32 otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from gi.repository import Babl, Gegl, Gimp

from ..core import np

# A call of GEGL takes less than 2 GiB, and strips keep the memory low.
TRANSFER_BYTES = 64 << 20

DTYPES = {
    "u8": "uint8",
    "u16": "uint16",
    "u32": "uint32",
    "half": "float16",
    "float": "float32",
    "double": "float64",
}


class Format:
    """A pixel format of GEGL, and the array that goes with it.

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
        self.dtype = np.dtype(DTYPES[encoding.split()[-1]])

    def strips(
        self, x: int, y: int, width: int, height: int
    ) -> Iterator[tuple[int, Gegl.Rectangle]]:
        """Divide a rectangle into strips of whole rows; yield first row and rectangle of each."""
        rows = max(1, TRANSFER_BYTES // (width * self.channels * self.dtype.itemsize))
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


def picture_format(pixels: np.ndarray, drawable: Gimp.Drawable) -> Format:
    """Return the format of pixels of a file, (H, W, 1 or 3), in the drawable's colour space."""
    model = "Y'" if pixels.shape[2] == 1 else "R'G'B'"
    component = next(name for name, dtype in DTYPES.items() if dtype == pixels.dtype)
    return Format(f"{model} {component}", Babl.format_get_space(drawable.get_format()))


def read(
    buffer: Gegl.Buffer, pixel_format: Format, x: int, y: int, width: int, height: int
) -> np.ndarray:
    """Read a rectangle of a GEGL buffer as an array (height, width, channels)."""
    pixels = np.empty((height, width, pixel_format.channels), pixel_format.dtype)
    for top, strip in pixel_format.strips(x, y, width, height):
        data = buffer.get(strip, 1.0, pixel_format.name, Gegl.AbyssPolicy.NONE)
        part = np.frombuffer(data, pixel_format.dtype)
        pixels[top : top + strip.height] = part.reshape(strip.height, *pixels.shape[1:])
    return pixels


def write(
    buffer: Gegl.Buffer, pixel_format: Format, pixels: np.ndarray, x: int = 0, y: int = 0
) -> None:
    """Write an array (height, width, channels) into a GEGL buffer."""
    height, width = pixels.shape[:2]
    pixels = pixels.reshape(height, width, -1)
    # GEGL would silently write nothing.
    if pixels.shape[2] != pixel_format.channels or pixels.dtype != pixel_format.dtype:
        raise ValueError(f"{pixels.shape} {pixels.dtype} is not {pixel_format.name}")
    for top, strip in pixel_format.strips(x, y, width, height):
        buffer.set(strip, pixel_format.name, pixels[top : top + strip.height].tobytes())
    buffer.flush()


def thumbnail(drawable: Gimp.Drawable, side: int) -> np.ndarray:
    """Read a drawable reduced to at most `side` px, for the screen: uint8 (H, W, 3).

    GIMP's own function for it gives nothing for some kinds of images.
    """
    width, height = drawable.get_width(), drawable.get_height()
    scale = min(1.0, side / max(width, height))
    width, height = max(int(width * scale), 1), max(int(height * scale), 1)
    rectangle = Gegl.Rectangle.new(0, 0, width, height)
    data = drawable.get_buffer().get(rectangle, scale, "R'G'B' u8", Gegl.AbyssPolicy.NONE)
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def read_drawable(drawable: Gimp.Drawable, pixel_format: Format | None = None) -> np.ndarray:
    """Read all pixels of a drawable, without its filters, by default in its working format."""
    width, height = drawable.get_width(), drawable.get_height()
    pixel_format = pixel_format or working_format(drawable)
    return read(drawable.get_buffer(), pixel_format, 0, 0, width, height)


def fill_drawable(
    drawable: Gimp.Drawable, pixels: np.ndarray, pixel_format: Format | None = None
) -> None:
    """Write an array into a new drawable; this adds no undo step."""
    write(drawable.get_buffer(), pixel_format or working_format(drawable), pixels)
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def change_drawable(drawable: Gimp.Drawable, before: np.ndarray, after: np.ndarray) -> bool:
    """Give the drawable the pixels of `after` where they differ from `before`.

    Both are in the working format. This is one undo step and stays within the selection. All
    other pixels keep their bits, in every precision.

    Returns
    -------
    bool
        Whether GIMP allowed it.
    """
    changed = (before != after).any(axis=2)
    if not changed.any():
        return True
    width, height = drawable.get_width(), drawable.get_height()
    stored, working = stored_format(drawable), working_format(drawable)
    shadow, buffer = drawable.get_shadow_buffer(), drawable.get_buffer()
    for top, strip in stored.strips(0, 0, width, height):
        rectangle = (0, top, width, strip.height)
        pixels = read(buffer, stored, *rectangle)
        part = changed[top : top + strip.height]
        if part.any():
            # The shadow buffer converts from the working to the stored format.
            write(shadow, working, after[top : top + strip.height], 0, top)
            pixels[part] = read(shadow, stored, *rectangle)[part]
        write(shadow, stored, pixels, 0, top)
    allowed = drawable.merge_shadow(True)
    drawable.update(0, 0, width, height)
    return allowed
