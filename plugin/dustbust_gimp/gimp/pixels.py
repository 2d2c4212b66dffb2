"""Drawables as arrays and back, without a loss in any precision or colour space.

Two formats per drawable. *Stored* is the drawable's own: what is read and written in it comes back bit for bit.
*Working* is what the core computes in: the same colour space, values as they are in a picture file (R'G'B', not linear light),
uint8 or uint16 where that is what the drawable holds, else float32.
"""
from gi.repository import Babl, Gegl

from ..core import np

STRIP_BYTES = 64 << 20      # GEGL's calls take less than 2 GiB, and strips keep the memory low

DTYPES = {"u8": "uint8", "u16": "uint16", "u32": "uint32", "half": "float16", "float": "float32", "double": "float64"}


class Format:
    """A pixel format of GEGL, and the array that goes with it."""

    def __init__(self, encoding, space):
        format = Babl.format_with_space(encoding, space)
        self.name = Babl.get_name(format)
        self.channels = Babl.format_get_n_components(format)
        self.dtype = np.dtype(DTYPES[encoding.split()[-1]])

    def strips(self, x, y, width, height):
        """The rectangle in strips of whole rows: (first row, rectangle) each."""
        rows = max(1, STRIP_BYTES // (width * self.channels * self.dtype.itemsize))
        for top in range(0, height, rows):
            yield top, Gegl.Rectangle.new(x, y + top, width, min(rows, height - top))


def stored_format(drawable, component=None):
    """The drawable's own format, or the same with another type of number."""
    format = drawable.get_format()
    model, own = Babl.format_get_encoding(format).rsplit(" ", 1)
    return Format(f"{model} {component or own}", Babl.format_get_space(format))


def working_format(drawable, *, precise=False, alpha=None):
    """The format to compute in; `precise`: float32 whatever the drawable holds; `alpha`: with or without, else as the drawable."""
    format = drawable.get_format()
    component = Babl.format_get_encoding(format).split()[-1]
    model = "Y'" if drawable.is_gray() else "R'G'B'"
    model += "A" if (drawable.has_alpha() if alpha is None else alpha) else ""
    component = component if component in ("u8", "u16") and not precise else "float"
    return Format(f"{model} {component}", Babl.format_get_space(format))


def picture_format(pixels, drawable):
    """The format of an array (height, width, 1 or 3) with values as they are in a picture file, in the colour space of a drawable."""
    model = "Y'" if pixels.shape[2] == 1 else "R'G'B'"
    component = next(component for component, dtype in DTYPES.items() if dtype == pixels.dtype)
    return Format(f"{model} {component}", Babl.format_get_space(drawable.get_format()))


def read(buffer, format, x, y, width, height):
    """A rectangle of a GEGL buffer as an array (height, width, channels)."""
    pixels = np.empty((height, width, format.channels), format.dtype)
    for top, strip in format.strips(x, y, width, height):
        data = buffer.get(strip, 1.0, format.name, Gegl.AbyssPolicy.NONE)
        pixels[top:top + strip.height] = np.frombuffer(data, format.dtype).reshape(strip.height, width, format.channels)
    return pixels


def write(buffer, format, pixels, x=0, y=0):
    """Put an array (height, width, channels) into a GEGL buffer."""
    height, width = pixels.shape[:2]
    pixels = pixels.reshape(height, width, -1)
    if pixels.shape[2] != format.channels or pixels.dtype != format.dtype:      # GEGL would write nothing and say nothing
        raise ValueError(f"{pixels.shape} {pixels.dtype} is not {format.name}")
    for top, strip in format.strips(x, y, width, height):
        buffer.set(strip, format.name, pixels[top:top + strip.height].tobytes())
    buffer.flush()


def read_drawable(drawable, format=None):
    """All pixels of a drawable, without its filters, in its working format unless told otherwise."""
    return read(drawable.get_buffer(), format or working_format(drawable), 0, 0, drawable.get_width(), drawable.get_height())


def fill_drawable(drawable, pixels, format=None):
    """Put an array into a drawable that has just been made (this leaves nothing to undo)."""
    format = format or working_format(drawable)
    write(drawable.get_buffer(), format, pixels)
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def change_drawable(drawable, before, after):
    """Where `after` differs from `before` (both in the working format), give the drawable the pixels of `after`.

    One step to undo, within the selection. All other pixels keep their bits, in every precision.
    Returns whether GIMP allowed it.
    """
    changed = (before != after).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    if not rows.size:
        return True
    width, height = drawable.get_width(), drawable.get_height()
    stored, working = stored_format(drawable), working_format(drawable)
    shadow, buffer = drawable.get_shadow_buffer(), drawable.get_buffer()
    for top, strip in stored.strips(0, 0, width, height):
        rectangle = (0, top, width, strip.height)
        pixels = read(buffer, stored, *rectangle)
        part = changed[top:top + strip.height]
        if part.any():
            write(shadow, working, after[top:top + strip.height], 0, top)       # the shadow converts
            pixels[part] = read(shadow, stored, *rectangle)[part]
        write(shadow, stored, pixels, 0, top)
    allowed = drawable.merge_shadow(True)
    drawable.update(0, 0, width, height)
    return allowed
