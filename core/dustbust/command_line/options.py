"""Shared parts of the commands: kinds of values, defaults, options of methods, progress."""

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import DustbustError, printable
from ..options import Number, NumberOption, Table, WordOption
from ..runtime.dask import dask_executor


def add_choice(command: argparse.ArgumentParser, table: Table[Any]) -> None:
    """Add the option that chooses from a table, and the options of the table's entries."""
    command.add_argument(
        f"--{table.keyword}",
        choices=table,
        default=table.default,
        metavar=table.keyword.upper(),
        help="; ".join(f"{entry.name}: {entry.summary}" for entry in table.values()).replace(
            "%", "%%"
        )
        + " (%(default)s)",
    )
    for option in table.options:
        having = ", ".join(entry.name for entry in table.values() if option in entry.options)
        default = "" if option.default is None else f"{option.default}; "
        kind: dict[str, Any] = (
            {"choices": option.choices}
            if isinstance(option, WordOption)
            else {"type": partial(number, option), "metavar": option.unit.upper() or "N"}
        )
        command.add_argument(
            f"--{option.name}",
            help=f"{option.summary} ({default}only with {having})".replace("%", "%%"),
            **kind,
        )


def given_options(table: Table[Any], options: argparse.Namespace) -> dict[str, Any]:
    """The options of a table's entries that the user gave.

    Raises
    ------
    DustbustError
        If the chosen entry does not have one of them.
    """
    given = {
        option.name: value
        for option in table.options
        if (value := getattr(options, option.name)) is not None
    }
    try:
        table.checked(getattr(options, table.keyword), given)
    except TypeError as error:
        raise DustbustError(
            f"{error}; leave the option out or choose another {table.keyword}"
        ) from error
    return given


def number(option: NumberOption, text: str) -> Number:
    """A number, if it is in the range of an option."""
    value = float(text)
    try:
        return option.checked(value)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def default_of(function: Callable[..., object], option: str) -> Any:
    """The default of a keyword of a public function, so that it is written down once."""
    return inspect.signature(function).parameters[option].default


def add_overwrite(command: argparse.ArgumentParser) -> None:
    """Add the option that lets outputs replace files of others."""
    command.add_argument(
        "--overwrite",
        action="store_true",
        help="replace outputs that exist even if dustbust did not write them or somebody changed "
        "them since",
    )


def check_apart(*paths: str | os.PathLike[str]) -> None:
    """Refuse names of new files of which one would replace another.

    Raises
    ------
    DustbustError
        If two of them name one file.

    Examples
    --------
    >>> from dustbust.command_line.options import check_apart
    >>> check_apart("mask.png", "./mask.png")
    Traceback (most recent call last):
    ...
    dustbust.errors.DustbustError: mask.png: is the name of two of the new files; choose another...
    """
    places = [os.path.normcase(os.path.realpath(path)) for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise DustbustError(
                f"{path}: is the name of two of the new files; choose another name for one of them"
            )


def add_json(command: argparse.ArgumentParser) -> None:
    """Add the option that prints results for programs."""
    command.add_argument(
        "--json",
        action="store_true",
        help="print each result as one line of JSON instead of text",
    )


def tell(options: argparse.Namespace, *lines: str, **result: object) -> None:
    """Print a result: as text, or with --json as one line of JSON.

    Parameters
    ----------
    options : argparse.Namespace
    *lines : str
        For people; none if the result is only for programs. Names of files in them may hold line
        ends and control characters, which are escaped.
    **result : object
        For programs: plain data, with paths.
    """
    if options.json:
        print(json.dumps(result, default=str), flush=True)
    else:
        tell_people(*lines)


def tell_people(*lines: str) -> None:
    """Print lines in which names of files may hold line ends and control characters."""
    for line in lines:
        print(printable(line), flush=True)


def add_dask(command: argparse.ArgumentParser) -> None:
    """Add the option that moves the work to a cluster."""
    command.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="work on the Dask cluster with this scheduler, such as tcp://host:8786",
    )


def executor_of(options: argparse.Namespace) -> AbstractContextManager[Executor | None]:
    """A context with the executor that the user chose, or None."""
    return dask_executor(options.dask) if options.dask else nullcontext()


def fraction(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, not {text}")
    return number


def at_least_two(text: str) -> int:
    """A number of scans."""
    if int(text) < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, not {text}")
    return int(text)


def progress() -> Callable[[float, str], None] | None:
    """A progress bar if the output is a terminal, else None."""
    return show_progress if sys.stderr.isatty() else None


def show_progress(done: float, text: str) -> None:
    """Draw the bar over the one that was drawn before; at the end, clear it."""
    filled = round(30 * done)
    name = printable(Path(text).name)[:40]
    line = f"[{'#' * filled}{'.' * (30 - filled)}] {100 * done:3.0f} %  {name:40s}"
    print(f"\r{line if done < 1 else ' ' * len(line)}\r", end="", file=sys.stderr, flush=True)
