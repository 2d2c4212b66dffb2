"""Apply Dust Mask: cleans the files of a run in a mask image, and layers in any other image."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gi.repository import Gimp, Gio, GLib

from ..errors import Refused
from ..gimp import arguments, mask_image
from ..gimp.progress import tell as report
from ..texts import _, duration_text, path_text
from . import choices, clean_files, clean_layers

NAME = "plug-in-dustbust-apply-mask"


def declare(plug_in: Gimp.PlugIn, name: str, run: Callable[..., Gimp.ValueArray]) -> Gimp.Procedure:
    """Make the procedure, with its arguments."""
    procedure = arguments.image_procedure(
        plug_in,
        name,
        run,
        _("_Apply Dust Mask..."),
        _(
            "Clean the frames of a run, microfilm or layers: remove dust, specks and scratches "
            "with a mask"
        ),
        _(
            "In a mask image: writes cleaned copies of the frames of its run to a separate "
            "folder. In any other image: cleans the selected layers with an open mask image or a "
            "mask file."
        ),
        "gimp-tool-heal",
    )
    arguments.add_choice(
        procedure,
        "method",
        _("_Method"),
        _("How the dust is removed"),
        "apply_mask",
        choices.restoration_methods(),
    )
    arguments.add_image(
        procedure,
        "mask-image",
        _("Mask _image"),
        _(
            "The open image with the mask. If neither an image nor a file is given: the only open "
            "mask image"
        ),
    )
    arguments.add_file(
        procedure,
        "mask-file",
        _("Mask fi_le"),
        _("A file with the mask. Any black and white picture will do: white is dust"),
    )
    arguments.add_boolean(
        procedure,
        "new-layer",
        _("R_epairs on a new layer"),
        _(
            "Leave the layer as it is and put the repaired pixels on a new layer above it, where "
            "they can be erased or faded"
        ),
        False,
    )
    arguments.add_file(
        procedure,
        "first-frame",
        _("_First frame"),
        _("To clean other frames than those the mask was made from: the first of them"),
    )
    arguments.add_file(
        procedure,
        "last-frame",
        _("L_ast frame"),
        _("The last of the other frames, in the same folder"),
    )
    arguments.add_file(
        procedure,
        "folder",
        _("Fol_der"),
        _("Where to write the cleaned frames. Default: a folder 'cleanedphotos' beside the frames"),
    )
    arguments.add_choice(
        procedure,
        "exists",
        _("_Existing files"),
        _("What to do if a cleaned frame exists already"),
        "clean_frames",
        choices.existing_files(),
    )
    return procedure


def run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    ask: Callable[..., Gimp.Image | None] | None = None,
    tell: Callable[..., None] | None = None,
) -> Gimp.ValueArray:
    """Clean files or layers.

    Parameters
    ----------
    ask : callable, optional
        Lets the user choose in interactive mode, and returns the open mask image that was chosen,
        if any.
    tell : callable, optional
        Reports in interactive mode: `dialogs.done.tell`.
    """
    chosen = config.get_property("mask-image")
    if run_mode == Gimp.RunMode.INTERACTIVE:
        chosen = ask(procedure, config, image, drawables)
    started = time.monotonic()
    # A mask image stands for the files of its run; in any other image, frames can be chosen.
    if mask_image.is_mask_image(image) or config.get_property("first-frame") is not None:
        done = clean_files.clean(image, config)
        if done["failed"]:
            raise Refused(clean_files.summary(done))
        more = [*clean_files.look_first(done), duration_text(time.monotonic() - started)]
        steps = [(_("Show _folder"), lambda: _show(Path(done["folder"])))]
        report(run_mode, clean_files.summary(done), clean_files.notes(done), more, steps, tell)
    else:
        reports = clean_layers.clean(image, drawables, config, chosen)
        Gimp.displays_flush()
        more = [*clean_layers.left_outside(reports), duration_text(time.monotonic() - started)]
        if config.get_property("new-layer"):
            more.insert(0, _("The repairs are a layer of their own, above the one that has dust."))
        warnings = clean_layers.warnings(reports)
        report(run_mode, clean_layers.summary(reports), warnings, more, window=tell)
    return arguments.return_values(procedure)


def _show(folder: Path) -> None:
    """Open a folder in the file manager."""
    try:
        Gio.AppInfo.launch_default_for_uri(folder.as_uri())
    except GLib.Error as error:
        Gimp.message(
            _("{folder}: cannot be opened here ({error}).").format(
                folder=path_text(folder), error=error.message
            )
        )
