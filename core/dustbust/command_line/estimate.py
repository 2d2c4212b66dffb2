"""dustbust estimate: masks from runs of frames."""

import argparse
from pathlib import Path
from typing import Any

from ..batch.masks import estimate_runs, run_from, table_of
from ..dust.mask import DustMask
from ..dust.mask_file import MASK_SUFFIXES
from ..dust.polarity import POLARITIES_TO_ESTIMATE
from ..estimation.estimate import estimate_mask
from ..estimation.methods import METHODS
from ..files.find import find_frames, frames_between
from ..files.write import check_target
from ..files.written import check_replaceable
from .options import (
    add_choice,
    add_dask,
    add_json,
    add_overwrite,
    check_apart,
    default_of,
    executor_of,
    given_options,
    progress,
    tell,
    tell_people,
)

# Where the results go if the user names nothing.
MASK, MASKS = "dust-mask.png", "dust-masks"

SUMMARY = "find the dust that the frames of a run have in common, and write it as a mask"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument(
        "frames", nargs="*", help="the frames of one run: files, folders or patterns"
    )
    command.add_argument("--first", help="instead of frames: the first frame of the run")
    command.add_argument(
        "--last",
        help="with --first: the last frame; the run is all pictures of the folder from the first "
        "to the last. Without it the run ends where the dust changes",
    )
    command.add_argument(
        "-o",
        "--output",
        help=f"the mask, a 16-bit grey PNG ({MASK}); with --runs a folder ({MASKS} beside the "
        "frames)",
    )
    command.add_argument(
        "--runs",
        action="store_true",
        help="find the runs among the frames; write a mask for each, and a table",
    )
    command.add_argument(
        "--plot",
        metavar="FILE",
        help="also write a plot of the area that is marked at each threshold (.png, .tif or .jpg)",
    )
    add_choice(command, METHODS)
    command.add_argument(
        "--polarity",
        choices=POLARITIES_TO_ESTIMATE,
        default=default_of(estimate_mask, "polarity"),
        help="whether the dust is lighter than the picture, as on negatives, or darker, as on "
        "slides (%(default)s)",
    )
    command.add_argument(
        "--blank",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="scans of the empty glass, light table or wall with the settings of the frames, or "
        "TIFFs with an infrared plane: the dust is read from them, and one frame is enough",
    )
    add_overwrite(command)
    add_dask(command)
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Estimate one mask, or one for each run."""
    with executor_of(options) as executor:
        where = {"leave_out": True, "executor": executor, "progress": progress()}
        how = {
            "method": options.method,
            "polarity": options.polarity,
            **({"blank": options.blank} if options.blank else {}),
            **given_options(METHODS, options),
            **where,
        }
        frames = frames_of(options, where)
        if options.runs:
            write_masks(frames, options, how)
        else:
            write_mask(frames, options, how)
    return 0


def frames_of(options: argparse.Namespace, where: dict[str, Any]) -> list[Path]:
    """The frames that the user names."""
    if options.first and options.last:
        return frames_between(options.first, options.last)
    if options.first:
        return run_from(options.first, **where)
    return find_frames(options.frames)


def write_mask(frames: list[Path], options: argparse.Namespace, how: dict[str, Any]) -> None:
    """Estimate the mask of a run."""
    output = options.output or MASK
    inputs = [*frames, *(options.blank or [])]
    check_target(output, inputs, MASK_SUFFIXES)  # before the work, not after it
    check_replaceable(Path(output), options.overwrite)
    if options.plot:
        check_target(options.plot, inputs)
        check_replaceable(Path(options.plot), options.overwrite)
        check_apart(output, options.plot)
    dust = estimate_mask(frames, **how)
    dust.save(output)
    if options.plot:
        dust.plot(options.plot)
    first, *warnings = dust.summary().splitlines()
    tell(options, f"{output}: {first}", *warnings, **described(Path(output), dust))


def described(path: Path, dust: DustMask) -> dict[str, Any]:
    """The data of a mask for --json."""
    return {
        "mask": path,
        "frames": dust.frames,
        "threshold": dust.threshold,
        "polarity": dust.polarity,
        "coverage": dust.coverage,
        "particles": len(dust.particles) if "particles" in dust.report else None,
        "warnings": dust.warnings,
    }


def write_masks(frames: list[Path], options: argparse.Namespace, how: dict[str, Any]) -> None:
    """Estimate the mask of each run among the frames, and print the table."""
    folder = options.output or (frames[0].parent / MASKS if frames else MASKS)
    runs = estimate_runs(frames, folder, overwrite=options.overwrite, **how)
    if options.json:
        for one in runs:
            tell(options, **described(one.path, one.mask), new=one.new)
        return
    rows = table_of(runs)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        tell_people("  ".join(cells).rstrip())
    for one in runs:
        tell_people(*(f"{one.path}: {sentence}" for sentence in one.mask.warnings))
