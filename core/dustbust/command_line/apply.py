"""dustbust apply: clean frames, files to files."""

import argparse
import sys
from pathlib import Path

from ..batch.clean import clean_frames
from ..batch.report import BatchPlan
from ..dust.mask import DustMask
from ..errors import DustbustError
from ..files.find import masks_in
from ..files.write import EXISTS
from ..restoration.methods import METHODS
from .options import (
    add_choice,
    add_dask,
    add_json,
    default_of,
    executor_of,
    fraction,
    given_options,
    progress,
    tell,
    tell_people,
)

SUMMARY = "clean frames with a mask; the originals are never changed"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument(
        "mask",
        help="a mask from estimate, or any grey or black and white picture (white is dust); or "
        "the folder of masks from estimate --runs",
    )
    command.add_argument(
        "frames",
        nargs="*",
        help="the frames: files, folders or patterns; without any, those that each mask was made "
        "from",
    )
    command.add_argument(
        "--folder",
        default=default_of(clean_frames, "folder"),
        help="folder for the cleaned frames, relative to that of the frames (%(default)s)",
    )
    add_choice(command, METHODS)
    command.add_argument(
        "--threshold",
        type=fraction,
        help="0 to 1; a higher one treats less. The default is that of the mask: 0.5, unless it "
        "was changed in GIMP",
    )
    command.add_argument(
        "--exists",
        choices=EXISTS,
        default=default_of(clean_frames, "exists"),
        help="what to do about cleaned frames that exist: skip those that are up to date or were "
        "changed by you and renew the others, overwrite all, or rename the new ones (%(default)s)",
    )
    command.add_argument(
        "--preserve-times",
        action="store_true",
        help="give the cleaned frames the modification times of the originals",
    )
    add_dask(command)
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Clean the frames of one mask, or of each mask of a folder."""
    if not Path(options.mask).is_dir():
        return clean(Path(options.mask), options)
    if options.frames:
        raise DustbustError(
            f"{options.mask}: each mask of a folder goes with the frames that it was made from; "
            "name one mask, or no frames"
        )
    code = 0
    for mask in masks_in(options.mask):
        try:
            code |= clean(mask, options)
        except DustbustError as error:
            code = 1
            print(f"dustbust: {mask}: {error}", file=sys.stderr)
    return code


def clean(mask: Path, options: argparse.Namespace) -> int:
    """Clean the frames of one mask, and report failures and notes."""
    dust = DustMask.load(mask)
    if options.threshold is not None:
        dust.threshold = options.threshold
    with executor_of(options) as executor:
        report = clean_frames(
            options.frames or dust.frames,
            dust,
            options.folder,
            method=options.method,
            **given_options(METHODS, options),
            exists=options.exists,
            preserve_times=options.preserve_times,
            executor=executor,
            announce=None if options.json else announce,
            progress=progress(),
        )
    lines = [f"{path}: {'; '.join(notes)}" for path, notes in report.notes.items()]
    lines += report.warnings
    for failure in report.failed.values():
        print(f"dustbust: {failure}", file=sys.stderr)
    lines.append(
        f"{report.folder}: {len(report.written)} written, {len(report.skipped)} there already, "
        f"{len(report.failed)} failed"
    )
    tell(
        options,
        *lines,
        mask=mask,
        folder=report.folder,
        written=report.written,
        skipped=report.skipped,
        edited=report.edited,
        failed={str(path): reason for path, reason in report.failed.items()},
        notes={str(path): notes for path, notes in report.notes.items()},
        warnings=report.warnings,
    )
    return 1 if report.failed else 0


def announce(plan: BatchPlan) -> None:
    """Count the cleaned frames that exist, before any is written."""
    if plan.up_to_date or plan.outdated or plan.edited:
        tell_people(f"{plan.folder}: {plan.summary()}")
