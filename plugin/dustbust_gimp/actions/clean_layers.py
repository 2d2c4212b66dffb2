"""Apply to layers: with a mask image that is open, or a file with a mask."""
import functools
from pathlib import Path

from gi.repository import Gimp, Gio

from .. import core
from ..gimp import layers, mask_image, pixels, arguments, progress
from ..core import dustbust
from ..errors import Refused
from ..texts import _, count_text

EVERY_MASK = (".xcf", ".psd", ".gif")       # mask files that GIMP reads and the core does not


def clean(image, drawables, config, mask):
    """Clean them; gives the core's report of each."""
    chosen = layers.editable(image, drawables)
    dust = progress.finish(reading_mask(image, config, mask))
    check_size(dust, image, chosen)
    apply_mask = functools.partial(dustbust.apply_mask, return_report=True, threads=core.threads(), **arguments.cleaning(config))
    done = [(layer, *_cleaned(layer, dust, image, apply_mask)) for layer in chosen]       # first all the work, then the image in one go
    image.undo_group_start()
    try:
        for layer, before, after, __ in done:
            if config.get_property("new-layer"):
                layers.add_repairs(image, layer, before, after)
            elif not pixels.change_drawable(layer, before, after):
                raise Refused(_("{layer}: cannot be changed: {reason}").format(
                    layer=layer.get_name(), reason=Gimp.get_pdb().get_last_error()))
    finally:
        image.undo_group_end()
    return [report for *__, report in done]


def said_of(reports):
    """One sentence about what became of the dust."""
    particles, restored, filled, absent = (sum(getattr(report, name) for report in reports)
                                           for name in ("particles", "restored", "filled", "absent"))
    if not particles:
        return _("The mask marks nothing.")
    parts = ((restored, _("{number} restored")), (filled, _("{number} filled")), (absent, _("{number} not in this picture")))
    return count_text("{number} particle", "{number} particles", particles) + ": " + ", ".join(
        text.format(number=number) for number, text in parts if number)


def unfilled(reports):
    """A sentence about pixels that could not be filled, if there are any."""
    number = sum(report.unfilled for report in reports)
    return [_("{number} pixels could not be filled: there is no picture within reach").format(number=number)] if number else []


def check_size(dust, image, chosen):
    """A mask is for layers of its own size, or for parts of a picture of its size."""
    for layer in chosen:
        if dust.grey.shape not in ((layer.get_height(), layer.get_width()), (image.get_height(), image.get_width())):
            raise Refused(_("The mask is {mask}, but the layer {layer} is {size}: a mask fits frames of its own size only.").format(
                mask="{1} x {0}".format(*dust.grey.shape), layer=layer.get_name(), size=f"{layer.get_width()} x {layer.get_height()}"))


def _cleaned(layer, dust, image, apply_mask):
    """The layer's pixels as they are and without dust, in its working format; and the core's report."""
    before = pixels.read_drawable(layer)
    if dust.grey.shape == before.shape[:2]:
        return before, *progress.run_plain(_("Apply Dust Mask"), apply_mask, before, dust)
    # A mask for the whole picture and a layer that is a part of it: the rest of the picture is there, but without data.
    on_canvas, part, whole = layers.place_on_canvas(layer, before, image.get_width(), image.get_height())
    after = before.copy()
    canvas_after, report = progress.run_plain(_("Apply Dust Mask"), apply_mask, on_canvas, dust)
    after[part] = canvas_after[whole][..., :before.shape[2]]
    return before, after, report


def reading_mask(image, config, chosen):
    """The mask to clean layers with: of the chosen image, of the file, or of the one mask image that is open; step by step,
    see `progress.finish`."""
    path = arguments.path(config, "mask-file")
    if chosen is not None or path is None:
        return (yield from mask_image.reading(chosen or _only_mask_image(image)))
    if not path.lower().endswith(EVERY_MASK):
        return functools.partial(dustbust.DustMask.load, path)
    loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path)) if Path(path).is_file() else None
    if loaded is None:
        raise Refused(_("{file}: cannot be opened as a mask.").format(file=path))
    try:
        return (yield from mask_image.reading(loaded))
    finally:
        loaded.delete()


def _only_mask_image(image):
    found = [other for other in Gimp.get_images() if other != image and mask_image.is_mask_image(other)]
    if not found:
        raise Refused(_("There is no mask: open a mask image, or choose a mask file."))
    if len(found) > 1:
        raise Refused(_("Several mask images are open: choose one of them."))
    return found[0]
