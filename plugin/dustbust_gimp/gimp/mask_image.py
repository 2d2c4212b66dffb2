"""The mask as an image in GIMP, in which the user sees and edits what will be removed.

With a frame of the run, the layers are, from the bottom: the frame, and a group that shows the
dust in red. The group holds the grey mask with a non-destructive threshold, a red layer that
multiplies it, and a black layer that erases its colour. Red remains where the mask is white, and
nothing where it is black; it follows the threshold and every stroke on the mask at once. Without
a frame, the image is grey and holds the mask alone.

Layers are recognised by a parasite, not by their names. Parasites of the image carry everything
else that Apply needs.
"""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import math
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gi.repository import Gegl, Gimp, Gio

from .. import core
from ..core import dustbust, np
from ..errors import Refused
from ..texts import _
from . import pixels, progress
from .roles import (
    ERASER,
    FRAME,
    MASK,
    OVERLAY,
    RED,
    attach,
    content,
    layer_with_role,
    mark,
    role_of,
)

if TYPE_CHECKING:
    from dustbust import DustMask

# Parasite of the image: JSON with the files of the run, and the one shown under the dust.
RUN = "dustbust-run"
# Parasite of the image: `DustMask.extra()` in base 64, as libgimp's introspection takes ASCII only.
EXTRA = "dustbust-mask"
# Parasite of the image: what GIMP shows in Image > Image Properties.
COMMENT = "gimp-comment"
THRESHOLD = "gimp:threshold"
WHITE = 65535  # of a 16-bit mask
# Filters compute in float: a limit a little below a step of the mask is sure to include the step.
BELOW = 0.25 / WHITE
# Pixels rendered at a time, so that a window that waits for them remains responsive.
RENDERED_PIXELS = 2 << 20


# Creating a mask image


class Page(NamedTuple):
    """A picture to show under the dust: its name, and its pixels (H, W) or (H, W, C)."""

    name: str
    pixels: np.ndarray

    def filling(self, height: int, width: int) -> np.ndarray:
        """Return the picture on a canvas of this size; what it does not cover is white."""
        colours = core.colour_channels(self.pixels)
        if colours.shape[:2] == (height, width):
            return colours
        white = np.iinfo(colours.dtype).max if colours.dtype.kind == "u" else 1
        canvas = np.full((height, width, colours.shape[2]), white, colours.dtype)
        part = np.s_[: min(height, colours.shape[0]), : min(width, colours.shape[1])]
        canvas[part] = colours[part]
        return canvas


def create(
    dust: DustMask,
    files: Sequence[Path],
    frame: str | Path | None = None,
    beside: str | None = None,
    page: Page | None = None,
) -> Gimp.Image:
    """Make a mask image.

    Parameters
    ----------
    dust : dustbust.DustMask
    files : sequence of Path
        The run that the mask was made from, if any.
    frame : path, optional
        The file to show under the dust.
    beside : str, optional
        The file whose folder and name GIMP suggests for saving; by default the first of the run.
    page : Page, optional
        What to show under the dust instead of a file.
    """
    height, width = dust.grey.shape
    if frame is not None:
        page = Page(Path(frame).name, core.read_frame(frame))
    base = Gimp.ImageBaseType.GRAY if page is None else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(width, height, base, Gimp.Precision.U16_NON_LINEAR)
    image.undo_disable()
    parent = None
    if page is not None:
        shown = _add_picture(image, None, FRAME, page.name, page.filling(height, width))
        shown.set_lock_content(True)  # so that a stroke can only land on the mask
        parent = Gimp.GroupLayer.new(image, _("Dust"))
        image.insert_layer(parent, None, 0)
        mark(parent, OVERLAY)
        parent.set_opacity(80)
    layer = _add_picture(image, parent, MASK, _("Mask"), core.from_unit(dust.grey, np.uint16))
    if page is not None:
        red = _add_layer(image, parent, RED, _("Red"), Gimp.LayerMode.MULTIPLY)
        _fill_with_colour(red, "red")
        eraser = _add_layer(image, parent, ERASER, _("Rest"), Gimp.LayerMode.COLOR_ERASE)
        _fill_with_colour(eraser, "black")
    threshold = Gimp.DrawableFilter.new(layer, THRESHOLD, _("Dust threshold"))
    threshold.get_config().set_property("low", max(dust.threshold - BELOW, 0.0))
    threshold.update()
    layer.append_filter(threshold)
    run = {"frames": [str(file) for file in files], "shown": frame and str(frame)}
    attach(image, RUN, json.dumps(run).encode())
    attach(image, COMMENT, dust.summary().encode())
    if beside or files:
        image.set_file(Gio.File.new_for_path(str(_free_name(Path(beside or files[0])))))
    attach(image, EXTRA, base64.b64encode(dust.extra()))
    image.set_selected_layers([layer])
    image.undo_enable()
    return image


def _free_name(frame: Path) -> Path:
    """Return a name for the mask that starts with the frame's.

    No file has it, and no open image, so that saving one mask never replaces another.
    """
    taken = {
        Path(file.get_path())
        for image in Gimp.get_images()
        for file in (image.get_file(), image.get_xcf_file())
        if file is not None and file.get_path()
    }
    stem = _("{frame} dust").format(frame=frame.stem)
    numbers = itertools.count(1)
    names = itertools.chain([stem], (f"{stem} {number}" for number in numbers))
    paths = (frame.with_name(f"{name}.xcf") for name in names)
    return next(path for path in paths if path not in taken and not path.exists())


def _add_layer(
    image: Gimp.Image,
    parent: Gimp.GroupLayer | None,
    role: str,
    name: str,
    mode: Gimp.LayerMode = Gimp.LayerMode.NORMAL,
) -> Gimp.Layer:
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kind = Gimp.ImageType.GRAY_IMAGE if grey else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, image.get_width(), image.get_height(), kind, 100, mode)
    image.insert_layer(layer, parent, 0)
    mark(layer, role)
    return layer


def _add_picture(
    image: Gimp.Image, parent: Gimp.GroupLayer | None, role: str, name: str, picture: np.ndarray
) -> Gimp.Layer:
    layer = _add_layer(image, parent, role, name)
    colours = core.colour_channels(picture)
    pixels.fill_drawable(layer, colours, pixels.picture_format(colours, layer))
    return layer


def _fill_with_colour(layer: Gimp.Layer, colour: str) -> None:
    buffer = layer.get_buffer()
    buffer.set_color(buffer.get_extent(), Gegl.Color.new(colour))
    buffer.flush()  # before the layer is locked
    layer.update(0, 0, layer.get_width(), layer.get_height())
    layer.set_lock_content(True)  # so that nobody paints on it instead of on the mask


# Reading a mask image


def is_mask_image(image: Gimp.Image) -> bool:
    """Return whether Estimate made this image, or the file that it was opened from."""
    return image.get_parasite(EXTRA) is not None


def files_of(image: Gimp.Image) -> list[str]:
    """Return the files of the run that the mask was made from; none for other masks."""
    files = _run_of(image).get("frames")
    valid = isinstance(files, list) and all(isinstance(file, str) for file in files)
    return files if valid else []


def shown_of(image: Gimp.Image) -> str | None:
    """Return the file that is shown under the dust, or None."""
    shown = _run_of(image).get("shown")
    return shown if isinstance(shown, str) else None


def typical_layer(image: Gimp.Image) -> Gimp.Layer | None:
    """Return the layer by which an image can be recognised in a list."""
    known = layer_with_role(image, FRAME) or layer_with_role(image, MASK)
    return known or next(iter(image.get_layers()), None)


def size_of(image: Gimp.Image) -> tuple[int, int]:
    """Return width and height of the mask that an image holds."""
    if layer_with_role(image, MASK) is None:
        return image.get_width(), image.get_height()
    return _origin(image)[2:]


def _run_of(image: Gimp.Image) -> dict[str, object]:
    try:
        run = json.loads(content(image, RUN) or "{}")
    except ValueError:  # the file may come from anywhere
        return {}
    return run if isinstance(run, dict) else {}


def read(image: Gimp.Image) -> DustMask:
    """Return the mask that the image shows now, with all edits of the user.

    In an image that Estimate did not make, white is dust.
    """
    return progress.finish(reading(image))


def reading(image: Gimp.Image) -> progress.Steps:
    """Do the work of `read` in steps, as `gimp.progress.finish` takes them."""
    layer = layer_with_role(image, MASK)
    if layer is None:
        if is_mask_image(image) and image.get_base_type() != Gimp.ImageBaseType.GRAY:
            raise Refused(
                _("{image}: the layer with the grey mask is gone; undo until it is back.").format(
                    image=image.get_name()
                )
            )
        return (yield from _reading_white(image))
    origin = _origin(image)
    grey, extra, threshold = _grey(layer, *origin), _extra(image), _threshold(layer)
    yield
    if _shows_its_threshold_only(image, layer):
        return lambda: dataclasses.replace(_dust_mask(grey, extra), threshold=threshold)
    strips = yield from _rendered(_mask_alone(image, *origin))
    _check_threshold(image, strips)
    return lambda: _edited(_dust_mask(grey, extra), threshold, np.concatenate(strips) >= 0.5)


def _reading_white(image: Gimp.Image) -> progress.Steps:
    """Do the work of `read` in an image in which white is dust."""
    strips = yield from _rendered(image.duplicate())
    return lambda: dustbust.DustMask(np.concatenate(strips), 0.5)


def _dust_mask(grey: np.ndarray, extra: bytes) -> DustMask:
    return dustbust.DustMask.from_extra(_luminance(grey), extra)


def _edited(dust: DustMask, threshold: float, shown: np.ndarray) -> DustMask:
    """Return the mask with white and black where the image shows something else than the mask.

    The user painted there, or merged the threshold: white is certain dust, black is none.
    """
    grey = np.where(dust.binary(threshold) == shown, dust.grey, shown)
    return dataclasses.replace(dust, threshold=threshold, grey=grey)


def _check_threshold(image: Gimp.Image, strips: Sequence[np.ndarray]) -> None:
    """Refuse a mask that is shown in greys."""
    soft = sum(np.count_nonzero((strip > 0.02) & (strip < 0.98)) for strip in strips)
    white = sum(np.count_nonzero(strip >= 0.98) for strip in strips)
    if soft > white:
        raise Refused(
            _(
                "{image}: the mask is grey and has no threshold; use Colors > Threshold on its "
                "layer."
            ).format(image=image.get_name())
        )


def _extra(image: Gimp.Image) -> bytes:
    """Return what `DustMask.extra` gave, or nothing where the parasite holds something else."""
    try:
        return base64.b64decode(content(image, EXTRA), validate=True)
    except ValueError:
        return b""


def _threshold(layer: Gimp.Layer) -> float:
    """Return the lower end of the mask's threshold, 0..1; 0.5 once it was merged."""
    for effect in layer.get_filters():
        if effect.get_operation_name() == THRESHOLD and effect.get_visible():
            low = effect.get_config().get_property("low")
            return math.ceil((low - BELOW / 4) * WHITE) / WHITE
    return 0.5


def _shows_its_threshold_only(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Return whether the image shows the mask with its threshold and nothing else.

    Batch mode leaves it like this, and then nothing has to be rendered.
    """
    return image.get_layers() == [layer] and _is_plain(layer) and _has_plain_threshold(layer)


def _is_plain(layer: Gimp.Layer) -> bool:
    return (
        layer.get_mask() is None
        and not layer.has_alpha()
        and layer.get_visible()
        and layer.get_opacity() == 100
        and layer.get_mode() == Gimp.LayerMode.NORMAL
    )


def _has_plain_threshold(layer: Gimp.Layer) -> bool:
    """Return whether the layer's one filter is a threshold with nothing else changed."""
    filters = layer.get_filters()
    if len(filters) != 1 or filters[0].get_operation_name() != THRESHOLD:
        return False
    (threshold,) = filters
    config = threshold.get_config()
    return (
        threshold.get_visible()
        and threshold.get_opacity() == 1
        and threshold.get_blend_mode() == Gimp.LayerMode.REPLACE
        and config.get_property("high") >= 1
        and config.get_property("channel") == Gimp.HistogramChannel.VALUE
    )


def _origin(image: Gimp.Image) -> tuple[int, int, int, int]:
    """Return the frames' rectangle in the image: x, y, width, height."""
    layer = layer_with_role(image, FRAME) or layer_with_role(image, MASK)
    __, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def _grey(layer: Gimp.Layer, x: int, y: int, width: int, height: int) -> np.ndarray:
    """Read the mask without its threshold, on the frames' grid."""
    __, left, top = layer.get_offsets()
    grey_format = pixels.working_format(layer)
    return pixels.read(layer.get_buffer(), grey_format, x - left, y - top, width, height)


def _mask_alone(image: Gimp.Image, x: int, y: int, width: int, height: int) -> Gimp.Image:
    """Make an image that shows only the mask, with all edits, on the frames' grid."""
    scratch = image.duplicate()
    overlay = layer_with_role(scratch, OVERLAY)
    for layer in scratch.get_layers():
        if role_of(layer) == FRAME or (overlay and layer != overlay):
            scratch.remove_layer(layer)
    if overlay:
        for role in (RED, ERASER):
            layer = layer_with_role(scratch, role)
            if layer:
                scratch.remove_layer(layer)
        overlay.set_visible(True)
        overlay.set_opacity(100)
        overlay.set_mode(Gimp.LayerMode.NORMAL)
    scratch.resize(width, height, -x, -y)
    return scratch


def _rendered(scratch: Gimp.Image) -> Generator[None, None, list[np.ndarray]]:
    """Return the luminance of what an image shows, 0..1 in strips of whole rows, one a step.

    Transparent is black. The image is cropped on the way, and deleted in the end.
    """
    try:
        strips, width, height = [], scratch.get_width(), scratch.get_height()
        rows = max(1, RENDERED_PIXELS // width)
        for top in range(0, height, rows):
            scratch.resize(width, min(rows, height - top), 0, -rows if top else 0)
            layer = Gimp.Layer.new_from_visible(scratch, scratch, "")
            try:
                strips.append(_luminance(pixels.read_drawable(layer)))
            finally:
                layer.delete()
            yield
        return strips
    finally:
        scratch.delete()


def _luminance(picture: np.ndarray) -> np.ndarray:
    alpha = core.alpha_channel(picture)
    grey = core.luminance(picture)
    return grey if alpha is None else grey * core.to_unit(alpha)
