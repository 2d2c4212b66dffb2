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

from . import pixels
from .core import dustbust, np
from .texts import Refused, _

RUN = "dustbust-run"        # parasite of the image: JSON with the files of the run
EXTRA = "dustbust-mask"     # parasite of the image: DustMask.extra() in base 85, as libgimp's introspection takes only ASCII
COMMENT = "gimp-comment"    # parasite of the image: what GIMP shows in Image > Image Properties
ROLE = "dustbust-role"      # parasite of a layer: one of
MASK, FRAME, OVERLAY, RED, ERASER = "mask", "frame", "overlay", "red", "eraser"

THRESHOLD = "gimp:threshold"
STEPS = 65535               # of a 16-bit mask
BELOW = 0.25 / STEPS        # a filter computes in float: just below the step it is sure to include it


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
    frame : the pixels to judge it by, if any.
    beside : the file that it is saved beside, unless the user says otherwise; by default the first of the run.
    """
    height, width = dust.grey.shape
    base = Gimp.ImageBaseType.GRAY if frame is None else Gimp.ImageBaseType.RGB
    image = Gimp.Image.new_with_precision(width, height, base, Gimp.Precision.U16_NON_LINEAR)
    image.undo_disable()
    parent = None
    if frame is not None:
        _add_picture(image, None, FRAME, _("Frame"), frame)
        parent = Gimp.GroupLayer.new(image, _("Dust"))
        image.insert_layer(parent, None, 0)
        _attach(parent, ROLE, OVERLAY.encode())
        parent.set_opacity(80)
    layer = _add_picture(image, parent, MASK, _("Mask"), dust.grey)
    if frame is not None:
        _add_colour(image, parent, RED, _("Red"), "red", Gimp.LayerMode.MULTIPLY)
        _add_colour(image, parent, ERASER, _("Rest"), "black", Gimp.LayerMode.COLOR_ERASE)
    threshold = Gimp.DrawableFilter.new(layer, THRESHOLD, _("Dust threshold"))
    threshold.get_config().set_property("low", max(dust.threshold - BELOW, 0.0))
    threshold.update()
    layer.append_filter(threshold)
    _attach(image, RUN, json.dumps({"frames": [str(file) for file in files]}).encode())
    _attach(image, COMMENT, dust.summary().encode())
    if beside or files:
        image.set_file(Gio.File.new_for_path(str(_unused(Path(beside or files[0])))))
    _attach(image, EXTRA, base64.b85encode(dust.extra()))
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
    if layer.is_rgb() and colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    pixels.fill_drawable(layer, dustbust.arrays.from_unit(dustbust.arrays.to_unit(colours), np.uint16))
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
    content = _content(image, RUN)
    return json.loads(content)["frames"] if content else []


def read(image):
    """The `dustbust.DustMask` that this image shows now, whatever the user has done to it.

    Of an image that Estimate did not make, white is dust.
    """
    layer = _layer_with_role(image, MASK)
    if layer is None:
        if is_mask_image(image) and image.get_base_type() != Gimp.ImageBaseType.GRAY:
            raise Refused(_("{image}: the layer with the grey mask is gone; undo to where it was still there.").format(
                image=image.get_name()))
        return dustbust.DustMask(_rendering(image), 0.5)
    grey, shown = _grey(image, layer), _shown(image)
    soft, white = np.count_nonzero((shown > 0.02) & (shown < 0.98)), np.count_nonzero(shown >= 0.98)
    if soft > white:
        raise Refused(_("{image}: the mask is grey and has no threshold; use Colors > Threshold on its layer.").format(
            image=image.get_name()))
    dust = dustbust.DustMask.from_extra(grey, base64.b85decode(_content(image, EXTRA)))
    dust = dataclasses.replace(dust, threshold=_threshold(layer))
    # Where the user painted, or merged the threshold, the picture counts: white is sure dust, black is none.
    shown = shown >= 0.5
    return dataclasses.replace(dust, grey=np.where(dust.binary() == shown, dust.grey, shown))


def _threshold(layer):
    """The lower end of the threshold on the mask, in 0..1; the middle when it has been merged."""
    for filter in layer.get_filters():
        if filter.get_operation_name() == THRESHOLD and filter.get_visible():
            return math.ceil((filter.get_config().get_property("low") - BELOW / 4) * STEPS) / STEPS
    return 0.5


def _origin(image):
    """Where the frames' first pixel is in the image, and the frames' size."""
    layer = _layer_with_role(image, FRAME) or _layer_with_role(image, MASK)
    __, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def _grey(image, layer):
    """The grey mask on the frames' grid, as it is under its threshold."""
    x, y, width, height = _origin(image)
    __, left, top = layer.get_offsets()
    return _luminance(pixels.read(layer.get_buffer(), pixels.working_format(layer), x - left, y - top, width, height))


def _shown(image):
    """The mask as the image shows it: thresholded, painted, shifted; on the frames' grid."""
    x, y, width, height = _origin(image)
    scratch = image.duplicate()
    try:
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
        return _rendering(scratch)
    finally:
        scratch.delete()


def _rendering(image):
    """Luminance of what is visible, (H, W) in 0..1; transparent is black."""
    layer = Gimp.Layer.new_from_visible(image, image, "")
    try:
        return _luminance(pixels.read_drawable(layer))
    finally:
        layer.delete()


def _luminance(picture):
    alpha = dustbust.arrays.alpha_channel(picture)
    grey = dustbust.arrays.luminance(picture)
    return grey if alpha is None else grey * dustbust.arrays.to_unit(alpha)
