"""The files of a run: from the first to the last frame, and what their headers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from ..errors import Refused
from ..gimp import arguments
from ..texts import _, count_text, translated

ENOUGH_FRAMES = 10  # a mask from fewer has gaps
REASONS_SHOWN = 3  # of the files that are left out


def ends_of_run(config: Gimp.ProcedureConfig) -> dict[str, str | None]:
    """Return the first and the last chosen frame, as the core takes them."""
    first, last = (arguments.path(config, name) for name in ("first-frame", "last-frame"))
    if first is None:
        raise Refused(_("Choose the first frame of the run."))
    return {"first": first, "last": last}


def description(run: dict[str, Any], open_end: bool, has_blank: bool) -> str:
    """Describe the files of a run in a few lines.

    Parameters
    ----------
    run : dict
        What the core reads in their headers: its operation `describe_run`.
    open_end : bool
        Whether the run may end before the last file.
    has_blank : bool
        Whether the dust is read from a blank scan, so that few frames are enough.
    """
    count = count_text("{number} frame", "{number} frames", run["number"])
    kind = _("{bits}-bit {format}").format(bits=run["bits"], format=run["format"])
    lines = [f"{count}, {run['width']} x {run['height']}, {kind}"]
    if open_end:
        lines.append(_("The run ends where the dust changes, or at the end of the folder."))
    if run["left_out"]:
        lines.append(left_out_text(run["left_out"]))
    if run["number"] < ENOUGH_FRAMES and not has_blank:
        lines.append(_("Ten or more frames make a better mask."))
    return "\n".join(lines)


def left_out_text(reasons: Sequence[Any]) -> str:
    """Say which files are left out, each with its own reason, the first few of them."""
    lines = [
        count_text("{number} file is left out:", "{number} files are left out:", len(reasons)),
        *map(translated, reasons[:REASONS_SHOWN]),
    ]
    return "\n".join(lines + ["..."] * (len(reasons) > REASONS_SHOWN))
