"""Operations for Apply Dust Mask: cleaned files, cleaned layers, and previews of both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ..batch.clean import clean_frames as clean
from ..batch.clean import plan_frames
from ..batch.receipt import RECEIPT_NAME, Receipt
from ..batch.report import BatchReport
from ..dust.mask import DustMask
from ..errors import DustbustError
from ..files.paths import beside, moved
from ..image.arrays import alpha_channel, colour_channels, differing, largest
from ..image.morphology import connected
from ..previews import MaskPreview, to_rgb8
from ..restoration.apply import Cleaner
from ..review import Review
from ..runtime.progress import Progress
from .estimate import files_of_run
from .janitor import tidied
from .messages import Mask, Picture, Pixels, Threads, operation, quick_operation
from .window import Part, parts_of, slices

Offset = Annotated[int, -1_000_000, 1_000_000]


@operation
def files_to_clean(
    run: list[Path], mask: Path | None, first: Path | None, last: Path | None
) -> dict[str, Any]:
    """The chosen files; if none were chosen, those of the run that the mask was made from.

    Parameters
    ----------
    run : list of Path
        Paths of the run's files when the mask was made.
    mask : Path or None
        The file of the mask. Its folder is searched for the run first.
    first, last : Path or None
        The first and the last file that the user chose instead of the run.

    Returns
    -------
    dict
        "files", and "missing": the files that no longer exist.
    """
    if first:
        run = files_of_run(first, last or first)
    elif not run:
        raise DustbustError(
            "This mask was not made from a run of files: choose the first and the last frame "
            "to clean, or apply it to a layer of another image."
        )
    elif mask:
        run = beside(run, mask)
    return {"files": run, "missing": [file for file in run if not file.exists()]}


@operation
def moved_run(run: list[Path], frame: Path) -> list[Path]:
    """The files of a run whose folder was moved, found by one of them, see `files.paths.moved`."""
    return moved(run, frame)


@operation
def plan_files(
    run: list[Path],
    mask: Path | None,
    first: Path | None,
    last: Path | None,
    dust: DustMask,
    review: Review | None,
    folder: Path,
    method: str,
) -> dict[str, Any]:
    """Do as `files_to_clean`, and count the cleaned files of each state in the folder.

    Parameters
    ----------
    run, mask, first, last
        As for `files_to_clean`.
    dust : DustMask
    review : Review or None
        Its mask is used instead of `dust` if the user has changed it.

    Raises
    ------
    DustbustError
        If the folder cannot be written to, or as `dustbust.batch.clean.plan_frames`.
    """
    found = files_to_clean(run, mask, first, last)
    if found["missing"]:
        return dict(found)
    files = found["files"]
    whole = files[0].parent / folder
    place = next(place for place in (whole, *whole.parents) if place.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise DustbustError("{folder}: cannot be written to; choose another folder.", folder=place)
    if review and review.changed:
        dust = review.mask
    plan = plan_frames(files, dust, folder, method=method)
    return {
        **found,
        "folder": plan.folder,
        "new": len(plan.new),
        "up_to_date": len(plan.up_to_date),
        "outdated": len(plan.outdated),
        "edited": len(plan.edited),
        "failed": list(plan.failed.values()),
    }


@operation
def clean_files(
    files: list[Path],
    dust: DustMask,
    folder: Path,
    exists: str,
    method: str,
    threads: Threads,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write cleaned files, and count those that were written, skipped and failed.

    "look_first" names the written file with the most filled particles, as "file" and "filled", or
    is None.
    """
    with tidied(files[0].parent.absolute() / folder):
        done = clean(
            files, dust, folder, exists=exists, method=method, threads=threads, progress=progress
        )
    return {
        "folder": done.folder,
        "written": len(done.written),
        "unchanged": len(done.skipped) - len(done.edited),
        "edited": len(done.edited),
        "failed": list(done.failed.values()),
        "notes": _each_once(done.notes),
        "warnings": done.warnings,
        "look_first": _most_filled(done),
    }


def _most_filled(done: BatchReport) -> dict[str, Any] | None:
    """The written file in which the most particles were filled; None if it is the only one."""
    if len(done.written) < 2:
        return None
    entries = Receipt.load(done.folder / RECEIPT_NAME).files
    filled = {path.name: entries[path.name].get("filled", 0) for path in done.written}
    most = max(filled, key=filled.__getitem__)
    return {"file": most, "filled": filled[most]} if filled[most] else None


def _each_once(notes: Mapping[Path, Iterable[str]]) -> list[dict[str, Any]]:
    """Each note once, with the number of files it concerns and the first of these files."""
    files: dict[str, list[str]] = {}
    sentences: dict[str, str] = {}
    for file, texts in notes.items():
        for note in texts:
            files.setdefault(str(note), []).append(file.name)
            sentences.setdefault(str(note), note)
    return [
        {"note": sentences[text], "number": len(names), "first": names[0]}
        for text, names in files.items()
    ]


@operation
def clean_layer(
    picture: Picture,
    dust: DustMask,
    method: str,
    offset: list[Offset],
    canvas: list[Pixels],
    name: str,
    threads: Threads,
) -> dict[str, Any]:
    """Clean a layer in place, and count the particles that were restored, filled and absent.

    A mask of the canvas's size applies to the whole picture. If the layer covers only a part of
    the canvas, the rest has no data.

    Parameters
    ----------
    picture : ndarray, shape (H, W, C)
    offset : list of int
        x and y of the layer's top left corner on the canvas.
    canvas : list of int
        Width and height of the canvas.
    name : str
        What messages call the layer.

    Returns
    -------
    dict
        The counts, and what `changes` returns.
    """
    whole, clean = (canvas[1], canvas[0]), Cleaner(dust, method=method, threads=threads)
    if dust.grey.shape == picture.shape[:2] or dust.grey.shape != whole:
        changed, report = clean.in_place(picture, threads=threads)
    else:
        placed, part, inside = place_on_canvas(picture, (offset[0], offset[1]), whole, name)
        changed_canvas, report = clean.in_place(placed, threads=threads)
        picture[part] = placed[inside][..., : picture.shape[2]]
        changed = np.zeros(picture.shape[:2], bool)
        changed[part] = changed_canvas[inside]
    counted = ("particles", "restored", "filled", "absent", "unfilled")
    return {**_described(changed), **{each: getattr(report, each) for each in counted}}


def place_on_canvas(
    picture: Picture, offset: tuple[int, int], size: tuple[int, int], name: str
) -> tuple[Picture, tuple[slice, slice], tuple[slice, slice]]:
    """Put a layer on the canvas, with alpha.

    Parameters
    ----------
    picture : ndarray, shape (H, W, C)
    offset : tuple of int
        x and y of its top left corner.
    size : tuple of int
        Height and width of the canvas.
    name : str
        What messages call the layer.

    Returns
    -------
    canvas : ndarray, shape (height, width, colours + 1)
        Transparent outside the layer.
    part, whole : tuple of slice
        The common part, in `picture` and in `canvas`.

    Raises
    ------
    DustbustError
        If nothing of the layer is on the canvas.

    Examples
    --------
    >>> layer = np.full((2, 2, 1), 7, np.uint8)
    >>> place_on_canvas(layer, (1, -1), (2, 2), "scan")[0].tolist()
    [[[0, 0], [7, 255]], [[0, 0], [0, 0]]]
    """
    (x, y), (height, width) = offset, size
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + picture.shape[0], height), min(x + picture.shape[1], width)
    if top >= bottom or left >= right:
        raise DustbustError("{layer}: lies outside the picture.", layer=name)
    part, whole = np.s_[top - y : bottom - y, left - x : right - x], np.s_[top:bottom, left:right]
    colours = colour_channels(picture).shape[2]
    canvas = np.zeros((height, width, colours + 1), picture.dtype)
    canvas[whole] = largest(picture.dtype)
    canvas[whole][..., : picture.shape[2]] = picture[part]
    return canvas, part, whole


@operation
def changes(before: Picture, after: Picture) -> dict[str, Any]:
    """Where two versions of a picture differ: "changed", the pixels, and "parts", rectangles.

    Parameters
    ----------
    before, after : ndarray, shape (H, W, C)
        `after` may have a single channel, which is compared with each of `before`.
    """
    return _described(differing(before, after))


def _described(changed: Mask) -> dict[str, Any]:
    return {"changed": changed, "parts": parts_of(changed)}


@operation
def repairs(picture: Picture, changed: Mask, parts: list[Part], limits: list[Picture]) -> Picture:
    """The pixels that changed, as a picture with alpha. All other pixels are transparent.

    Parameters
    ----------
    picture : ndarray, shape (H, W, C)
    changed, parts
        As `changes` returns them.
    limits : list of ndarray of float32, shape (H, W, 1)
        Factors of the alpha, 0..1: the selection, a layer mask.
    """
    colours, alpha = colour_channels(picture), alpha_channel(picture)
    repaired = np.zeros((*colours.shape[:2], colours.shape[2] + 1), picture.dtype)
    white = np.float32(largest(picture.dtype))
    for part in parts:
        where = slices(picture, part)
        visible = changed[where][..., 0].astype(np.float32)
        if alpha is not None:
            visible *= alpha[where] / white
        for limit in limits:
            visible *= limit[where][..., 0]
        opaque = visible * white + np.float32(0.5 if picture.dtype.kind == "u" else 0)
        repaired[where] = np.dstack([colours[where], opaque.astype(picture.dtype)])
    return repaired


@operation
def outside(changed: Mask, selection: Picture) -> int:
    """The number of repaired places that a selection leaves as they were.

    Parameters
    ----------
    changed : ndarray of bool, shape (H, W, 1)
    selection : ndarray of float32, shape (H, W, 1)
        0 where nothing is selected.
    """
    _, labels, number = connected(changed[..., 0])
    selected = np.bincount(labels, selection[changed] > 0, number)
    return int(np.count_nonzero(selected == 0))


@quick_operation
def mask_preview(dust: DustMask) -> MaskPreview:
    """The spots of a mask, for `look_at_spot`."""
    return MaskPreview(dust)


@operation
def look_at_spot(preview: MaskPreview, number: int, picture: Picture, method: str) -> list[Picture]:
    """A spot of a picture before and after, for the screen."""
    both = preview.look(number, read=lambda: picture, method=method)
    return [to_rgb8(part) for part in both]
