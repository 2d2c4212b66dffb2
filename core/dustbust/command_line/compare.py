"""dustbust compare: a picture of before and after."""

import argparse
from pathlib import Path

import numpy as np

from ..figures import before_after
from ..files.write import check_target, write_picture
from ..files.written import check_replaceable
from .options import add_overwrite, tell_people

SUMMARY = "write one picture of the part that changed most: before on the left, after on the right"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("before", help="the original")
    command.add_argument("after", help="the cleaned picture")
    command.add_argument(
        "-o", "--output", default="before-after.png", help="the picture (%(default)s)"
    )
    add_overwrite(command)


def run(options: argparse.Namespace) -> int:
    """Write the comparison."""
    check_target(options.output, (options.before, options.after))
    check_replaceable(Path(options.output), options.overwrite)
    picture = np.asarray(before_after(options.before, options.after))
    write_picture(options.output, picture, inputs=(options.before, options.after))
    tell_people(f"{options.output}: {options.before} beside {options.after}")
    return 0
