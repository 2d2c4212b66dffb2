"""The window of Estimate Dust Mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

from ..actions import choices, frame_files
from ..gimp import arguments, kept
from ..texts import _, count_text, translated
from .frame_list import FrameList, files_of_open_images
from .window import Window

FILES = ("blank", "frame")
SETTINGS = ("polarity", *FILES, "smallest", "largest", "method")


def ask(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig) -> list[list[str]]:
    """Let the user choose; returns the paths of the frames, run by run. Raises Cancelled."""
    before = kept.read(frame_files.KEPT)
    kept.restore(config, before.get("settings", {}))
    kept.forget_missing_files(config, FILES)
    window = Window(procedure, config, _("Estimate Dust Mask"), _("_Estimate"))
    frames = FrameList(before.get("list", {}), window.worker(), window.worker())
    window.add(frames, grows=True)
    window.explained("polarity", choices.polarities())
    about = {
        "smallest": _("pixels"),
        "largest": _("pixels; 0 means a fiftieth of the picture"),
        "method": choices.estimation_methods(),
    }
    window.folded(*SETTINGS[1:], about=about)
    window.add_answer()

    def describe() -> None:
        if frames.files:
            folder = Path(frames.files[-1]["path"]).parent
            window.begin_in(folder, *FILES)
        has_blank = arguments.path(config, "blank") is not None
        window.say(sentences(frames, has_blank), possible=bool(frames.runs()) and not frames.busy)

    frames.on_change = describe
    window.on_change(describe, "blank")
    opened = files_of_open_images()
    begin(frames, config, before, opened)
    confirmed, used = before.get(frame_files.CONFIRMED), False
    try:
        window.run()
        confirmed, used = frames.runs(), True
    finally:
        frames.close()
        content: dict[str, Any] = {
            "list": frames.state(),
            "settings": kept.settings_of(config, SETTINGS),
            "opened": opened,
            "used": used,
            frame_files.CONFIRMED: confirmed,
        }
        kept.write(frame_files.KEPT, content)
    for name, place in (("first-frame", 0), ("last-frame", -1)):
        config.set_property(name, Gio.File.new_for_path(confirmed[0][place]))
    return confirmed


def begin(
    frames: FrameList, config: Gimp.ProcedureConfig, before: dict[str, Any], opened: list[str]
) -> None:
    """Fill the list: with that of the last time, or, if its work is done, with the open images.

    Files that are gone since then are not mentioned. A single open picture stands for its folder.
    """
    there = [path for path in frames.state()["sources"] if Path(path).exists()]
    new = [path for path in opened if path not in before.get("opened", [])]
    if there and not (before.get("used") and set(new) - set(there)):
        frames.show_sources(there, bool(before.get("used")) or frames.state()["is_suggestion"])
    else:
        config.set_property("frame", None)
        opened = new or opened
        sources = [str(Path(opened[0]).parent)] if len(opened) == 1 else opened
        frames.show_sources(sources, True)


def sentences(frames: FrameList, has_blank: bool) -> str:
    """Show what will be estimated, or what to do."""
    lines = [translated(refused) for refused in frames.refused[:1]]
    if not frames.files and not frames.busy:
        lines.append(
            _(
                "Add the frames of a run, scans with the same dust: files, a folder, or drop them "
                "on the list."
            )
        )
    elif frames.files:
        lines.append(frame_files.description(frames.files, has_blank))
    found = frames.number_of_runs()
    if frames.busy:
        lines.append(frames.busy)
    elif found:
        lines.append(
            count_text(
                "{number} run was found; masks will be estimated: {ticked}.",
                "{number} runs were found; masks will be estimated: {ticked}.",
                found,
                ticked=len(frames.runs()),
            )
        )
    return "\n".join(lines)
