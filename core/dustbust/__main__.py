"""The command line: python -m dustbust estimate|apply|stack|compare. Every option's default is the core's."""
import argparse
import inspect
import sys
from pathlib import Path

import dustbust
from dustbust import DustbustError

from .compare import before_after
from .frames import find_frames
from .newfile import write_picture


def default_of(function, option):
    """The default of a keyword of a public function, so that it is written down once."""
    return inspect.signature(function).parameters[option].default


def show_progress(fraction, text):
    """A line that overwrites itself, for a person who is watching."""
    filled = int(30 * fraction)
    print(f"\r[{'#' * filled}{'.' * (30 - filled)}] {100 * fraction:3.0f} %  {Path(text).name[:40]:40s}", end="", file=sys.stderr)
    if fraction >= 1:
        print("\r" + " " * 84 + "\r", end="", file=sys.stderr, flush=True)


def progress():
    return show_progress if sys.stderr.isatty() else None


def estimate(options):
    frames = find_frames(options.frames)
    dust = dustbust.estimate_mask(frames, method=options.method, polarity=options.polarity, progress=progress())
    dust.save(options.output)
    print(f"{options.output}: {100 * dust.binary().mean():.3f} % of the picture is dust, from {len(frames)} frames; "
          f"suggested threshold {dust.threshold:.3f}")


def apply(options):
    dust = dustbust.DustMask.load(options.mask)
    if options.threshold is not None:
        dust.threshold = options.threshold
    frames = find_frames(options.frames)
    cleaned = dustbust.clean_frames(frames, dust, options.folder, method=options.method, exists=options.exists, progress=progress())
    print(cleaned)
    return 0 if not cleaned.failed else 1


def stack(options):
    page = dustbust.stack_scans(options.scans, mode=options.mode, align=options.align, progress=progress())
    write_picture(options.output, page, like=options.scans[0])
    print(f"{options.output}: {len(options.scans)} scans, {options.mode}")


def compare(options):
    before_after(options.before, options.after).save(options.output)
    print(f"{options.output}: {options.before} beside {options.after}")


def parser():
    main_parser = argparse.ArgumentParser(prog="dustbust", description="Takes dust off scanned negatives and microfilm.")
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run, text, **options):
        sub = commands.add_parser(run.__name__, help=text, description=text, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        sub.set_defaults(run=run)
        return sub

    sub = command(estimate, "find the dust that a run of frames has in common, and write it as a mask")
    sub.add_argument("frames", nargs="+", help="the frames of one run: files, folders, or FIRST..LAST of one folder")
    sub.add_argument("-o", "--output", default="dust-mask.png", help="the mask, a 16-bit grey PNG")
    sub.add_argument("--method", default=default_of(dustbust.estimate_mask, "method"), choices=dustbust.estimate.METHODS,
                     help="opacity: how much light the dust takes; sum: the original way")
    sub.add_argument("--polarity", default=default_of(dustbust.estimate_mask, "polarity"), choices=dustbust.estimate.POLARITIES,
                     help="is the dust lighter or darker than the picture")

    sub = command(apply, "clean frames with a mask; the originals are never changed")
    sub.add_argument("mask", help="a mask from estimate, or any grey or black and white picture (white = dust)")
    sub.add_argument("frames", nargs="+", help="the frames: files, folders, or FIRST..LAST of one folder")
    sub.add_argument("--folder", default=default_of(dustbust.clean_frames, "folder"), help="where the cleaned frames go, beside the frames")
    sub.add_argument("--method", default=default_of(dustbust.apply_mask, "method"), choices=dustbust.apply.METHODS,
                     help="restore: bring back what is under the dust; fill: the original way")
    sub.add_argument("--threshold", type=float, help="0 to 1, instead of the one in the mask")
    sub.add_argument("--exists", default=default_of(dustbust.clean_frames, "exists"), choices=dustbust.batch.EXISTS,
                     help="what to do where a cleaned frame is there already")

    sub = command(stack, "combine scans of one page that lie differently on the glass into one clean page")
    sub.add_argument("scans", nargs="+", help="two or more scans of the page; the first gives size and place")
    sub.add_argument("-o", "--output", required=True, help="the page")
    sub.add_argument("--mode", default=default_of(dustbust.stack_scans, "mode"), choices=dustbust.stack.MODES, help="how the scans are combined")
    sub.add_argument("--no-align", dest="align", action="store_false", help="the scans are aligned already")

    sub = command(compare, "write one picture of the part that changed most, before and after")
    sub.add_argument("before")
    sub.add_argument("after")
    sub.add_argument("-o", "--output", default="before-after.png")
    return main_parser


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except DustbustError as error:
        print(f"dustbust: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
