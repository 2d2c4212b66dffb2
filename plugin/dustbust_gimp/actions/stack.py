"""Stack Offset Scans: from several scans of one page to the page without the scanner's dust."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from gi.repository import Gimp, GObject

from .. import core
from ..gimp import arguments, layers, mask_image, pixels, progress, roles
from ..texts import _, count_text, duration_text, share_text
from . import choices
from .scans import Scans

NAME = "plug-in-dustbust-stack-scans"


def declare(plug_in: Gimp.PlugIn, name: str, run: Callable[..., Gimp.ValueArray]) -> Gimp.Procedure:
    """Make the procedure, with its arguments."""
    procedure = arguments.image_procedure(
        plug_in,
        name,
        run,
        _("_Stack Offset Scans..."),
        _(
            "Combine slightly moved scans of one page, such as microfilm, into a clean page "
            "without dust, specks and scratches"
        ),
        _(
            "The page moves from scan to scan and the dust stays. The scans are layers of one "
            "image: the selected ones if there are two or more, all visible ones otherwise. The "
            "result is a new layer on top."
        ),
        "gimp-layers",
    )
    arguments.add_choice(
        procedure,
        "mode",
        _("_Mode"),
        _("How the scans are combined"),
        "stack_scans",
        choices.stacking_modes(),
    )
    arguments.add_choice(
        procedure,
        "polarity",
        _("Dust _is"),
        _("Whether the dust is lighter or darker than the page. Only the mode Dust-free asks it"),
        "stack_scans",
        choices.scanner_polarities(),
    )
    arguments.add_layer(
        procedure,
        "reference",
        _("_Reference"),
        _("The scan that gives the page its place and its brightness. Default: the lowest layer"),
    )
    arguments.add_boolean(
        procedure,
        "align",
        _("_Align the scans"),
        _("Find the page in each scan. Otherwise the layers are used where they lie"),
        core.default("stack_scans", "align"),
    )
    arguments.add_boolean(
        procedure,
        "aligned-layers",
        _("Add the ali_gned scans"),
        _("Add each of the other scans, aligned with the first, as a layer"),
        False,
    )
    arguments.add_boolean(
        procedure,
        "dust-mask",
        _("Keep the _dust mask"),
        _(
            "Also open the dust of the scanner as a mask image, to clean pages that were scanned "
            "only once. Only the mode Dust-free finds it"
        ),
        False,
    )
    flags = GObject.ParamFlags.READWRITE
    procedure.add_layer_return_value("layer", _("Page"), _("The new layer"), False, flags)
    procedure.add_image_return_value(
        "dust", _("Mask"), _("The mask image, if it was asked for"), True, flags
    )
    return procedure


def run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    ask: Callable[..., Scans] | None = None,
    tell: Callable[..., None] | None = None,
) -> Gimp.ValueArray:
    """Stack the scans; in interactive mode, `ask` lets the user choose and returns the scans.

    `tell` reports in interactive mode.
    """
    if run_mode == Gimp.RunMode.INTERACTIVE:
        scans = ask(procedure, config, image, drawables)
    else:
        chosen = layers.scans(image, drawables)
        scans = Scans(layers.with_reference(chosen, config.get_property("reference")))
        scans.handle = progress.begin(scans.reading())()
    started = time.monotonic()
    mode, align = config.get_property("mode"), config.get_property("align")
    done = progress.run(
        _("Stack Offset Scans"),
        "stack",
        scans=scans.handle,
        mode=mode,
        align=align,
        polarity=config.get_property("polarity"),
    )
    dust = done["dust"]
    labels = {option.name: option.label for option in choices.stacking_modes()}
    image.undo_group_start()
    try:
        if config.get_property("aligned-layers"):
            _add_aligned(scans, done["report"])
        layer = layers.add(
            scans.layers[0],
            _("Page: {mode}").format(mode=labels[mode]),
            done["page"],
            scans.format,
        )
        roles.mark(layer, roles.PAGE)
    finally:
        image.undo_group_end()
    mask = None
    if dust is not None and config.get_property("dust-mask"):
        file = image.get_file()
        batch = run_mode == Gimp.RunMode.NONINTERACTIVE
        mask = mask_image.create(
            dust,
            [],
            beside=file and file.get_path(),
            page=None if batch else mask_image.Page(scans.names[0], scans.pictures[0]),
        )
        if run_mode != Gimp.RunMode.NONINTERACTIVE:
            Gimp.Display.new(mask)
    Gimp.displays_flush()
    more = [
        _("The page is the layer at the top, {layer}.").format(layer=layer.get_name()),
        duration_text(time.monotonic() - started),
    ]
    progress.tell(run_mode, summary(done, len(scans.layers)), more=more, window=tell)
    return arguments.return_values(procedure, (Gimp.Layer, layer), (Gimp.Image, mask))


def _add_aligned(scans: Scans, report: core.Handle) -> None:
    """Add the other scans, aligned with the first, as layers."""
    aligned_format = pixels.working_format(scans.layers[0], alpha=True)
    for number, name in enumerate(scans.names[1:], 1):
        layer = layers.add(
            scans.layers[0],
            _("{layer}, aligned").format(layer=name),
            core.ask("aligned", scans=scans.handle, report=report, number=number),
            aligned_format,
        )
        roles.mark(layer, roles.ALIGNED)


def summary(done: dict[str, Any], number: int) -> str:
    """Report the result, a page of this number of scans, in one sentence."""
    if done["dust"] is None:
        return count_text(
            "{number} scan was combined.",
            "{number} scans were combined.",
            number,
        )
    sentences = [_("Dust covers {dust} of the scanner.").format(dust=share_text(done["coverage"]))]
    if done["filled"]:
        filled = _("All scans have dust on {filled} of the page, which was filled.")
        sentences.append(filled.format(filled=share_text(done["filled"])))
    return " ".join(sentences)
