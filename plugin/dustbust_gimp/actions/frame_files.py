"""The files of a run: from the first to the last frame, and what their headers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gi.repository import Gimp

from .. import core
from ..errors import Refused
from ..gimp import arguments
from ..texts import _, count_text

ENOUGH_FRAMES = 10  # a mask from fewer has gaps


class Fitting(NamedTuple):
    """The files of a run that have the commonest size.

    Parameters
    ----------
    files : list of Path
    size : tuple of int
        Width and height, px.
    kind : str
        Such as "8-bit JPEG".
    others : list of Path
        The files that do not fit.
    """

    files: list[Path]
    size: tuple[int, int]
    kind: str
    others: list[Path]


def files_of_run(config: Gimp.ProcedureConfig) -> list[Path]:
    """Return the files from the first to the last chosen frame, or to the end of the folder."""
    first, last = (arguments.path(config, name) for name in ("first-frame", "last-frame"))
    if first is None:
        raise Refused(_("Choose the first frame of the run."))
    if last is None:
        last = (core.frames_in(Path(first).parent) or [first])[-1]
    return files_between(first, last)


def files_between(first: str | Path, last: str | Path) -> list[Path]:
    """Return the frames from the first file to the last.

    Both must have a format that can be read, and written without loss.
    """
    for file in map(Path, (first, last)):
        if file.is_file() and not core.is_picture(file):
            raise Refused(
                _(
                    "{file}: the frames of a run must be JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP "
                    "files; export them as one of these, or open this one and apply a mask to its "
                    "layer."
                ).format(file=file)
            )
    return core.frames_between(first, last)


def fitting(files: Sequence[Path]) -> Fitting:
    """Divide files into those of the commonest size, and the others."""
    kinds = {file: kind_of(file) for file in files}
    known = Counter(kind for kind in kinds.values() if kind)
    if not known:
        raise Refused(_("There are no pictures between these two files."))
    ((size, kind), __), *__ = known.most_common(1)
    fits = [file for file, known_kind in kinds.items() if known_kind and known_kind[0] == size]
    return Fitting(fits, size, kind, [file for file in files if file not in fits])


def describe(files: Sequence[Path], open_end: bool = False) -> str:
    """Describe the files of a run in a few lines.

    Parameters
    ----------
    files : sequence of Path
    open_end : bool
        Whether the run may end before the last file.
    """
    run = fitting(files)
    frames = count_text("{number} frame", "{number} frames", len(run.files))
    lines = [f"{frames}, {run.size[0]} x {run.size[1]}, {run.kind}"]
    if open_end:
        lines.append(_("The run ends where the dust changes, or at the end of the folder."))
    if run.others:
        names = [Path(file).name for file in run.others]
        shown = ", ".join([*names[:3], "..."] if len(names) > 3 else names)
        lines.append(
            count_text(
                "{number} file of another size or format is skipped: {files}",
                "{number} files of another size or format are skipped: {files}",
                len(names),
                files=shown,
            )
        )
    if len(run.files) < ENOUGH_FRAMES:
        lines.append(_("Ten or more frames make a better mask."))
    return "\n".join(lines)


def kind_of(file: Path) -> tuple[tuple[int, int], str] | None:
    """Return ((width, height), "8-bit JPEG") of a picture file, or None if it is not readable."""
    try:
        size, bits, name = core.header_of(file)
    except core.DustbustError:
        return None
    return size, _("{bits}-bit {format}").format(bits=bits, format=name)
