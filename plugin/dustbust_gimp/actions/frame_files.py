"""The files of a run: from the first to the last frame, and what their headers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gi.repository import Gimp

from .. import core
from ..errors import Refused
from ..gimp import arguments
from ..texts import _, count_text, translated

ENOUGH_FRAMES = 10  # a mask from fewer has gaps
REASONS_SHOWN = 3  # of the files that are left out


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


def describe(files: Sequence[Path], open_end: bool = False, has_blank: bool = False) -> str:
    """Describe the files of a run in a few lines.

    Parameters
    ----------
    files : sequence of Path
    open_end : bool
        Whether the run may end before the last file.
    has_blank : bool
        Whether the dust is read from a blank scan, so that few frames are enough.

    Raises
    ------
    core.DustbustError
        If most of the files cannot be used.
    """
    frames = core.Frames.of(files, leave_out=True)
    first = next(file for number, file in enumerate(files) if number not in frames.left_out)
    number = len(frames) - len(frames.left_out)
    count = count_text("{number} frame", "{number} frames", number)
    lines = [f"{count}, {frames.shape[1]} x {frames.shape[0]}, {kind_of(first)}"]
    if open_end:
        lines.append(_("The run ends where the dust changes, or at the end of the folder."))
    if frames.left_out:
        lines.append(left_out_text(frames.left_out))
    if number < ENOUGH_FRAMES and not has_blank:
        lines.append(_("Ten or more frames make a better mask."))
    return "\n".join(lines)


def left_out_text(reasons: Mapping[int, str]) -> str:
    """Say which files are left out, each with its own reason, the first few of them."""
    lines = [
        count_text("{number} file is left out:", "{number} files are left out:", len(reasons)),
        *(translated(reason) for reason in list(reasons.values())[:REASONS_SHOWN]),
    ]
    return "\n".join(lines + ["..."] * (len(reasons) > REASONS_SHOWN))


def kind_of(file: Path) -> str:
    """Return what a picture file is, such as "8-bit JPEG"."""
    __, bits, name = core.header_of(file)
    return _("{bits}-bit {format}").format(bits=bits, format=name)
