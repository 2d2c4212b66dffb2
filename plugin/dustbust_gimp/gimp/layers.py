"""Layers as scans and frames: which ones can be used, and where they lie on the canvas."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from .. import core
from ..errors import Refused
from ..steps import Steps
from ..texts import _
from . import pixels, roles


def _check_pixels(layer: Gimp.Layer) -> None:
    """Refuse a layer without pixels of its own, and one whose pixels are palette entries."""
    name = layer.get_name()
    if layer.is_indexed():
        raise Refused(
            _("{layer}: the image has indexed colours; use Image > Mode > RGB first.").format(
                layer=name
            )
        )
    reasons = (
        (
            "is_text_layer",
            _(
                "{layer}: is a text layer; discard its text information first (right-click on "
                "the layer)."
            ),
        ),
        ("is_vector_layer", _("{layer}: is a vector layer; rasterize it first.")),
        ("is_link_layer", _("{layer}: is a link layer; rasterize it first.")),
    )
    for kind, reason in reasons:
        if hasattr(layer, kind) and getattr(layer, kind)():  # 3.0 knows text layers only
            raise Refused(reason.format(layer=name))


def editable(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> Sequence[Gimp.Layer]:
    """Return the drawables, if all are layers whose pixels may be changed."""
    if not drawables:
        raise Refused(_("Select the layer to be cleaned."))
    for drawable in drawables:
        name = drawable.get_name()
        if not isinstance(drawable, Gimp.Layer):
            raise Refused(
                _(
                    "{layer}: is not a layer; select the layer itself, not its mask or a channel."
                ).format(layer=name)
            )
        _check_pixels(drawable)
        if drawable.is_group():
            raise Refused(_("{layer}: is a group; select the layers in it.").format(layer=name))
        if drawable.is_floating_sel():
            raise Refused(
                _("{layer}: is a floating selection; anchor it first.").format(layer=name)
            )
        if _locked(drawable):
            raise Refused(_("{layer}: is locked; unlock its pixels first.").format(layer=name))
        if not drawable.mask_intersect()[0]:
            raise Refused(_("{layer}: lies outside the selection.").format(layer=name))
    return drawables


def _locked(item: Gimp.Item | None) -> bool:
    """Return whether the content of the item or of a group around it is locked."""
    while item is not None:
        if item.get_lock_content():
            return True
        item = item.get_parent()
    return False


def scans(image: Gimp.Image, drawables: Sequence[Gimp.Drawable]) -> list[Gimp.Layer]:
    """Return the layers to stack, the lowest first.

    These are the selected layers if there are two or more, and all visible ones otherwise. Results
    of Stack are not scans.
    """
    chosen = [layer for layer in drawables if isinstance(layer, Gimp.Layer) and may_be_scan(layer)]
    if len(chosen) < 2:
        chosen = [layer for layer in possible_scans(image) if layer.get_visible()]
    check_scans(chosen)
    return sorted(chosen, key=_position, reverse=True)


def may_be_scan(layer: Gimp.Layer) -> bool:
    """Return whether the layer is not a result of Stack."""
    return roles.role_of(layer) not in roles.OF_STACK


def possible_scans(image: Gimp.Image) -> list[Gimp.Layer]:
    """Return the layers of an image that may be scans, the lowest first."""
    return [layer for layer in reversed(image.get_layers()) if may_be_scan(layer)]


def check_scans(chosen: Sequence[Gimp.Layer]) -> None:
    """Refuse to stack a single scan, and layers that have no pixels of their own."""
    if len(chosen) < 2:
        raise Refused(
            _("Stacking takes two or more scans of one page: open them as layers of one image.")
        )
    for layer in chosen:
        _check_pixels(layer)


def with_reference(chosen: Sequence[Gimp.Layer], reference: Gimp.Layer | None) -> list[Gimp.Layer]:
    """Return the layers with the reference, if it is one of them, in the first place."""
    if reference is None:
        return list(chosen)
    if reference not in chosen:
        raise Refused(
            _("{layer}: is the reference, but not one of the scans.").format(
                layer=reference.get_name()
            )
        )
    return [reference, *(layer for layer in chosen if layer != reference)]


def _position(item: Gimp.Item | None) -> list[int]:
    """Return the place of an item in the tree of layers, counted from the top."""
    position = []
    while item is not None:
        position.insert(0, item.get_image().get_item_position(item))
        item = item.get_parent()
    return position


def offsets(layer: Gimp.Layer) -> tuple[int, int]:
    """Return x and y of the layer's top left corner on the canvas."""
    __, x, y = layer.get_offsets()
    return x, y


def plain_pixels(layer: Gimp.Layer, pixel_format: pixels.Format) -> Steps[core.Handle]:
    """Read a layer as it looks: with its filters and its mask, without its mode and opacity."""
    if layer.get_mask() is None and not layer.get_filters():
        return (yield from pixels.reading_drawable(layer, pixel_format))
    scratch = layer.get_image().duplicate()
    try:
        twin = _layer_at(scratch, _position(layer))
        width, height = twin.get_width(), twin.get_height()
        x, y = offsets(twin)
        twin.merge_filters()
        if twin.get_mask():
            applied = twin.get_apply_mask()
            twin.remove_mask(Gimp.MaskApplyMode.APPLY if applied else Gimp.MaskApplyMode.DISCARD)
        left, top = offsets(twin)
        place = x - left, y - top, width, height
        return (yield from pixels.reading(twin.get_buffer(), pixel_format, *place))
    finally:
        scratch.delete()


def _layer_at(image: Gimp.Image, position: Sequence[int]) -> Gimp.Layer:
    layers = image.get_layers()
    for place in position:
        layer = layers[place]
        layers = layer.get_children() if layer.is_group() else []
    return layer


def add(
    like: Gimp.Layer,
    name: str,
    picture: core.Handle,
    pixel_format: pixels.Format,
    parent: Gimp.GroupLayer | None = None,
    position: int = 0,
    parts: Sequence[core.Part] | None = None,
) -> Gimp.Layer:
    """Add a layer with these pixels, with or without alpha, where the layer `like` lies.

    With `parts`, all outside of them is empty.
    """
    image = like.get_image()
    height, width, channels = picture.shape
    kinds = Gimp.ImageType
    kind = (kinds.GRAY_IMAGE, kinds.GRAYA_IMAGE, kinds.RGB_IMAGE, kinds.RGBA_IMAGE)[channels - 1]
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(*offsets(like))
    image.insert_layer(layer, parent, position)
    pixels.fill_drawable(layer, picture, pixel_format, parts)
    return layer


def add_repairs(
    layer: Gimp.Layer, picture: core.Handle, changed: core.Handle, parts: Sequence[core.Part]
) -> Gimp.Layer:
    """Add a layer above `layer` with the pixels of a picture that have changed, within some parts.

    It stays within the selection and within the layer's mask.
    """
    image, mask = layer.get_image(), layer.get_mask()
    size = layer.get_width(), layer.get_height()
    selection = selection_on(layer)
    limits = [] if selection is None else [selection]
    if mask and layer.get_apply_mask():
        limits.append(_channel(mask, 0, 0, *size))
    repaired = core.ask("repairs", picture=picture, changed=changed, parts=parts, limits=limits)
    repairs_format = pixels.working_format(layer, alpha=True)
    name = _("{layer} without dust").format(layer=layer.get_name())
    position = image.get_item_position(layer)
    return add(layer, name, repaired, repairs_format, layer.get_parent(), position, parts)


def selection_on(layer: Gimp.Layer) -> core.Handle | None:
    """Read the part of the selection that lies on a layer; None if nothing is selected."""
    image, size = layer.get_image(), (layer.get_width(), layer.get_height())
    if Gimp.Selection.is_empty(image):
        return None
    return _channel(image.get_selection(), *offsets(layer), *size)


def _channel(channel: Gimp.Channel, x: int, y: int, width: int, height: int) -> core.Handle:
    """Read a rectangle of a selection or a layer mask, float32 in 0..1."""
    channel_format = pixels.stored_format(channel, "float")
    return pixels.read(channel.get_buffer(), channel_format, x, y, width, height)
