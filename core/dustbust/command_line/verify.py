"""dustbust verify: cleaned frames against their receipt."""

import argparse
import sys

from ..batch.receipt import verify
from .options import add_json, progress, tell

SUMMARY = "check cleaned frames against the receipt beside them"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("folder", help="the folder of the cleaned frames, or the receipt in it")
    add_json(command)


def run(options: argparse.Namespace) -> int:
    """Report each file that differs from what was written."""
    problems = verify(options.folder, progress=progress())
    for sentence in problems:
        print(f"dustbust: {sentence}", file=sys.stderr)
    found = (
        f"{len(problems)} files are not as they were written"
        if problems
        else "all files are as they were written"
    )
    tell(options, f"{options.folder}: {found}", folder=options.folder, problems=problems)
    return 1 if problems else 0
