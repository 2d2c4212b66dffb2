"""Layers as scans and frames: which can be used, and where they lie on the canvas."""
from gi.repository import Gimp

from . import pixels
from ..core import np
from ..errors import Refused
from ..texts import _


def _check_pixels(layer):
    """Refuse what has no pixels of its own, or pixels that are numbers in a palette."""
    name = layer.get_name()
    if layer.is_indexed():
        raise Refused(_("{layer}: the image has indexed colours; use Image > Mode > RGB first.").format(layer=name))
    for kind, message in (("is_text_layer", _("{layer}: is a text layer; discard its text information first (right-click on the layer).")),
                          ("is_vector_layer", _("{layer}: is a vector layer; rasterize it first.")),
                          ("is_link_layer", _("{layer}: is a link layer; rasterize it first."))):
        if hasattr(layer, kind) and getattr(layer, kind)():
            raise Refused(message.format(layer=name))


def editable(image, drawables):
    """The drawables, if all are layers whose pixels may be changed."""
    if not drawables:
        raise Refused(_("Select the layer that is to be cleaned."))
    for drawable in drawables:
        name = drawable.get_name()
        if not isinstance(drawable, Gimp.Layer):
            raise Refused(_("{layer}: is no layer; select the layer itself, not its mask or a channel.").format(layer=name))
        _check_pixels(drawable)
        if drawable.is_group():
            raise Refused(_("{layer}: is a group; select the layers in it.").format(layer=name))
        if drawable.is_floating_sel():
            raise Refused(_("{layer}: is a floating selection; anchor it first.").format(layer=name))
        if _locked(drawable):
            raise Refused(_("{layer}: is locked; unlock its pixels first.").format(layer=name))
        if not drawable.mask_intersect()[0]:
            raise Refused(_("{layer}: lies outside the selection.").format(layer=name))
    return drawables


def _locked(item):
    """Whether the item or a group around it has its content locked."""
    while item is not None:
        if item.get_lock_content():
            return True
        item = item.get_parent()
    return False


def scans(image, drawables):
    """The layers to stack, the first scan (the lowest layer) first: the selected ones if two or more are, else the visible ones."""
    chosen = [drawable for drawable in drawables if isinstance(drawable, Gimp.Layer)]
    if len(chosen) < 2:
        chosen = [layer for layer in image.get_layers() if layer.get_visible()]
    if len(chosen) < 2:
        raise Refused(_("Stacking takes two or more scans of one page: open them as layers of one image."))
    for layer in chosen:
        _check_pixels(layer)
    return sorted(chosen, key=_position, reverse=True)


def _position(item):
    """Where an item is in the tree of layers, top first."""
    position = []
    while item is not None:
        position.insert(0, item.get_image().get_item_position(item))
        item = item.get_parent()
    return position


def offsets(layer):
    __, x, y = layer.get_offsets()
    return x, y


def plain_pixels(layer, format):
    """A layer's pixels as they look: with its filters and its mask, without its mode and opacity."""
    if layer.get_mask() is None and not layer.get_filters():
        return pixels.read_drawable(layer, format)
    scratch = layer.get_image().duplicate()
    try:
        twin = _at(scratch, _position(layer))
        width, height = twin.get_width(), twin.get_height()
        x, y = offsets(twin)
        twin.merge_filters()
        if twin.get_mask():
            twin.remove_mask(Gimp.MaskApplyMode.APPLY if twin.get_apply_mask() else Gimp.MaskApplyMode.DISCARD)
        left, top = offsets(twin)
        return pixels.read(twin.get_buffer(), format, x - left, y - top, width, height)
    finally:
        scratch.delete()


def _at(image, position):
    items = image.get_layers()
    for place in position:
        item = items[place]
        items = item.get_children() if item.is_group() else []
    return item


def place_on_canvas(layer, picture, width, height):
    """A layer's pixels with alpha on the canvas: the array, and the slices of the common part in `picture` and in the array."""
    x, y = offsets(layer)
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + picture.shape[0], height), min(x + picture.shape[1], width)
    if top >= bottom or left >= right:
        raise Refused(_("{layer}: lies outside the picture.").format(layer=layer.get_name()))
    part, whole = np.s_[top - y:bottom - y, left - x:right - x], np.s_[top:bottom, left:right]
    colours = picture.shape[2] - (0 if picture.shape[2] % 2 else 1)
    canvas = np.zeros((height, width, colours + 1), picture.dtype)
    canvas[whole] = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    canvas[whole][..., :picture.shape[2]] = picture[part]
    return canvas, part, whole


def add(image, name, picture, format, like, parent=None, position=0):
    """A new layer with these pixels (in `format`, with or without alpha) where the layer `like` is."""
    height, width, channels = picture.shape
    kind = (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE, Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE)[channels - 1]
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(*offsets(like))
    image.insert_layer(layer, parent, position)
    pixels.fill_drawable(layer, picture, format)
    return layer


def add_repairs(image, layer, before, after):
    """What differs between the two as a new layer above `layer`, within the selection and the layer's mask."""
    format = pixels.working_format(layer, alpha=True)
    colours = before.shape[2] - (1 if layer.has_alpha() else 0)
    one = np.iinfo(after.dtype).max if after.dtype.kind == "u" else 1
    visible = (before != after).any(axis=2).astype(np.float32)
    if layer.has_alpha():
        visible *= after[..., -1] / np.float32(one)
    height, width = visible.shape
    if not Gimp.Selection.is_empty(image):
        selection = image.get_selection()
        visible *= pixels.read(selection.get_buffer(), pixels.stored_format(selection, "float"), *offsets(layer), width, height)[..., 0]
    if layer.get_mask() and layer.get_apply_mask():
        mask = layer.get_mask()
        visible *= pixels.read(mask.get_buffer(), pixels.stored_format(mask, "float"), 0, 0, width, height)[..., 0]
    alpha = visible * one + (0.5 if after.dtype.kind == "u" else 0)
    repaired = np.concatenate([after[..., :colours], alpha.astype(after.dtype)[..., None]], axis=2)
    name = _("{layer} without dust").format(layer=layer.get_name())
    return add(image, name, repaired, format, layer, layer.get_parent(), image.get_item_position(layer))
