"""Apply to layers, with an open mask image or a mask file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

from .. import core
from ..errors import Refused
from ..gimp import arguments, layers, mask_image, pixels, progress
from ..steps import Steps, finish
from ..texts import _, count_text

READ_BY_GIMP = (".xcf", ".psd", ".gif")  # mask files that only GIMP reads


def clean(
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    mask: Gimp.Image | None,
) -> list[dict[str, Any]]:
    """Clean the layers, and return the core's report on each."""
    chosen = layers.editable(image, drawables)
    own_layer = config.get_property("new-layer")
    # The core starts and reads the mask in the meantime.
    mask_read = progress.begin(reading_mask(image, config, mask))
    if own_layer:
        changes, pictures = [], [finish(pixels.reading_drawable(layer)) for layer in chosen]
    else:
        changes = [pixels.Change(layer) for layer in chosen]
        pictures = [change.picture for change in changes]
    dust = mask_read()
    check_size(dust, image, chosen)
    # All is computed before the image is changed.
    reports = [
        progress.run(
            _("Apply Dust Mask"),
            "clean_layer",
            picture=picture,
            dust=dust,
            method=config.get_property("method"),
            offset=layers.offsets(layer),
            canvas=[image.get_width(), image.get_height()],
            name=layer.get_name(),
            threads=progress.threads(),
        )
        for layer, picture in zip(chosen, pictures, strict=True)
    ]
    for layer, report in zip(chosen, reports, strict=True):
        selection = layers.selection_on(layer)
        report["outside"] = 0
        if selection is not None:
            report["outside"] = core.ask("outside", selection=selection, changed=report["changed"])
    image.undo_group_start()
    try:
        for number, (layer, picture, report) in enumerate(
            zip(chosen, pictures, reports, strict=True)
        ):
            where = report["changed"], report["parts"]
            if own_layer:
                layers.add_repairs(layer, picture, *where)
            elif not changes[number].apply(*where):
                raise Refused(
                    _("{layer}: cannot be changed: {reason}").format(
                        layer=layer.get_name(), reason=Gimp.get_pdb().get_last_error()
                    )
                )
    finally:
        image.undo_group_end()
    return reports


def summary(reports: Sequence[dict[str, Any]]) -> str:
    """Report in one sentence what was done to the dust."""
    particles, restored, filled, absent = (
        sum(report[name] for report in reports)
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
    return count_text("{number} particle", "{number} particles", particles) + ": " + details + "."


def left_outside(reports: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence about what the selection left as it was, if there is any."""
    number = sum(report["outside"] for report in reports)
    sentence = count_text(
        "{number} of the places lies outside the selection, and stays as it was.",
        "{number} of the places lie outside the selection, and stay as they were.",
        number,
    )
    return [sentence] if number else []


def warnings(reports: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence about pixels that could not be filled, if there are any."""
    number = sum(report["unfilled"] for report in reports)
    text = _("{number} pixels could not be filled: no picture is within reach")
    return [text.format(number=number)] if number else []


def check_size(dust: core.Handle, image: Gimp.Image, chosen: Sequence[Gimp.Layer]) -> None:
    """Refuse layers of other sizes, if the mask has no model of its dust.

    A mask from Estimate finds its dust in a layer that was turned or cropped. Any other mask fits
    layers of its own size, and those that are part of a picture of its size.
    """
    if dust.model:
        return
    whole = [image.get_height(), image.get_width()]
    for layer in chosen:
        size = [layer.get_height(), layer.get_width()]
        if dust.shape not in (size, whole):
            raise Refused(
                _(
                    "The mask is {mask}, but the layer {layer} is {size}: a mask fits only frames "
                    "of its own size."
                ).format(
                    mask="{1} x {0}".format(*dust.shape),
                    layer=layer.get_name(),
                    size="{1} x {0}".format(*size),
                )
            )


def reading_mask(
    image: Gimp.Image, config: Gimp.ProcedureConfig, chosen: Gimp.Image | None
) -> Steps[core.Request]:
    """Read the mask for layers in steps, as `gimp.progress.begin` takes them.

    It is the chosen image, or else the mask file, or else the only open mask image.
    """
    path = arguments.path(config, "mask-file")
    if chosen is not None or path is None:
        return (yield from mask_image.reading(chosen or _only_mask_image(image)))
    if not path.lower().endswith(READ_BY_GIMP):
        return core.Request("load_mask", path=path)
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
