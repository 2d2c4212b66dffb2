"""dustbust stack: one page from several scans."""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from ..batch.clean import clean_frames
from ..dust.mask_file import MASK_SUFFIXES
from ..errors import DustbustError
from ..files.bilevel import BILEVEL_SUFFIXES, check_kinds, in_black_and_white, write_bilevel
from ..files.find import find_frames
from ..files.formats import WRITABLE
from ..files.write import (
    EXISTS,
    check_complete,
    check_target,
    free_name,
    write_picture,
)
from ..files.written import check_replaceable
from ..stacking.modes import MODES
from ..stacking.stack import GRIDS, StackReport, stack_scans
from .options import (
    add_choice,
    add_json,
    add_overwrite,
    at_least_two,
    check_apart,
    default_of,
    given_options,
    progress,
    tell,
)

# Where the pages go if the user names nothing.
PAGES = "pages"

# Names of the colour channels.
CHANNELS = ("red", "green", "blue")

SUMMARY = "combine scans of one page, which lay differently on the glass, into one clean page"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument(
        "scans",
        nargs="+",
        help="two or more scans of the page: files or folders; the first gives size and position. "
        "With --pairs or --group: scans of many pages",
    )
    command.add_argument(
        "-o",
        "--output",
        help="the page (.tif, .png, .jpg ...); with --pairs or --group a folder "
        f"({PAGES} beside the scans)",
    )
    many = command.add_mutually_exclusive_group()
    many.add_argument(
        "--pairs",
        dest="group",
        action="store_const",
        const=2,
        help="make a page from every two consecutive scans",
    )
    many.add_argument(
        "--group",
        type=at_least_two,
        metavar="N",
        help="make a page from every N consecutive scans",
    )
    command.add_argument(
        "--exists",
        choices=EXISTS,
        default=default_of(clean_frames, "exists"),
        help="with --pairs or --group: what to do if a page exists already (%(default)s)",
    )
    add_overwrite(command)
    command.add_argument(
        "--format",
        choices=[suffix[1:] for suffix in WRITABLE],
        help="with --pairs or --group: the format of the pages (that of the scans)",
    )
    add_choice(command, MODES)
    command.add_argument(
        "--no-align",
        dest="align",
        action="store_false",
        help="do not align the scans: they fit on each other already",
    )
    command.add_argument(
        "--grid",
        choices=GRIDS,
        default=default_of(stack_scans, "grid"),
        help="whose size, position and orientation the page has, if the scans differ in "
        "resolution: those of the first scan or of the finest (%(default)s)",
    )
    command.add_argument(
        "--keep-brightness",
        dest="normalise",
        action="store_false",
        default=None,
        help="do not adjust the brightness of the scans to that of the first",
    )
    command.add_argument(
        "--dust",
        metavar="MASK",
        help="also write the dust of the scanner as a mask for apply (only with dust-free)",
    )
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Stack the scans of one page, or of many."""
    if options.group:
        return stack_groups(options)
    if not options.output:
        raise DustbustError("the page needs a name; give one, such as -o page.tif")
    scans = find_frames(options.scans)
    check_target(options.output, scans)
    check_replaceable(Path(options.output), options.overwrite)
    stack(scans, Path(options.output), options)
    return 0


def stack_groups(options: argparse.Namespace) -> int:
    """Make one page from each group of consecutive scans.

    A group that fails is reported and the others are done. A later run continues there.
    """
    if options.dust:
        raise DustbustError(
            "--dust: is the dust of one page, not of many; leave it out, or stack that page alone"
        )
    scans = find_frames(options.scans)
    if len(scans) % options.group:
        raise DustbustError(
            f"{len(scans)} scans cannot be divided into groups of {options.group}; "
            "add the missing scan or name the scans of whole groups"
        )
    folder = Path(options.output) if options.output else scans[0].parent / PAGES
    groups = [scans[start : start + options.group] for start in range(0, len(scans), options.group)]
    pages = pages_of(groups, folder, options.format)
    for place in {page.parent for page in pages}:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DustbustError(
                f"{place}: cannot be made ({error.strerror or error}); choose another folder"
            ) from error
    for page in pages:
        check_target(page, scans)  # before the work, not after it
    written, skipped, failed = 0, 0, 0
    for group, page in zip(groups, pages, strict=True):
        try:
            if page.exists() and options.exists == "skip":
                check_complete(group[0], page)
                skipped += 1
                continue
            if page.exists() and options.exists == "rename":
                page = free_name(page)
            stack(group, page, options)
            written += 1
        except DustbustError as error:
            failed += 1
            print(f"dustbust: {', '.join(scan.name for scan in group)}: {error}", file=sys.stderr)
    tell(
        options,
        f"{folder}: {written} pages written, {skipped} there already, {failed} failed",
        folder=folder,
        written=written,
        skipped=skipped,
        failed=failed,
    )
    return 1 if failed else 0


def pages_of(groups: list[list[Path]], folder: Path, form: str | None) -> list[Path]:
    """Where the page of each group goes.

    Pages are named after the first scan of their group. Where scans of several folders have equal
    names, the pages go into folders like those of the scans.

    Raises
    ------
    DustbustError
        When two groups would have one page.
    """
    names = [group[0].with_suffix(f".{form}").name if form else group[0].name for group in groups]
    pages = [folder / name for name in names]
    if len(set(pages)) < len(pages):
        parents = [group[0].absolute().parent for group in groups]
        common = Path(os.path.commonpath(parents))
        pages = [
            folder / parent.relative_to(common) / name
            for parent, name in zip(parents, names, strict=True)
        ]
    if len(set(pages)) < len(pages):
        twice = next(page for page in pages if pages.count(page) > 1)
        raise DustbustError(
            f"{twice}: would be the page of two groups; stack them apart, or rename the scans"
        )
    return pages


def stack(scans: list[Path], output: Path, options: argparse.Namespace) -> None:
    """Make one page."""
    bilevel = check_kinds(scans)
    check_target(output, scans)
    if options.grid != GRIDS[0] and not options.align:
        raise DustbustError(
            f"--grid {options.grid}: only alignment tells the resolutions; leave out --no-align"
        )
    if options.dust:
        if MODES[options.mode].kind != "dust-free":
            raise DustbustError(
                f"--dust: mode {options.mode} does not look for dust; use dust-free"
            )
        check_target(options.dust, scans, MASK_SUFFIXES)
        check_replaceable(Path(options.dust), options.overwrite)
        check_apart(output, options.dust)
    report = stack_scans(
        scans,
        mode=options.mode,
        align=options.align,
        grid=options.grid,
        normalise=options.normalise,
        view=True,
        return_report=True,
        **given_options(MODES, options),
        progress=progress(),
    )
    like = scans[report.reference]
    if bilevel and output.suffix.lower() in BILEVEL_SUFFIXES:
        write_bilevel(output, report.page, like=like, inputs=scans)
    else:
        page = in_black_and_white(report.page) if bilevel else report.page
        write_picture(output, page, like=None if bilevel else like, inputs=scans)
    keep_newer(output, scans)
    if options.dust and report.dust is not None:
        report.dust.save(options.dust)
    tell(
        options,
        f"{output}: {summary(report, options)}",
        page=output,
        scans=scans,
        mode=options.mode,
        moved=[found.moved for found in report.registrations] if options.align else None,
        confidence=[found.confidence for found in report.registrations] if options.align else None,
        negative=[found.negative for found in report.registrations],
        filled=report.filled,
        reference=scans[report.reference],
        white=report.white,
    )


def keep_newer(page: Path, scans: list[Path]) -> None:
    """Make a page's time not older than that of its scans, whose clock may have been ahead.

    When the work continues later, a page older than its scans counts as made from other scans.
    """
    newest = max(scan.stat().st_mtime_ns for scan in scans)
    times = page.stat()
    if times.st_mtime_ns < newest:
        os.utime(page, ns=(times.st_atime_ns, newest))


def summary(report: StackReport, options: argparse.Namespace) -> str:
    """What was done, in one line."""
    parts = [f"{len(report.registrations)} scans, {options.mode}"]
    if options.align:
        others = report.registrations[: report.reference]
        others += report.registrations[report.reference + 1 :]
        moves = ", ".join(f"{found.moved:.1f}" for found in others)
        parts.append(f"the page moved by {moves} px")
    if report.reference:
        parts.append(f"on the grid of scan {report.reference}, the finest")
    negatives = [k for k, found in enumerate(report.registrations) if found.negative]
    if negatives:
        parts.append(f"inverted as negatives: scan {', scan '.join(map(str, negatives))}")
    parts += colours_apart(report)
    if report.white is not None:
        parts.append(f"white is {report.white:g}")
    if MODES[options.mode].kind == "dust-free":
        parts.append(f"{100 * report.filled:.3f} % was dusty in all scans and was filled")
    return "; ".join(parts)


def colours_apart(report: StackReport) -> list[str]:
    """What was done about scans whose colour channels lie beside each other."""
    parts = []
    for k, found in enumerate(report.registrations):
        if found.channels is None:
            continue
        known = ~np.isnan(found.channels[:, 0])
        if known.sum() > 1:
            apart = np.hypot(*np.ptp(found.channels[known], axis=0))
            parts.append(f"the colours of scan {k} lay {apart:.1f} px apart and were aligned")
        names = [name for name, is_known in zip(CHANNELS, known, strict=True) if not is_known]
        if names:
            parts.append(f"not aligned: {' and '.join(names)} of scan {k}")
    return parts
