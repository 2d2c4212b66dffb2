"""One mask for each run: the masks of a long series of frames."""

import csv
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ..dust.mask import DustMask
from ..errors import DustbustError
from ..estimation.estimate import estimate_mask
from ..estimation.runs import find_runs
from ..files.find import frames_between, frames_in, in_order_of_taking
from ..files.paths import as_path
from ..files.write import check_target, new_file
from ..files.written import check_replaceable
from ..image.arrays import Mask
from ..image.morphology import connected, count_particles
from ..runtime.progress import Progress, part_of

PathLike = str | bytes | os.PathLike[str]

#: Name of the table beside the masks, and its columns.
TABLE = "runs.csv"
COLUMNS = ("mask", "first frame", "last frame", "frames", "particles", "coverage %", "new dust %")


@dataclass(frozen=True)
class RunMask:
    """A run and its mask.

    Parameters
    ----------
    path : pathlib.Path
        The file of the mask.
    first, last : str
        Names of the run's first and last frame.
    mask : DustMask
        The mask.
    new : float or None
        Area of the dust that the previous run did not have, as a share of the picture. None for the
        first run, and where the size of the masks changes.
    """

    path: Path
    first: str
    last: str
    mask: DustMask
    new: float | None


def run_from(first: PathLike, **options: Any) -> list[Path]:
    """The run that begins with a file.

    Parameters
    ----------
    first : path-like
        The first frame. The run continues with the pictures of its folder until the dust changes.
    **options
        Options of `find_runs`.

    Returns
    -------
    list of pathlib.Path

    Raises
    ------
    DustbustError
        As `find_runs` does.

    Examples
    --------
    >>> import dustbust
    >>> frames = dustbust.run_from("roll/scan 01.jpg")  # doctest: +SKIP
    """
    first = as_path(first)
    paths = in_order_of_taking(frames_in(first.parent)) or [first]
    paths = frames_between(first, paths[-1])
    return [path for path in find_runs(paths, **options)[0] if isinstance(path, Path)]


def estimate_runs(
    frames: Iterable[PathLike],
    folder: PathLike,
    *,
    overwrite: bool = False,
    leave_out: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
    **options: Any,
) -> list[RunMask]:
    """Find the runs in a series of frames and write a mask for each.

    Parameters
    ----------
    frames : iterable of path-like
        Frames in the order of scanning.
    folder : path-like
        Folder of the masks, made if necessary. A mask is named `FIRST-LAST.png` after the first and
        the last frame of its run; a second one of that name `FIRST-LAST-2.png`. The table
        `runs.csv` lists the masks.
    overwrite : bool
        Whether to replace also files of these names that Dustbust did not write or that somebody
        changed since.
    leave_out, progress, executor, threads
        As of `estimate_mask`.
    **options
        Further options of `estimate_mask`.

    Returns
    -------
    list of RunMask

    Raises
    ------
    DustbustError
        As `find_runs` and `estimate_mask`, and if the folder cannot be written. A file that must
        not be replaced is refused before any mask is estimated.

    Examples
    --------
    >>> import dustbust
    >>> runs = dustbust.estimate_runs(["roll/1.jpg", "roll/2.jpg"], "masks")  # doctest: +SKIP
    """
    folder = as_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(
            "{folder}: cannot be made ({error})", folder=folder, error=error
        ) from error
    where: dict[str, Any] = {"executor": executor, "threads": threads, "leave_out": leave_out}
    runs = find_runs(frames, progress=part_of(progress, 0, 1, 3), **where)
    names = [tuple(as_path(cast(PathLike, run[place])) for place in (0, -1)) for run in runs]
    paths = [folder / name for name in names_of_masks(names)]
    table = folder / TABLE
    for path in paths:
        check_target(path, [as_path(cast(PathLike, frame)) for run in runs for frame in run])
    for path in (*paths, table):
        check_replaceable(path, overwrite)
    done, written = 0, list[RunMask]()
    before: Mask | None = None
    whole = sum(map(len, runs))
    for run, path, (first, last) in zip(runs, paths, names, strict=True):
        mask = estimate_mask(
            run,
            progress=part_of(progress, whole / 2 + done, len(run), 3 / 2 * whole),
            **where,
            **options,
        )
        mask.save(path)
        marked = mask.binary()
        new = None
        if before is not None and before.shape == marked.shape:
            new = new_dust(before, marked)
        written.append(RunMask(path, first.name, last.name, mask, new))
        done, before = done + len(run), marked
    with (
        new_file(table) as part,
        open(part, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        csv.writer(file).writerows(table_of(written))
    return written


def names_of_masks(runs: Iterable[tuple[Path, ...]]) -> list[str]:
    """The name of each run's mask, after the first and the last frame of the run.

    Rolls in several folders, or in several formats, may have frames of equal names. Each mask still
    has a name of its own, on systems that ignore upper and lower case too.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.batch.masks import names_of_masks
    >>> rolls = [("a/1.tif", "a/9.tif"), ("b/1.tif", "b/9.tif")]
    >>> names_of_masks([(Path(first), Path(last)) for first, last in rolls])
    ['1-9.png', '1-9-2.png']
    """
    names: list[str] = []
    taken: set[str] = set()
    for first, last in runs:
        stem, number = f"{first.stem}-{last.stem}", 1
        name = f"{stem}.png"
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}.png"
        names.append(name)
        taken.add(name.casefold())
    return names


def new_dust(before: Mask, after: Mask) -> float:
    """Share of the picture under particles of a mask that are not in the previous mask.

    Parameters
    ----------
    before, after : ndarray of bool, shape (H, W)
        Pixels that the previous mask and this mask mark.
    """
    _, labels, particles = connected(after)
    met = np.bincount(labels, before[after], particles) > 0
    return float((~met[labels]).sum() / after.size)


def table_of(runs: Sequence[RunMask]) -> list[tuple[str, ...]]:
    """The table of some runs, which shows when to clean the glass.

    Returns
    -------
    list of tuple of str
        Rows; the first has the names of the columns.
    """
    return [
        COLUMNS,
        *(
            (
                run.path.name,
                run.first,
                run.last,
                str(len(run.mask.frames)),
                str(count_particles(run.mask.binary())),
                f"{100 * run.mask.coverage:.3f}",
                "" if run.new is None else f"{100 * run.new:.3f}",
            )
            for run in runs
        ),
    ]
