"""The command line: python -m dustbust estimate|apply|verify|stack|compare. Every option's default is the core's."""

import argparse
import inspect
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np

from dustbust.batch.clean import clean_frames
from dustbust.batch.masks import estimate_runs, run_from, table_of
from dustbust.batch.receipt import verify
from dustbust.dust.mask import MASK_SUFFIXES, DustMask
from dustbust.dust.polarity import POLARITIES_TO_ESTIMATE
from dustbust.errors import DustbustError
from dustbust.estimation.estimate import estimate_mask
from dustbust.estimation.methods import METHODS
from dustbust.figures import before_after
from dustbust.files.find import find_frames, frames_between, masks_in
from dustbust.files.write import EXISTS, check_complete, check_target, free_name, write_picture
from dustbust.restoration import apply
from dustbust.restoration.apply import apply_mask
from dustbust.runtime import memory
from dustbust.runtime.dask import dask_executor
from dustbust.stacking.modes import MODES
from dustbust.stacking.stack import stack_scans

# Where the results go that are given no name.
MASK, MASKS, PAGES = "dust-mask.png", "dust-masks", "pages"


def main(arguments=None):
    """Run one command. -> exit code: 0 all was done, 1 it was not, 2 the command line is wrong."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except DustbustError as error:
        print(f"dustbust: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dustbust: interrupted; files that were finished are whole", file=sys.stderr)
        return 130


# --- what the commands do ----------------------------------------------------------------------------------------------------------


def run_estimate(options):
    with executor_of(options) as executor:
        estimate_with(executor, options)


def estimate_with(executor, options):
    where = {"leave_out": True, "executor": executor, "progress": progress()}
    if options.first and options.last:
        frames = frames_between(options.first, options.last)
    elif options.first:
        frames = run_from(options.first, **where)
    else:
        frames = find_frames(options.frames)
    own = {option.name for option in METHODS[options.method].options}
    given = {name for method in METHODS.values() for name in (o.name for o in method.options)}
    given &= vars(options).keys()
    if given - own:
        raise DustbustError(
            f"--{min(given - own)} is not an option of --method {options.method}; leave it out"
        )
    settings = {name: getattr(options, name) for name in ("method", "polarity", *given)} | where
    if options.runs:
        folder = options.output or (frames[0].parent / MASKS if frames else MASKS)
        found = estimate_runs(frames, folder, **settings)
        rows = table_of(found)
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        for run in found:
            for sentence in run.mask.warnings:
                print(f"{run.path}: {sentence}")
        return
    output = options.output or MASK
    check_target(output, frames, MASK_SUFFIXES)  # before the work, not after it
    if options.plot:
        check_target(options.plot, frames)
    dust = estimate_mask(frames, **settings)
    dust.save(output)
    if options.plot:
        dust.plot(options.plot)
    print(f"{output}: {dust.summary()}")


def run_apply(options):
    if not Path(options.mask).is_dir():
        return apply_one(options.mask, options)
    if options.frames:
        raise DustbustError(
            f"{options.mask}: each mask of a folder goes with the frames that it was made from; name one mask, or no frames"
        )
    code = 0
    for path in masks_in(options.mask):
        try:
            code |= apply_one(path, options)
        except DustbustError as error:
            code = 1
            print(f"dustbust: {path}: {error}", file=sys.stderr)
    return code


def apply_one(path, options):
    dust = DustMask.load(path)
    if options.threshold is not None:
        dust.threshold = options.threshold
    with executor_of(options) as executor:
        cleaned = clean_frames(
            options.frames or dust.frames,
            dust,
            options.folder,
            method=options.method,
            exists=options.exists,
            preserve_times=options.preserve_times,
            executor=executor,
            progress=progress(),
        )
    for path, notes in cleaned.notes.items():
        print(f"{path}: {'; '.join(notes)}")
    for sentence in cleaned.failed.values():
        print(f"dustbust: {sentence}", file=sys.stderr)
    print(
        f"{cleaned.folder}: {len(cleaned.written)} written, {len(cleaned.skipped)} there already, {len(cleaned.failed)} failed"
    )
    return 1 if cleaned.failed else 0


def run_verify(options):
    problems = verify(options.folder, progress=progress())
    for sentence in problems:
        print(f"dustbust: {sentence}", file=sys.stderr)
    print(
        f"{options.folder}: {f'{len(problems)} files are not as they were written' if problems else 'all files are as they were written'}"
    )
    return 1 if problems else 0


def run_stack(options):
    if options.group:
        return stack_groups(options)
    if not options.output:
        raise DustbustError("say where the page goes: -o page.tif")
    stack_one(find_frames(options.scans), options.output, options)


def stack_groups(options):
    """One page from each so many consecutive scans; a group that fails is reported and the others are done, and again, it goes on where it stopped."""
    scans = find_frames(options.scans)
    folder = Path(options.output) if options.output else scans[0].parent / PAGES
    if len(scans) % options.group:
        raise DustbustError(
            f"{len(scans)} scans are no whole number of groups of {options.group}; add the missing scan or name the scans of whole groups"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DustbustError(
            f"{folder}: cannot be made ({error.strerror or error}); choose another folder"
        ) from error
    groups = [scans[start : start + options.group] for start in range(0, len(scans), options.group)]
    written, there, failed = 0, 0, 0
    for group in groups:
        page = folder / group[0].name
        try:
            if page.exists() and options.exists == "skip":
                check_complete(group[0], page)
                there += 1
                continue
            stack_one(
                group,
                free_name(page) if page.exists() and options.exists == "rename" else page,
                options,
            )
            written += 1
        except DustbustError as error:
            failed += 1
            print(f"dustbust: {', '.join(scan.name for scan in group)}: {error}", file=sys.stderr)
    print(f"{folder}: {written} pages written, {there} there already, {failed} failed")
    return 1 if failed else 0


def stack_one(scans, output, options):
    check_target(output, scans)
    if options.dust:
        if MODES[options.mode].kind != "dust-free":
            raise DustbustError(
                f"--dust: mode {options.mode} does not look for dust; use dust-free"
            )
        check_target(options.dust, scans, MASK_SUFFIXES)
    report = stack_scans(
        scans,
        mode=options.mode,
        align=options.align,
        normalise=options.normalise,
        view=True,
        return_report=True,
        **options_of(options.mode, options),
        progress=progress(),
    )
    write_picture(output, report.page, like=scans[0], inputs=scans)
    if options.dust:
        report.dust.save(options.dust)
    said = [f"{output}: {len(scans)} scans, {options.mode}"]
    if options.align:
        said.append(
            "the page had moved by "
            + ", ".join(f"{registration.moved:.1f}" for registration in report.registrations[1:])
            + " px"
        )
    if report.white is not None:
        said.append(f"white is {report.white:g}")
    if options.mode == "dust-free":
        said.append(f"{100 * report.filled:.3f} % was dusty in all scans and had to be filled")
    print("; ".join(said))


def options_of(mode, options):
    """The options that only some modes have, as far as they are given."""
    given = {
        option.name: value
        for one in MODES.values()
        for option in one.options
        if (value := getattr(options, option.name)) is not None
    }
    try:
        return MODES[mode].checked(given)
    except TypeError as error:
        raise DustbustError(f"{error}; leave it out or choose another mode") from error


def run_compare(options):
    write_picture(
        options.output,
        np.asarray(before_after(options.before, options.after)),
        inputs=(options.before, options.after),
    )
    print(f"{options.output}: {options.before} beside {options.after}")


# --- what they take ----------------------------------------------------------------------------------------------------------------


def parser():
    """The parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m dustbust", description="Takes dust off scanned negatives and microfilm."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, text):
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        return one

    dask = {
        "metavar": "ADDRESS",
        "help": "work on the Dask cluster with this scheduler, such as tcp://host:8786",
    }

    one = command(
        "estimate",
        run_estimate,
        "find the dust that a run of frames has in common, and write it as a mask",
    )
    one.add_argument("frames", nargs="*", help="the frames of one run: files, folders or patterns")
    one.add_argument("--first", help="instead of frames: the first frame ...")
    one.add_argument(
        "--last",
        help="... and the last one; all pictures of the folder between the two are the run. "
        "Without a last one the run goes as far as the dust stays the same",
    )
    one.add_argument(
        "-o",
        "--output",
        help=f"the mask, a 16-bit grey PNG ({MASK}); with --runs a folder ({MASKS} beside the frames)",
    )
    one.add_argument(
        "--runs",
        action="store_true",
        help="find the runs in the frames, and write a mask for each and a table",
    )
    one.add_argument(
        "--plot",
        metavar="FILE",
        help="also write a plot of how much is marked at each threshold (.png, .tif or .jpg)",
    )
    one.add_argument(
        "--method",
        choices=METHODS,
        default=default_of(estimate_mask, "method"),
        help="; ".join(f"{method.name}: {method.summary}" for method in METHODS.values())
        + " (%(default)s)",
    )
    one.add_argument(
        "--polarity",
        choices=POLARITIES_TO_ESTIMATE,
        default=default_of(estimate_mask, "polarity"),
        help="whether the dust is lighter (negatives) or darker (slides) than the picture (%(default)s)",
    )
    for method in METHODS.values():
        for option in method.options:
            default = "" if option.default is None else f" ({option.default:g})"
            one.add_argument(
                f"--{option.name}",
                type=partial(value_of, option),
                metavar=option.unit.upper(),
                default=argparse.SUPPRESS,
                help=f"{method.name}: {option.summary}{default}",
            )
    one.add_argument("--dask", **dask)

    one = command("apply", run_apply, "clean frames with a mask; the originals are never changed")
    one.add_argument(
        "mask",
        help="a mask from estimate, or any grey or black and white picture (white = dust); or the folder of masks from estimate --runs",
    )
    one.add_argument(
        "frames",
        nargs="*",
        help="the frames: files, folders or patterns; without any, those that each mask was made from",
    )
    one.add_argument(
        "--folder",
        default=default_of(clean_frames, "folder"),
        help="where the cleaned frames go; taken from the folder of the frames (%(default)s)",
    )
    one.add_argument(
        "--method",
        choices=apply.METHODS,
        default=default_of(apply_mask, "method"),
        help="restore: bring back what is under the dust; fill: the original way, paint over it (%(default)s)",
    )
    one.add_argument(
        "--threshold",
        type=share,
        help="0 to 1: less is treated at a higher one; without it, the mask's own",
    )
    one.add_argument(
        "--exists",
        choices=EXISTS,
        default=default_of(clean_frames, "exists"),
        help="what to do where a cleaned frame is there already (%(default)s)",
    )
    one.add_argument(
        "--preserve-times",
        action="store_true",
        help="give the cleaned frames the times of the originals",
    )
    one.add_argument("--dask", **dask)

    one = command("verify", run_verify, "check cleaned frames against the receipt beside them")
    one.add_argument("folder", help="the folder of the cleaned frames, or the receipt in it")

    one = command(
        "stack",
        run_stack,
        "combine scans of one page, which lay differently on the glass, into one clean page",
    )
    one.add_argument(
        "scans",
        nargs="+",
        help="two or more scans of the page, files or folders; the first gives size and place. "
        "With --pairs or --group: of many pages",
    )
    one.add_argument(
        "-o",
        "--output",
        help=f"the page: .tif, .png or .jpg; with --pairs or --group a folder ({PAGES} beside the scans)",
    )
    many = one.add_mutually_exclusive_group()
    many.add_argument(
        "--pairs",
        dest="group",
        action="store_const",
        const=2,
        help="a page from each two consecutive scans",
    )
    many.add_argument(
        "--group", type=at_least_two, metavar="N", help="a page from each N consecutive scans"
    )
    one.add_argument(
        "--exists",
        choices=EXISTS,
        default=default_of(clean_frames, "exists"),
        help="with --pairs or --group: what to do where a page is there already (%(default)s)",
    )
    one.add_argument(
        "--mode",
        choices=MODES,
        default=default_of(stack_scans, "mode"),
        metavar="MODE",
        help="how the scans are combined (%(default)s): "
        + "; ".join(f"{mode.name}: {mode.summary}" for mode in MODES.values()),
    )
    for option in {option.name: option for m in MODES.values() for option in m.options}.values():
        having = ", ".join(mode.name for mode in MODES.values() if option in mode.options)
        one.add_argument(
            f"--{option.name}",
            choices=option.choices,
            help=f"{option.summary} ({option.default}; only with {having})",
        )
    one.add_argument(
        "--no-align", dest="align", action="store_false", help="the scans lie on each other already"
    )
    one.add_argument(
        "--keep-brightness",
        dest="normalise",
        action="store_false",
        default=None,
        help="do not make the brightness of the scans that of the first",
    )
    one.add_argument(
        "--dust",
        metavar="MASK",
        help="write the scanner's dust, found on the way, as a mask for apply (only with dust-free)",
    )

    one = command(
        "compare",
        run_compare,
        "write one picture of the part that changed most: before on the left, after on the right",
    )
    one.add_argument("before")
    one.add_argument("after")
    one.add_argument("-o", "--output", default="before-after.png", help="the picture (%(default)s)")
    return top


def executor_of(options):
    """A context with the executor that the options ask for, or None."""
    return dask_executor(options.dask) if options.dask else nullcontext()


def default_of(function, option):
    """The default of a keyword of a public function, so that it is written down once."""
    return inspect.signature(function).parameters[option].default


def share(text):
    """A number from 0 to 1, as an option."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return number


def value_of(option, text):
    """The value of an option of a method."""
    try:
        return option.checked(float(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def at_least_two(text):
    """A number of scans, as an option."""
    if int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, not {text}")
    return int(text)


def progress():
    """For a person who is watching, a bar that overwrites itself; else nothing."""
    return show_progress if sys.stderr.isatty() else None


def show_progress(fraction, text):
    filled = round(30 * fraction)
    line = (
        f"[{'#' * filled}{'.' * (30 - filled)}] {100 * fraction:3.0f} %  {Path(text).name[:40]:40s}"
    )
    print(f"\r{line if fraction < 1 else ' ' * len(line)}\r", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    memory.keep_for_reuse()
    sys.exit(main())
