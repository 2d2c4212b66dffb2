"""The mask as an image in GIMP, in which the user sees and edits what will be removed.

With a frame of the run, the layers are, from the bottom: the frame, and a group that shows the
dust in red. The group holds the grey mask with a non-destructive threshold, a red layer that
multiplies it, and a black layer that erases its colour. Red remains where the mask is white, and
nothing where it is black; it follows the threshold and every stroke on the mask at once. Without
a frame, the image is grey and holds the mask alone.

Such an image of 24 megapixels, over a frame of 8 bits, takes 0.15 GB, and 0.7 GB once it is shown:
of these, GIMP's cache of the threshold takes 0.37 GB (four floats a pixel in any image), and the
group and the picture on the screen 0.1 GB each.

Layers are recognised by a parasite, not by their names. Parasites of the image carry everything
else that Apply needs.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gi.repository import Gegl, Gimp, Gio

from .. import core
from ..errors import Refused
from ..steps import Steps, asking, finish
from ..texts import _
from . import pixels
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

# Parasite of the image: JSON with the files of the run, and the one shown under the dust.
RUN = "dustbust-run"
# Parasite of the image: the mask without its grey (model, report, threshold), as text of the core.
EXTRA = "dustbust-mask"
# Parasite of the image: the comment in Image > Image Properties.
COMMENT = "gimp-comment"
THRESHOLD = "gimp:threshold"
WHITE = 65535  # of a 16-bit mask
# Filters compute in float: a limit a little below a step of the mask is sure to include the step.
BELOW = 0.25 / WHITE
# Pixels rendered at a time, so that a window that waits for them remains responsive.
RENDERED_PIXELS = 2 << 20


# Creating a mask image


class Page(NamedTuple):
    """A picture to show under the dust: its name, and its pixels."""

    name: str
    pixels: core.Handle


def create(
    dust: core.Handle,
    files: Sequence[str | Path],
    frame: str | Path | None = None,
    beside: str | None = None,
    page: Page | None = None,
) -> Gimp.Image:
    """Make a mask image.

    Parameters
    ----------
    dust : core.Handle
        The mask.
    files : sequence of Path
        The run that the mask was made from, if any.
    frame : path, optional
        The file to show under the dust.
    beside : str, optional
        The file whose folder and name GIMP suggests for saving; by default the first of the run.
    page : Page, optional
        What to show under the dust instead of a file.
    """
    height, width = dust.shape
    if frame is not None:
        page = Page(Path(frame).name, core.ask("read_picture", path=frame))
    base = Gimp.ImageBaseType.GRAY if page is None else Gimp.ImageBaseType.RGB
    # 8 bits are enough for the mask (see the core's `levels_of_mask`), and take half the memory.
    few = page is not None and page.pixels.dtype == "uint8"
    precision = Gimp.Precision.U8_NON_LINEAR if few else Gimp.Precision.U16_NON_LINEAR
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    mask = finish(_picture_of(dust, image))
    image.undo_disable()
    parent = None
    if page is not None:
        filling = core.ask("on_canvas", picture=page.pixels, height=height, width=width)
        shown = _add_picture(image, None, FRAME, page.name, filling)
        _lock(shown)
        parent = Gimp.GroupLayer.new(image, _("Dust in red"))
        image.insert_layer(parent, None, 0)
        mark(parent, OVERLAY)
        parent.set_opacity(80)
    layer = _add_picture(image, parent, MASK, _("Mask: white is dust"), mask["grey"])
    if page is not None:
        multiply, erase = Gimp.LayerMode.MULTIPLY, Gimp.LayerMode.COLOR_ERASE
        red = _add_layer(image, parent, RED, _("Red of the dust"), multiply)
        _fill_with_red(red)
        _lock(red)
        # A new layer is black, and takes no memory.
        _lock(_add_layer(image, parent, ERASER, _("Hides what is not dust"), erase))
    layer.append_filter(_new_threshold(layer, mask["threshold"]))
    _record_run(image, files, frame)
    attach(image, COMMENT, mask["summary"].encode())
    if beside or files:
        image.set_file(Gio.File.new_for_path(str(_free_name(Path(beside or files[0])))))
    attach(image, EXTRA, mask["extra"].encode())
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
    image: Gimp.Image, parent: Gimp.GroupLayer | None, role: str, name: str, picture: core.Handle
) -> Gimp.Layer:
    layer = _add_layer(image, parent, role, name)
    pixels.fill_drawable(layer, picture, pixels.picture_format(picture, layer))
    return layer


def _fill_with_red(layer: Gimp.Layer) -> None:
    """Fill a layer with red. GIMP does it itself, and keeps a single tile in memory."""
    Gimp.context_push()
    try:
        Gimp.context_set_foreground(Gegl.Color.new("red"))
        layer.fill(Gimp.FillType.FOREGROUND)
    finally:
        Gimp.context_pop()


def _lock(layer: Gimp.Layer) -> None:
    """Lock a layer's pixels and position, so that a stroke or a drag can only change the mask."""
    layer.set_lock_content(True)
    layer.set_lock_position(True)


def _picture_of(dust: core.Handle, image: Gimp.Image) -> Steps[dict[str, Any]]:
    """Return a mask as the picture for an image, with its threshold and all else to be kept."""
    picture = yield from asking(core.Request("picture_of_mask", dust=dust))
    if image.get_precision() == Gimp.Precision.U8_NON_LINEAR:
        picture["grey"] = yield from asking(core.Request("levels_of_mask", dust=dust))
    return picture


# Reading a mask image


def is_mask_image(image: Gimp.Image) -> bool:
    """Return whether Estimate made this image, or the file that it was opened from."""
    return image.get_parasite(EXTRA) is not None


class Run(NamedTuple):
    """The files of the run that a mask was made from, and the file of the mask, if it has one."""

    files: list[str]
    mask: str | None


def files_of(image: Gimp.Image) -> Run:
    """Return the run that the mask was made from; without files for other masks."""
    files = _run_of(image).get("frames")
    valid = isinstance(files, list) and all(isinstance(file, str) for file in files)
    file = image.get_xcf_file()
    return Run(files if valid else [], file and file.get_path())


def move_run(image: Gimp.Image, frame: str | Path) -> None:
    """Find the run whose folder was moved by one of its frames, and record where it is.

    Raises Refused if the frame is not of this run.
    """
    files = files_of(image).files
    run = core.ask("moved_run", run=files, frame=frame)
    shown = shown_of(image)
    if shown in files:
        shown = run[files.index(shown)]
    _record_run(image, run, shown)


def _record_run(image: Gimp.Image, files: Sequence[str | Path], shown: str | Path | None) -> None:
    run = {"frames": [str(file) for file in files], "shown": shown and str(shown)}
    attach(image, RUN, json.dumps(run).encode())


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


def reading(image: Gimp.Image) -> Steps[core.Request]:
    """Read the mask that the image shows now, in steps, as `gimp.progress.begin` takes them.

    All edits of the user are in it. In an image that Estimate did not make, white is dust.
    """
    layer, name = layer_with_role(image, MASK), image.get_name()
    if layer is None:
        if is_mask_image(image) and image.get_base_type() != Gimp.ImageBaseType.GRAY:
            raise Refused(
                _("{image}: the layer with the grey mask is gone; undo until it is back.").format(
                    image=name
                )
            )
        white = yield from _rendered(image.duplicate())
        return core.Request("mask_of_white", picture=white)
    origin = _origin(image)
    mask: dict[str, Any] = {
        "grey": (yield from _grey(layer, *origin)),
        "extra": content(image, EXTRA).decode("ascii", "replace"),
        "threshold": _threshold(layer),
        "name": name,
    }
    yield
    shown = None
    if not _shows_its_threshold_only(image, layer):
        shown = yield from _rendered(_mask_alone(image, *origin))
    return core.Request("mask_of_picture", shown=shown, **mask)


def changing(
    image: Gimp.Image, dust: core.Handle, before: core.Handle | None = None
) -> Steps[core.Handle]:
    """Give a mask image the grey and the threshold of a mask, in steps, as one step of undo.

    Parameters
    ----------
    image : Gimp.Image
    dust : core.Handle
        The mask.
    before : core.Handle, optional
        The grey as it was read or written last. Pixels that are the same in the mask are not
        written then, and what the user has painted there since remains.

    Returns
    -------
    core.Handle
        The grey as it is written now.
    """
    mask, layer = (yield from _picture_of(dust, image)), layer_with_role(image, MASK)
    grey, (x, y, width, height) = mask["grey"], _origin(image)
    __, left, top = layer.get_offsets()
    is_whole = (x, y, width, height) == (left, top, layer.get_width(), layer.get_height())
    changed, parts = None, None
    if is_whole and before and (before.shape[:2], before.dtype) == (grey.shape[:2], grey.dtype):
        differ = yield from asking(core.Request("changes", before=before, after=grey))
        changed, parts = differ["changed"], differ["parts"]
    if parts:
        shadow, stored = layer.get_shadow_buffer(), pixels.stored_format(layer)
        yield from pixels.copying(layer.get_buffer(), shadow, stored)
    image.undo_group_start()
    try:
        if not is_whole:
            layer.resize(width, height, left - x, top - y)
        selection = None
        if not Gimp.Selection.is_empty(image):  # a selection would limit the change
            selection = Gimp.Selection.save(image)
            Gimp.Selection.none(image)
        if parts is None or parts:
            shadow = layer.get_shadow_buffer()
            pixels.write(shadow, pixels.picture_format(grey, layer), grey, parts)
            if parts:
                stored = pixels.stored_format(layer)
                pixels.restore(layer.get_buffer(), shadow, stored, changed, parts)
            layer.merge_shadow(True)
            layer.update(0, 0, width, height)
        if selection is not None:
            image.select_item(Gimp.ChannelOps.REPLACE, selection)
            image.remove_channel(selection)
        # A filter is replaced, as GIMP has no undo for one that a plug-in changes.
        for effect in layer.get_filters():
            if effect.get_operation_name() == THRESHOLD:
                effect.delete()
        layer.append_filter(_new_threshold(layer, mask["threshold"]))
        image.set_selected_layers([layer])
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return grey


def _new_threshold(layer: Gimp.Layer, threshold: float) -> Gimp.DrawableFilter:
    effect = Gimp.DrawableFilter.new(layer, THRESHOLD, _("Dust threshold"))
    effect.get_config().set_property("low", max(threshold - BELOW, 0.0))
    effect.update()
    return effect


def _threshold(layer: Gimp.Layer) -> float:
    """Return the lower end of the mask's threshold, 0..1; 0.5 once it was merged."""
    for effect in layer.get_filters():
        if effect.get_operation_name() == THRESHOLD and effect.get_visible():
            low = effect.get_config().get_property("low")
            return math.ceil((low - BELOW / 4) * WHITE) / WHITE
    return 0.5


def _shows_its_threshold_only(image: Gimp.Image, layer: Gimp.Layer) -> bool:
    """Return whether the image shows the mask with its threshold and nothing else.

    Estimate leaves it like this, also over a frame, and strokes on the mask do not change that.
    Nothing has to be rendered then.
    """
    shown = image.get_layers()
    overlay = layer_with_role(image, OVERLAY)
    if overlay and overlay.get_mask() is None and not overlay.get_filters():
        others = [each for each in overlay.get_children() if role_of(each) not in (RED, ERASER)]
        shown = [each for each in shown if role_of(each) not in (OVERLAY, FRAME)] + others
    return shown == [layer] and _is_plain(layer) and _has_plain_threshold(layer)


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


def _grey(layer: Gimp.Layer, x: int, y: int, width: int, height: int) -> Steps[core.Handle]:
    """Read the mask without its threshold, on the frames' grid."""
    __, left, top = layer.get_offsets()
    grey_format = pixels.working_format(layer)
    return pixels.reading(layer.get_buffer(), grey_format, x - left, y - top, width, height)


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


def _rendered(scratch: Gimp.Image) -> Steps[core.Handle]:
    """Return what an image shows, rendered in strips of whole rows, one a step.

    The image is cropped on the way, and deleted in the end.
    """
    try:
        picture, width, height = None, scratch.get_width(), scratch.get_height()
        rows = max(1, RENDERED_PIXELS // width)
        for top in range(0, height, rows):
            scratch.resize(width, min(rows, height - top), 0, -rows if top else 0)
            layer = Gimp.Layer.new_from_visible(scratch, scratch, "")
            try:
                layer_format = pixels.working_format(layer)
                picture = picture or pixels.new_picture(layer_format, height, width)
                buffer = layer.get_buffer()
                extent = buffer.get_extent()
                yield from pixels.reading_rows(picture, top, buffer, layer_format, extent)
            finally:
                layer.delete()
            yield
        return picture
    finally:
        scratch.delete()
