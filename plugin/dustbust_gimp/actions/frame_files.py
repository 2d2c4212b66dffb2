"""The files of a run: from the first to the last frame, or as they were chosen in the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from .. import core
from ..errors import Refused
from ..gimp import arguments, kept, progress
from ..texts import _, count_text, translated

FEWEST_FRAMES, ENOUGH_FRAMES = 5, 10  # a mask from fewer is a guess, or has gaps

# Name under which the window keeps its list, its settings, and the runs that were confirmed.
KEPT = "dustbust-estimate"
CONFIRMED = "confirmed"


def ends_of_run(config: Gimp.ProcedureConfig) -> dict[str, str | None]:
    """Return the first and the last chosen frame, as the core takes them."""
    first, last = (arguments.path(config, name) for name in ("first-frame", "last-frame"))
    if first is None:
        raise Refused(_("Choose the first frame of the run."))
    return {"first": first, "last": last}


def runs_of(config: Gimp.ProcedureConfig) -> list[list[str]]:
    """Return the one run from the first to the last frame, or to where the dust changes."""
    ends = ends_of_run(config)
    files = core.ask("files_of_run", **ends)
    if ends["last"] is not None:
        return [files]
    title = _("Looking for the end of the run")
    return progress.run(title, "find_runs", files=files, threads=progress.threads())[:1]


def confirmed_runs() -> list[list[str]] | None:
    """Return the runs that were last confirmed in the window, to repeat the action."""
    return kept.read(KEPT).get(CONFIRMED)


def description(files: Sequence[dict[str, Any]], has_blank: bool) -> str:
    """Describe the frames of the list in a few lines.

    Parameters
    ----------
    files : sequence of dict
        As the core lists them: its operation `list_frames`.
    has_blank : bool
        Whether the dust is read from a blank scan, so that few frames are enough.
    """
    used = [file for file in files if not file["why"]]
    lines = [count_text("{number} frame", "{number} frames", len(used))]
    left_out = [file for file in files if file["why"]]
    if left_out:
        lines.append(
            count_text(
                "{number} file is left out: {reason}",
                "{number} files are left out, the first: {reason}",
                len(left_out),
                reason=translated(left_out[0]["reason"]),
            )
        )
    if has_blank:
        return "\n".join(lines)
    if len(used) < FEWEST_FRAMES:
        lines.append(
            _("A mask needs at least five frames of different scenes, better ten or more.")
        )
    elif len(used) < ENOUGH_FRAMES:
        lines.append(_("Ten or more frames make a better mask."))
    return "\n".join(lines)
