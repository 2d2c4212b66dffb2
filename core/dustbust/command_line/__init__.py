"""The command line: one module for each command, with its options and its work."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from .. import __version__
from ..errors import DustbustError
from ..runtime import memory
from . import apply, compare, estimate, gimp, manual, stack, verify

COMMANDS = (estimate, apply, verify, stack, compare, gimp, manual)


def program() -> None:
    """Run as a program of its own: `dustbust` and `python -m dustbust` do exactly this."""
    memory.keep_for_reuse()
    # Without a place for what is printed the work is done all the same.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - it stays open
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # names may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    code = main()
    try:
        sys.stdout.flush()
    except OSError:  # was reported; Python must not try once more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words of the command line; by default those of this process.

    Returns
    -------
    int
        The exit code: 0 if all was done, 1 if something was not, 130 if the user interrupted it.
        A command line that cannot be understood ends the process with 2.
    """
    options = parser().parse_args(arguments)
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except DustbustError as error:
        return report(str(error))
    except MemoryError:
        return report("there is not enough memory; close other programs, or give fewer files")
    except OSError as error:
        what = error.filename or "the output cannot be written"
        return report(f"{what} ({error.strerror or error})")
    except KeyboardInterrupt:
        print("dustbust: interrupted; files that were finished are whole", file=sys.stderr)
        return 130


def report(message: str) -> int:
    """Print an error where that is possible. -> the exit code"""
    with suppress(OSError):
        print(f"dustbust: {message}", file=sys.stderr, flush=True)
    return 1


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="dustbust", description="Removes dust from scanned negatives, slides and microfilm."
    )
    top.add_argument("--version", action="version", version=f"dustbust {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY)
        module.add_options(command)
        command.set_defaults(run=module.run)
    return top
