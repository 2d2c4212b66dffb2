"""Operations for Estimate Dust Mask: the files of a run, and the mask estimated from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import DustbustError
from ..estimation.estimate import estimate_mask as estimate
from ..estimation.methods import METHODS
from ..estimation.runs import find_runs as find
from ..files.find import frames_between, frames_in, is_picture
from ..previews import thumbnail as reduced
from ..previews import to_rgb8
from ..previews import typical_frame as typical
from ..runtime.progress import Progress
from .messages import Picture, Threads, operation


@operation
def files_of_run(first: Path, last: Path | None) -> list[Path]:
    """The files from the first to the last frame, or to the end of the folder.

    Both ends must have a format that can be read, and written without loss.
    """
    if last is None:
        last = (frames_in(first.parent) or [first])[-1]
    for file in (first, last):
        if file.is_file() and not is_picture(file):
            raise DustbustError(
                "{file}: the frames of a run must be JPEG, PNG, TIFF, WebP, JPEG 2000 or BMP "
                "files; export them as one of these, or open this one and apply a mask to its "
                "layer.",
                file=file,
            )
    return frames_between(first, last)


@operation
def find_runs(
    files: list[Path], threads: Threads, progress: Progress | None = None
) -> list[list[Path]]:
    """The files in their order, divided where the dust or the format changes."""
    runs = find(files, leave_out=True, threads=threads, progress=progress)
    return [[Path(file) for file in run] for run in runs]  # type: ignore[arg-type]  # files as given


@operation
def estimate_mask(
    files: list[Path],
    method: str,
    polarity: str,
    blank: Path | None,
    areas: list[int],
    threads: Threads,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The mask of a run, and the report about it.

    Parameters
    ----------
    areas : list of int
        Area of the smallest and of the largest particle, px; 0 stands for an automatic value. A
        method that has no such options ignores them.
    """
    own = {option.name for option in METHODS.named(method).options}
    wanted: dict[str, Any] = {"smallest": areas[0], "largest": areas[1] or None}
    dust = estimate(
        files,
        method=method,
        polarity=polarity,
        blank=blank,
        leave_out=True,
        threads=threads,
        progress=progress,
        **{name: value for name, value in wanted.items() if name in own},
    )
    return {
        "dust": dust,
        "particles": len(dust.particles) if "particles" in dust.report else None,
        "coverage": dust.coverage,
        "warnings": dust.warnings,
        "frames": dust.frames,
    }


@operation
def typical_frame(frames: list[Path]) -> Path:
    """The frame of median brightness among a few spread over the run."""
    return Path(typical(frames))


@operation
def pictures_among(files: list[Path]) -> list[Path]:
    """The files that count as frames."""
    return [file for file in files if is_picture(file)]


@operation
def thumbnail(path: Path) -> Picture:
    """A picture file reduced in size, for the screen."""
    return to_rgb8(reduced(path))
