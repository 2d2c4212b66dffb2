"""Apply to the files of a run: cleaned copies in a separate folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gi.repository import Gimp

from .. import core
from ..core import dustbust
from ..errors import Refused
from ..gimp import arguments, mask_image, progress
from ..texts import _, count_text, path_text, translated
from . import frame_files

if TYPE_CHECKING:
    from dustbust import DustMask
    from dustbust.batch.report import BatchPlan


def clean(image: Gimp.Image, config: Gimp.ProcedureConfig) -> Any:
    """Clean the files, and return the core's report on them."""
    files = files_to_clean(mask_image.files_of(image), config)
    return progress.run(
        _("Apply Dust Mask"),
        dustbust.clean_frames,
        files,
        mask_image.read(image),
        folder_for(files, config),
        exists=config.get_property("exists"),
        threads=core.threads(),
        **arguments.cleaning(config),
    )


def files_to_clean(of_image: Sequence[str], config: Gimp.ProcedureConfig) -> list[Path]:
    """Return the chosen files, or else those of the run that the mask image was made from."""
    first = arguments.path(config, "first-frame")
    if first:
        last = arguments.path(config, "last-frame")
        return frame_files.files_between(first, last or first)
    files = [Path(file) for file in of_image]
    if not files:
        raise Refused(
            _(
                "This mask was not made from a run of files: choose the first and the last frame "
                "to clean, or apply it to a layer of another image."
            )
        )
    missing = [file for file in files if not file.exists()]
    if missing:
        raise Refused(
            count_text(
                "{number} frame of the run is no longer where it was: {file}",
                "{number} frames of the run are no longer where they were: {file}",
                len(missing),
                file=missing[0],
            )
        )
    return files


def folder_for(files: Sequence[Path], config: Gimp.ProcedureConfig) -> Path:
    """Return the folder for the cleaned files."""
    folder = arguments.path(config, "folder") or core.default("clean_frames", "folder")
    return Path(files[0]).parent / folder


def plan(files: Sequence[Path], dust: DustMask, folder: Path, **options: object) -> BatchPlan:
    """Return what is in the folder of the cleaned files; this uses neither GIMP nor GTK.

    Raises
    ------
    Refused
        If the folder cannot be written to.
    """
    place = next(place for place in (folder, *folder.parents) if place.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise Refused(
            _("{folder}: cannot be written to; choose another folder.").format(
                folder=path_text(place)
            )
        )
    return core.plan_frames(files, dust, folder, **options)


def summary(done: Any) -> str:
    """Report the result in one or two sentences."""
    sentences = [
        count_text(
            "{number} cleaned frame is in {folder}.",
            "{number} cleaned frames are in {folder}.",
            len(done.written),
            folder=path_text(done.folder),
        )
    ]
    unchanged = len(done.skipped) - len(done.edited)
    if unchanged:
        sentences.append(
            count_text("{number} was up to date.", "{number} were up to date.", unchanged)
        )
    if done.edited:
        sentences.append(
            count_text(
                "{number} that you changed was kept.",
                "{number} that you changed were kept.",
                len(done.edited),
            )
        )
    if done.failed:
        sentences.append(
            count_text(
                "{number} could not be cleaned: {reason}",
                "{number} could not be cleaned, the first: {reason}",
                len(done.failed),
                reason=translated(next(iter(done.failed.values()))),
            )
        )
    return " ".join(sentences)


def notes(done: Any) -> list[str]:
    """Return each note on the files once, with the first file that it is about."""
    files_of_note: dict[str, list[str]] = {}
    for file, texts in done.notes.items():
        for note in map(translated, texts):
            files_of_note.setdefault(note, []).append(file.name)
    return [
        count_text(
            "{file}: {note}",
            "{number} files, the first is {file}: {note}",
            len(files),
            file=files[0],
            note=note,
        )
        for note, files in files_of_note.items()
    ]
