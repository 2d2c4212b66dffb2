"""Apply to the files of a run: cleaned copies in a separate folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gi.repository import Gimp

from .. import core
from ..errors import Refused
from ..gimp import arguments, mask_image, progress
from ..texts import _, count_text, path_text, translated


def clean(image: Gimp.Image, config: Gimp.ProcedureConfig) -> dict[str, Any]:
    """Clean the files, and return the core's report on them."""
    found = core.ask("files_to_clean", **files_wanted(mask_image.files_of(image), config))
    check_there(found)
    return progress.run(
        _("Apply Dust Mask"),
        "clean_files",
        files=found["files"],
        dust=progress.begin(mask_image.reading(image))(),
        folder=folder_of(config),
        exists=config.get_property("exists"),
        method=config.get_property("method"),
        threads=progress.threads(),
    )


def files_wanted(run: mask_image.Run, config: Gimp.ProcedureConfig) -> dict[str, Any]:
    """Return the chosen files, and those of the run, as the core takes them."""
    first, last = (arguments.path(config, name) for name in ("first-frame", "last-frame"))
    return {"run": run.files, "mask": run.mask, "first": first, "last": last}


def check_there(found: dict[str, Any]) -> None:
    """Refuse files that were there when the mask was made."""
    if found["missing"]:
        raise Refused(
            count_text(
                "{number} frame of the run is no longer where it was: {file}",
                "{number} frames of the run are no longer where they were: {file}",
                len(found["missing"]),
                file=found["missing"][0],
            )
        )


def folder_of(config: Gimp.ProcedureConfig) -> Path:
    """Return the folder for the cleaned files, which may be relative to that of the frames."""
    return Path(arguments.path(config, "folder") or core.default("clean_frames", "folder"))


def summary(done: dict[str, Any]) -> str:
    """Report the result in one or two sentences."""
    sentences = [
        count_text(
            "{number} cleaned frame is in {folder}.",
            "{number} cleaned frames are in {folder}.",
            done["written"],
            folder=path_text(done["folder"]),
        )
    ]
    if done["unchanged"]:
        sentences.append(
            count_text("{number} was up to date.", "{number} were up to date.", done["unchanged"])
        )
    if done["edited"]:
        sentences.append(
            count_text(
                "{number} that you changed was kept.",
                "{number} that you changed were kept.",
                done["edited"],
            )
        )
    if done["failed"]:
        sentences.append(
            count_text(
                "{number} could not be cleaned: {reason}",
                "{number} could not be cleaned, the first: {reason}",
                len(done["failed"]),
                reason=translated(done["failed"][0]),
            )
        )
    return " ".join(sentences)


def look_first(done: dict[str, Any]) -> list[str]:
    """Say which frame to look at, if dust was filled: there the picture is a guess."""
    look = done["look_first"]
    if look is None:
        return []
    return [
        count_text(
            "Look at {file} first: {number} particle was filled in it, more than in the others.",
            "Look at {file} first: {number} particles were filled in it, more than in the others.",
            look["filled"],
            file=look["file"],
        )
    ]


def notes(done: dict[str, Any]) -> list[str]:
    """Return the warnings: each note on files once, with the first file that it is about."""
    on_files = [
        count_text(
            "{file}: {note}",
            "{number} files, the first is {file}: {note}",
            each["number"],
            file=each["first"],
            note=translated(each["note"]),
        )
        for each in done["notes"]
    ]
    return on_files + list(map(translated, done["warnings"]))
