"""One mask a run: the masks of a whole shoebox of frames."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..dust.mask import DustMask
from ..errors import DustbustError
from ..estimation.estimate import estimate_mask
from ..estimation.runs import find_runs
from ..files.find import frames_between, frames_in
from ..files.paths import as_path
from ..files.write import new_file
from ..image.morphology import connected
from ..runtime.progress import part_of


@dataclass(frozen=True)
class RunMask:
    """A run, its mask, and what is new in it.

    Parameters
    ----------
    path : of the mask's file.
    first, last : names of the run's first and last frame.
    mask : DustMask
    new : float32, dust that the run before did not have, as a share of the picture; None for the first run.
    """

    path: Path
    first: str
    last: str
    mask: DustMask
    new: float | None


def run_from(first, **options):
    """The run that begins with a file: the pictures of its folder from there on, as far as the same dust goes.

    Parameters
    ----------
    first : path of the first frame.
    options : of `find_runs`.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    DustbustError
        as `find_runs` does.
    """
    first = as_path(first)
    return find_runs(frames_between(first, (frames_in(first.parent) or [first])[-1]), **options)[0]


def estimate_runs(
    frames, folder, *, leave_out=False, progress=None, executor=None, threads=None, **options
):
    """Find the runs in a series of frames and write a mask for each.

    Parameters
    ----------
    frames : paths, in the order of scanning.
    folder : where the masks go, `FIRST-LAST.png` by the names of the frames, with the table `runs.csv`; it is made if it is not there.
    leave_out, progress, executor, threads, options : as of `estimate_mask`.

    Returns
    -------
    list of RunMask

    Raises
    ------
    DustbustError
        as `find_runs` and `estimate_mask` do, and when the folder cannot be written.
    """
    folder = as_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be made ({error})", folder=folder, error=error
        ) from error
    where = {"executor": executor, "threads": threads}
    runs = find_runs(frames, leave_out=leave_out, progress=part_of(progress, 0, 1, 3), **where)
    done, written, before = 0, [], None
    whole = sum(map(len, runs))
    for run in runs:
        mask = estimate_mask(
            run,
            leave_out=leave_out,
            progress=part_of(progress, whole / 2 + done, len(run), 3 / 2 * whole),
            **where,
            **options,
        )
        first, last = as_path(run[0]), as_path(run[-1])
        path = folder / f"{first.stem}-{last.stem}.png"
        mask.save(path)
        marked = mask.binary()
        written.append(
            RunMask(
                path,
                first.name,
                last.name,
                mask,
                None if before is None else new_dust(before, marked),
            )
        )
        done, before = done + len(run), marked
    table = folder / "runs.csv"
    with (
        new_file(table) as part,
        open(part, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        csv.writer(file).writerows(table_of(written))
    return written


def new_dust(before, after):
    """The share of the picture under particles of a mask that another, both bool (H, W), has nothing of."""
    _, labels, particles = connected(after)
    met = np.bincount(labels, before[after], particles) > 0
    return float((~met[labels]).sum() / after.size)


def table_of(runs):
    """The table of some runs: rows of text, the first names the columns. It says when to clean the glass."""
    rows = [
        ("mask", "first frame", "last frame", "frames", "particles", "coverage %", "new dust %")
    ]
    for run in runs:
        rows.append(
            (
                run.path.name,
                run.first,
                run.last,
                str(len(run.mask.frames)),
                str(particle_count(run.mask)),
                f"{100 * run.mask.coverage:.3f}",
                "" if run.new is None else f"{100 * run.new:.3f}",
            )
        )
    return rows


def particle_count(mask):
    return connected(mask.binary())[2]
