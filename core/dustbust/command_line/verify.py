"""dustbust verify: cleaned frames against their receipt."""

import argparse
import sys

from ..batch.receipt import verify
from .options import progress

SUMMARY = "check cleaned frames against the receipt beside them"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument("folder", help="the folder of the cleaned frames, or the receipt in it")


def run(options: argparse.Namespace) -> int:
    """Report each file that differs from what was written."""
    problems = verify(options.folder, progress=progress())
    for sentence in problems:
        print(f"dustbust: {sentence}", file=sys.stderr)
    if problems:
        print(f"{options.folder}: {len(problems)} files are not as they were written")
        return 1
    print(f"{options.folder}: all files are as they were written")
    return 0
