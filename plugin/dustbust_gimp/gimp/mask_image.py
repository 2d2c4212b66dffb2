"""The mask as an image in GIMP: a workplace in which the user sees what will be removed and changes it.

Over a frame of the run, from the bottom: the frame; a group that shows the dust in red. In the group: the grey mask with a
non-destructive threshold; a red layer that multiplies it; and a black one that erases its colour, so that red remains where
the mask is white and nothing where it is black. Moving the threshold or painting on the mask changes the red at once.
Without a frame: a grey image that holds the mask alone.

Layers are recognised by a parasite, whatever they are called. What else Apply needs travels in parasites of the image.
"""
import base64
import dataclasses
import itertools
import json
import math
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio

from . import pixels, progress
from ..core import dustbust, np
from ..errors import Refused
from ..texts import _

RUN = "dustbust-run"        # parasite of the image: JSON with the files of the run, and the one that is shown under the dust
EXTRA = "dustbust-mask"     # parasite of the image: DustMask.extra() in base 64, as libgimp's introspection takes only ASCII
COMMENT = "gimp-comment"    # parasite of the image: what GIMP shows in Image > Image Properties
ROLE = "dustbust-role"      # parasite of a layer: one of
MASK, FRAME, OVERLAY, RED, ERASER = "mask", "frame", "overlay", "red", "eraser"

THRESHOLD = "gimp:threshold"
STEPS = 65535               # of a 16-bit mask
BELOW = 0.25 / STEPS        # a filter computes in float: just below the step it is sure to include it
STRIP = 2 << 20             # pixels that are rendered at a time, so that a window that waits for them does not stand still


def _attach(item, name, content):
    item.attach_parasite(Gimp.Parasite.new(name, Gimp.PARASITE_PERSISTENT, content))


def _content(item, name):
    parasite = item.get_parasite(name)
    return bytes(parasite.get_data()) if parasite else None


def _all_layers(layers):
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from _all_layers(layer.get_children())


def _role(layer):
    return (_content(layer, ROLE) or b"").decode()


def _layer_with_role(image, role):
    return next((layer for layer in _all_layers(image.get_layers()) if _role(layer) == role), None)


# Making it

def create(dust, files, frame=None, beside=None):
    """A mask image of `dust`, a `dustbust.DustMask`.

    files : of the run that it was made from, if it was.
    frame : the file to judge it by, if any.
    beside : the file that it is saved beside, unless the user says otherwise; by default the first of the run.
    """
    height, width = dust.grey.shape
    base = Gimp.ImageBaseType.GRAY if frame is None else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(width, height, base, Gimp.Precision.U16_NON_LINEAR)
    image.undo_disable()
    parent = None
    if frame is not None:
        _add_picture(image, None, FRAME, Path(frame).name, dustbust.frames.read_frame(frame))
        parent = Gimp.GroupLayer.new(image, _("Dust"))
        image.insert_layer(parent, None, 0)
        _attach(parent, ROLE, OVERLAY.encode())
        parent.set_opacity(80)
    layer = _add_picture(image, parent, MASK, _("Mask"), dustbust.arrays.from_unit(dust.grey, np.uint16))
    if frame is not None:
        _add_colour(image, parent, RED, _("Red"), "red", Gimp.LayerMode.MULTIPLY)
        _add_colour(image, parent, ERASER, _("Rest"), "black", Gimp.LayerMode.COLOR_ERASE)
    threshold = Gimp.DrawableFilter.new(layer, THRESHOLD, _("Dust threshold"))
    threshold.get_config().set_property("low", max(dust.threshold - BELOW, 0.0))
    threshold.update()
    layer.append_filter(threshold)
    _attach(image, RUN, json.dumps({"frames": [str(file) for file in files], "shown": frame and str(frame)}).encode())
    _attach(image, COMMENT, dust.summary().encode())
    if beside or files:
        image.set_file(Gio.File.new_for_path(str(_unused(Path(beside or files[0])))))
    _attach(image, EXTRA, base64.b64encode(dust.extra()))
    image.set_selected_layers([layer])
    image.undo_enable()
    return image


def _unused(frame):
    """A name for the mask that begins like that of a frame and is not taken."""
    names = (_("{frame} dust").format(frame=frame.stem) + (f" {number}" if number else "") + ".xcf" for number in itertools.count())
    return next(path for path in map(frame.with_name, names) if not path.exists())


def _add_layer(image, parent, role, name, mode):
    kind = Gimp.ImageType.GRAY_IMAGE if image.get_base_type() == Gimp.ImageBaseType.GRAY else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, image.get_width(), image.get_height(), kind, 100, mode)
    image.insert_layer(layer, parent, 0)
    _attach(layer, ROLE, role.encode())
    return layer


def _add_picture(image, parent, role, name, picture):
    layer = _add_layer(image, parent, role, name, Gimp.LayerMode.NORMAL)
    colours = dustbust.arrays.colour_channels(picture)
    pixels.fill_drawable(layer, colours, pixels.picture_format(colours, layer))
    return layer


def _add_colour(image, parent, role, name, colour, mode):
    layer = _add_layer(image, parent, role, name, mode)
    layer.get_buffer().set_color(layer.get_buffer().get_extent(), Gegl.Color.new(colour))
    layer.update(0, 0, layer.get_width(), layer.get_height())
    layer.set_lock_content(True)        # so that nobody paints on it instead of on the mask
    return layer


# Reading it

def is_mask_image(image):
    """Whether Estimate made this image (or the one it was saved from)."""
    return image.get_parasite(EXTRA) is not None


def files_of(image):
    """The files of the run that this mask was made from; none for a mask from elsewhere."""
    files = _run_of(image).get("frames")
    return files if isinstance(files, list) and all(isinstance(file, str) for file in files) else []


def shown_of(image):
    """The file that is shown under the dust, or None."""
    shown = _run_of(image).get("shown")
    return shown if isinstance(shown, str) else None


def _run_of(image):
    try:
        content = json.loads(_content(image, RUN) or "{}")
    except ValueError:          # it may come from a stranger
        return {}
    return content if isinstance(content, dict) else {}


def read(image):
    """The `dustbust.DustMask` that this image shows now, whatever the user has done to it.

    Of an image that Estimate did not make, white is dust.
    """
    return progress.finish(reading(image))


def reading(image):
    """`read` step by step, see `progress.finish`."""
    layer = _layer_with_role(image, MASK)
    if layer is None and is_mask_image(image) and image.get_base_type() != Gimp.ImageBaseType.GRAY:
        raise Refused(_("{image}: the layer with the grey mask is gone; undo to where it was still there.").format(image=image.get_name()))
    if layer is None:
        scratch, grey = image.duplicate(), None
    else:
        x, y, width, height = _origin(image)
        grey, extra, threshold = _grey(layer, x, y, width, height), _extra(image), _threshold(layer)
        yield
        if _shows_its_threshold_only(image, layer):
            return lambda: dataclasses.replace(dustbust.DustMask.from_extra(_luminance(grey), extra), threshold=threshold)
        scratch = _mask_alone(image, x, y, width, height)
    try:
        strips = yield from _rendered(scratch)
    finally:
        scratch.delete()
    if layer is None:
        return lambda: dustbust.DustMask(np.concatenate(strips), 0.5)
    soft, white = (sum(map(np.count_nonzero, parts)) for parts in zip(*(((part > 0.02) & (part < 0.98), part >= 0.98) for part in strips)))
    if soft > white:
        raise Refused(_("{image}: the mask is grey and has no threshold; use Colors > Threshold on its layer.").format(
            image=image.get_name()))

    def mask():
        dust = dustbust.DustMask.from_extra(_luminance(grey), extra)
        # Where the user painted, or merged the threshold, the picture counts: white is sure dust, black is none.
        shown = np.concatenate(strips) >= 0.5
        return dataclasses.replace(dust, threshold=threshold, grey=np.where(dust.binary(threshold) == shown, dust.grey, shown))
    return mask


def _extra(image):
    """What `DustMask.extra` gave; nothing, which is no such thing, when a stranger has put something else there."""
    try:
        return base64.b64decode(_content(image, EXTRA), validate=True)
    except ValueError:
        return b""


def _threshold(layer):
    """The lower end of the threshold on the mask, in 0..1; the middle when it has been merged."""
    for filter in layer.get_filters():
        if filter.get_operation_name() == THRESHOLD and filter.get_visible():
            return math.ceil((filter.get_config().get_property("low") - BELOW / 4) * STEPS) / STEPS
    return 0.5


def _shows_its_threshold_only(image, layer):
    """Whether the image shows the mask with its threshold and nothing else, as batch mode leaves it: then it need not be rendered."""
    filters = layer.get_filters()
    if len(filters) != 1 or image.get_layers() != [layer] or layer.get_mask() or layer.has_alpha() or not layer.get_visible():
        return False
    threshold, = filters
    config = threshold.get_config()
    return (threshold.get_operation_name() == THRESHOLD and threshold.get_visible() and threshold.get_opacity() == 1
            and threshold.get_blend_mode() == Gimp.LayerMode.REPLACE and config.get_property("high") >= 1
            and config.get_property("channel") == Gimp.HistogramChannel.VALUE
            and layer.get_opacity() == 100 and layer.get_mode() == Gimp.LayerMode.NORMAL)


def _origin(image):
    """Where the frames' first pixel is in the image, and the frames' size."""
    layer = _layer_with_role(image, FRAME) or _layer_with_role(image, MASK)
    __, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def _grey(layer, x, y, width, height):
    """The pixels of the mask as they are under its threshold, on the frames' grid."""
    __, left, top = layer.get_offsets()
    return pixels.read(layer.get_buffer(), pixels.working_format(layer), x - left, y - top, width, height)


def _mask_alone(image, x, y, width, height):
    """An image that shows the mask as it is shown, thresholded, painted, shifted, and nothing else; on the frames' grid."""
    scratch = image.duplicate()
    overlay = _layer_with_role(scratch, OVERLAY)
    for layer in scratch.get_layers():
        if _role(layer) == FRAME or (overlay and layer != overlay):
            scratch.remove_layer(layer)
    if overlay:
        for role in (RED, ERASER):
            layer = _layer_with_role(scratch, role)
            if layer:
                scratch.remove_layer(layer)
        overlay.set_visible(True)
        overlay.set_opacity(100)
        overlay.set_mode(Gimp.LayerMode.NORMAL)
    scratch.resize(width, height, -x, -y)
    return scratch


def _rendered(image):
    """Luminance of what is visible in an image, (H, W) in 0..1 in strips, one with each step; transparent is black. It crops the image."""
    strips, width, height = [], image.get_width(), image.get_height()
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        image.resize(width, min(rows, height - top), 0, -rows if top else 0)
        layer = Gimp.Layer.new_from_visible(image, image, "")
        try:
            strips.append(_luminance(pixels.read_drawable(layer)))
        finally:
            layer.delete()
        yield
    return strips


def _luminance(picture):
    alpha = dustbust.arrays.alpha_channel(picture)
    grey = dustbust.arrays.luminance(picture)
    return grey if alpha is None else grey * dustbust.arrays.to_unit(alpha)
