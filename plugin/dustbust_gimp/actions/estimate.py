"""Estimate Dust Mask: from a run of frames to a mask image."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from typing import Any

from gi.repository import Gimp, GObject

from .. import core
from ..errors import Refused
from ..gimp import arguments, mask_image, progress
from ..texts import _, count_text, duration_text, share_text, translated
from . import apply, choices, frame_files

NAME = "plug-in-dustbust-estimate-mask"


def declare(plug_in: Gimp.PlugIn, name: str, run: Callable[..., Gimp.ValueArray]) -> Gimp.Procedure:
    """Make the procedure, with its arguments."""
    procedure = Gimp.Procedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_menu_label(_("_Estimate Dust Mask..."))
    procedure.set_documentation(
        _(
            "Find dust, specks and scratches that the frames of a scanned run or microfilm have in "
            "common, to clean them"
        ),
        _(
            "Dust on the scanner stays in the same place from frame to frame. The result is an "
            "image that shows the dust in grey, with a threshold that you can move. Apply Dust "
            "Mask takes this image."
        ),
        name,
    )
    procedure.set_icon_name("edit-find")
    arguments.add_run_mode(procedure)
    arguments.add_file(procedure, "first-frame", _("_First frame"), _("The first file of the run"))
    arguments.add_file(
        procedure,
        "last-frame",
        _("L_ast frame"),
        _(
            "The last file of the run, in the same folder. The run consists of all pictures whose "
            "names sort between the first and the last. Default: the last frame with the same dust"
        ),
    )
    arguments.add_file(
        procedure,
        "frame",
        _("Sho_w over"),
        _(
            "The frame to show under the dust. Default: a typical frame when GIMP shows the mask, "
            "none in batch mode"
        ),
    )
    arguments.add_file(
        procedure,
        "blank",
        _("_Blank scan"),
        _(
            "A scan of the empty glass or light table with the settings of the frames, or of an "
            "evenly lit wall for a camera. The dust is read from it, and one frame is enough"
        ),
    )
    arguments.add_choice(
        procedure,
        "polarity",
        _("_Dust is"),
        _("Whether dust is brighter or darker than the picture"),
        "estimate_mask",
        choices.polarities(),
    )
    arguments.add_choice(
        procedure,
        "method",
        _("_Method"),
        _("How dust is distinguished from the picture"),
        "estimate_mask",
        choices.estimation_methods(),
    )
    arguments.add_area(
        procedure,
        "smallest",
        _("Smallest _particle"),
        _("Area in pixels of the smallest particle to mark"),
        "estimate_mask",
    )
    arguments.add_area(
        procedure,
        "largest",
        _("Lar_gest particle"),
        _(
            "Area in pixels of the largest particle to mark. Larger things that many frames have "
            "in common are usually lamps and windows. 0: a fiftieth of the picture"
        ),
        "estimate_mask",
    )
    procedure.add_image_return_value(
        "image", _("Mask"), _("The mask image"), False, GObject.ParamFlags.READWRITE
    )
    return procedure


def run(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    ask: Callable[..., list[list[str]]] | None = None,
    tell: Callable[..., None] | None = None,
) -> Gimp.ValueArray:
    """Estimate a mask for each run; in interactive mode, `ask` lets the user choose the runs.

    `tell` reports. A run that gives no mask does not stop the others.
    """
    run_mode = config.get_property("run-mode")
    runs = None
    if run_mode == Gimp.RunMode.INTERACTIVE:
        runs = ask(procedure, config)
    elif run_mode == Gimp.RunMode.WITH_LAST_VALS:
        runs = frame_files.confirmed_runs()
    started = time.monotonic()
    runs = runs or frame_files.runs_of(config)
    made, lines, warnings = [], [], []
    for number, files in enumerate(runs, 1):
        title = _("Estimate Dust Mask")
        if len(runs) > 1:
            title = _("Estimate Dust Mask, run {number} of {runs}").format(
                number=number, runs=len(runs)
            )
        try:
            found = estimate(config, files, title)
        except Refused as refusal:
            if len(runs) == 1:
                raise
            warnings.append(of_run(files, translated(refusal)))
            continue
        frame = arguments.path(config, "frame")
        if len(runs) > 1 and frame not in found["frames"]:
            frame = None  # it is of another run
        made.append(open_image(found, frame, run_mode))
        warnings += map(translated, found["warnings"])
        text = summary(found)
        lines.append(of_run(files, text) if len(runs) > 1 else text)
    if not made:
        raise Refused("\n".join(warnings))
    lines.append(duration_text(time.monotonic() - started))
    lines.append(
        _(
            "Red marks what will be cleaned. Move the threshold, or paint on the mask: black "
            "protects, white adds."
        )
    )
    if len(made) > 1:
        lines.append(_("Review and apply goes from mask to mask; Cancel ends it."))
    steps = [(_("_Review and apply..."), lambda: all(itertools.starmap(_apply, made)))]
    progress.tell(run_mode, lines[0], warnings, lines[1:], steps, tell)
    return arguments.return_values(procedure, (Gimp.Image, made[0][0]))


def estimate(config: Gimp.ProcedureConfig, files: list[str], title: str) -> dict[str, Any]:
    """Return the mask of a run and the report on it, with a progress bar."""
    return progress.run(
        title,
        "estimate_mask",
        files=files,
        method=config.get_property("method"),
        polarity=config.get_property("polarity"),
        blank=arguments.path(config, "blank"),
        areas=[config.get_property(name) for name in ("smallest", "largest")],
        threads=progress.threads(),
    )


def open_image(
    found: dict[str, Any], frame: str | None, run_mode: Gimp.RunMode
) -> tuple[Gimp.Image, Gimp.Display | None]:
    """Make the mask image, over a frame, and show it on a display unless in batch mode."""
    if frame is None and run_mode != Gimp.RunMode.NONINTERACTIVE:
        frame = core.ask("typical_frame", frames=found["frames"])
    image = mask_image.create(found["dust"], found["frames"], frame)
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        return image, None
    display = Gimp.Display.new(image)
    Gimp.displays_flush()
    return image, display


def of_run(files: list[str], text: str) -> str:
    """Return a sentence about a run, with the run's first and last frame before it."""
    first, last = (os.path.basename(files[place]) for place in (0, -1))
    return _("{first} to {last}: {text}").format(first=first, last=last, text=text)


def _apply(image: Gimp.Image, display: Gimp.Display | None) -> bool:
    """Open the window of Apply over a mask image; returns whether the user confirmed it."""
    if display and display.is_valid():
        display.present()
    procedure = Gimp.get_pdb().lookup_procedure(apply.NAME)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    result = procedure.run(config)
    if result.index(0) not in (Gimp.PDBStatusType.SUCCESS, Gimp.PDBStatusType.CANCEL):
        Gimp.message(result.index(1))
    return result.index(0) == Gimp.PDBStatusType.SUCCESS


def summary(found: dict[str, Any]) -> str:
    """Report the result, short enough for GIMP's status bar."""
    share = share_text(found["coverage"])
    if found["particles"] is None:
        return _("Marked: {share} of the picture").format(share=share)
    return count_text(
        "{number} particle, {share} of the picture",
        "{number} particles, {share} of the picture",
        found["particles"],
        share=share,
    )
