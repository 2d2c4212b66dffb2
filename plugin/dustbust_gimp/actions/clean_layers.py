"""Apply to layers, with an open mask image or a mask file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gi.repository import Gimp, Gio

from .. import core
from ..core import dustbust
from ..errors import Refused
from ..gimp import arguments, layers, mask_image, pixels, progress
from ..texts import _, count_text

if TYPE_CHECKING:
    from dustbust import DustMask

    from ..core import np

READ_BY_GIMP = (".xcf", ".psd", ".gif")  # mask files that GIMP reads and the core does not


def clean(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    mask: Gimp.Image | None,
) -> list[Any]:
    """Clean the layers, and return the core's report on each."""
    chosen = layers.editable(image, drawables)
    dust = progress.finish(reading_mask(image, config, mask))
    check_size(dust, image, chosen)
    apply_mask = functools.partial(
        dustbust.apply_mask,
        return_report=True,
        threads=core.threads(),
        **arguments.cleaning(config),
    )
    # All computing comes first, so that the image changes in one go.
    done = [(layer, *_cleaned(layer, dust, image, apply_mask)) for layer in chosen]
    image.undo_group_start()
    try:
        for layer, before, after, __ in done:
            if config.get_property("new-layer"):
                layers.add_repairs(layer, before, after)
            elif not pixels.change_drawable(layer, before, after):
                raise Refused(
                    _("{layer}: cannot be changed: {reason}").format(
                        layer=layer.get_name(), reason=Gimp.get_pdb().get_last_error()
                    )
                )
    finally:
        image.undo_group_end()
    return [report for *__, report in done]


def summary(reports: Sequence[Any]) -> str:
    """Report in one sentence what was done to the dust."""
    particles, restored, filled, absent = (
        sum(getattr(report, name) for report in reports)
        for name in ("particles", "restored", "filled", "absent")
    )
    if not particles:
        return _("The mask marks nothing.")
    parts = (
        (restored, _("{number} restored")),
        (filled, _("{number} filled")),
        (absent, _("{number} not in this picture")),
    )
    details = ", ".join(text.format(number=number) for number, text in parts if number)
    return count_text("{number} particle", "{number} particles", particles) + ": " + details


def warnings(reports: Sequence[Any]) -> list[str]:
    """Return a sentence about pixels that could not be filled, if there are any."""
    number = sum(report.unfilled for report in reports)
    text = _("{number} pixels could not be filled: no picture is within reach")
    return [text.format(number=number)] if number else []


def check_size(dust: DustMask, image: Gimp.Image, chosen: Sequence[Gimp.Layer]) -> None:
    """Refuse layers of other sizes, if the mask does not know what its dust looks like.

    A mask from Estimate finds its dust in a layer that was turned or cropped. Any other mask fits
    layers of its own size, and those that are part of a picture of its size.
    """
    if dust.model:
        return
    whole = image.get_height(), image.get_width()
    for layer in chosen:
        size = layer.get_height(), layer.get_width()
        if dust.grey.shape not in (size, whole):
            raise Refused(
                _(
                    "The mask is {mask}, but the layer {layer} is {size}: a mask fits only frames "
                    "of its own size."
                ).format(
                    mask="{1} x {0}".format(*dust.grey.shape),
                    layer=layer.get_name(),
                    size="{1} x {0}".format(*size),
                )
            )


def is_part_of_picture(dust: DustMask, image: Gimp.Image) -> bool:
    """Return whether a mask is for the whole picture, of which a layer may be a part."""
    return dust.grey.shape == (image.get_height(), image.get_width())


def _cleaned(
    layer: Gimp.Layer, dust: DustMask, image: Gimp.Image, apply_mask: Callable[..., Any]
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return the layer's pixels before and after, in its working format, and the core's report."""
    title = _("Apply Dust Mask")
    before = pixels.read_drawable(layer)
    if dust.grey.shape == before.shape[:2] or not is_part_of_picture(dust, image):
        return before, *progress.run_plain(title, apply_mask, before, dust)
    # The mask is for the whole picture and the layer is a part of it: the rest has no data.
    canvas, part, whole = layers.place_on_canvas(
        layer, before, image.get_width(), image.get_height()
    )
    after = before.copy()
    clean_canvas, report = progress.run_plain(title, apply_mask, canvas, dust)
    after[part] = clean_canvas[whole][..., : before.shape[2]]
    return before, after, report


def reading_mask(
    image: Gimp.Image, config: Gimp.ProcedureConfig, chosen: Gimp.Image | None
) -> progress.Steps:
    """Read the mask for layers in steps, as `gimp.progress.finish` takes them.

    It is the chosen image, or else the mask file, or else the only open mask image.
    """
    path = arguments.path(config, "mask-file")
    if chosen is not None or path is None:
        return (yield from mask_image.reading(chosen or _only_mask_image(image)))
    if not path.lower().endswith(READ_BY_GIMP):
        return functools.partial(dustbust.DustMask.load, path)
    loaded = None
    if Path(path).is_file():
        loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    if loaded is None:
        raise Refused(_("{file}: cannot be opened as a mask.").format(file=path))
    try:
        return (yield from mask_image.reading(loaded))
    finally:
        loaded.delete()


def _only_mask_image(image: Gimp.Image) -> Gimp.Image:
    found = [
        other for other in Gimp.get_images() if other != image and mask_image.is_mask_image(other)
    ]
    if not found:
        raise Refused(_("There is no mask: open a mask image, or choose a mask file."))
    if len(found) > 1:
        raise Refused(_("Several mask images are open: choose one of them."))
    return found[0]
