"""The window of Estimate Dust Mask."""

from __future__ import annotations

from pathlib import Path

from gi.repository import Gimp, Gio

from .. import core
from ..actions import choices, frame_files
from ..gimp import arguments
from ..texts import _
from .window import Window


def ask(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig) -> None:
    """Let the user choose; raises Cancelled."""
    suggest(config)
    window = Window(procedure, config, _("Estimate Dust Mask"), _("_Estimate"))
    window.settings("first-frame", "last-frame")
    window.explained("polarity", choices.polarities())
    window.folded("blank", "frame", "smallest", "largest", "method")
    window.add_answer()

    def describe() -> None:
        first = arguments.path(config, "first-frame")
        if first is None:
            window.say(
                _(
                    "Choose the first and the last frame of a run: scans with the same dust, in "
                    "one folder."
                ),
                possible=False,
            )
            return
        window.begin_in(Path(first).parent, "last-frame", "frame", "blank")
        ends = frame_files.ends_of_run(config)
        has_blank = arguments.path(config, "blank") is not None
        window.answer(
            core.Request("describe_run", **ends),
            lambda run: frame_files.description(run, ends["last"] is None, has_blank),
        )

    window.on_change(describe, "first-frame", "last-frame", "blank")
    window.run()


def suggest(config: Gimp.ProcedureConfig) -> None:
    """Suggest the open picture as the first frame, unless the user has chosen one before."""
    first = arguments.path(config, "first-frame")
    if first is not None and Path(first).exists():
        return
    config.set_property("last-frame", None)
    files = [image.get_file().get_path() for image in Gimp.get_images() if image.get_file()]
    pictures = core.ask("pictures_among", files=[file for file in files if file])
    suggested = Gio.File.new_for_path(pictures[0]) if pictures else None
    config.set_property("first-frame", suggested)
