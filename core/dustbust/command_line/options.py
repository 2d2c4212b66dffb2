"""What several commands share: kinds of values, defaults, options of methods, progress."""

import argparse
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..errors import DustbustError
from ..runtime.dask import dask_executor


class Choice(Protocol):
    """An entry of a table: a method, or a stacking mode."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def options(self) -> Iterable[Any]: ...
    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]: ...


def add_choice(
    command: argparse.ArgumentParser,
    name: str,
    table: Mapping[str, Choice],
    function: Callable[..., object],
) -> None:
    """Add the option that chooses from a table, and the options of the table's entries.

    Parameters
    ----------
    command : argparse.ArgumentParser
    name : str
        Of the keyword of `function`, such as "method".
    table : mapping of str to entry
    function : callable
        Whose default for `name` is the default here.
    """
    command.add_argument(
        f"--{name}",
        choices=table,
        default=default_of(function, name),
        metavar=name.upper(),
        help="; ".join(f"{entry.name}: {entry.summary}" for entry in table.values()).replace(
            "%", "%%"
        )
        + " (%(default)s)",
    )
    for option in options_of(table):
        having = ", ".join(entry.name for entry in table.values() if option in entry.options)
        default = "" if option.default is None else f"{option.default}; "
        kind: dict[str, Any] = (
            {"choices": option.choices}
            if hasattr(option, "choices")
            else {"type": partial(number, option), "metavar": option.unit.upper() or "N"}
        )
        command.add_argument(
            f"--{option.name}",
            help=f"{option.summary} ({default}only with {having})".replace("%", "%%"),
            **kind,
        )


def options_of(table: Mapping[str, Choice]) -> list[Any]:
    """The options that only some entries of a table have, each once."""
    return list(
        {option.name: option for entry in table.values() for option in entry.options}.values()
    )


def given_options(
    table: Mapping[str, Choice], name: str, options: argparse.Namespace
) -> dict[str, Any]:
    """The options of a table's entries that the user gave.

    Parameters
    ----------
    table : mapping of str to entry
    name : str
        Of the option that chose the entry, such as "method".
    options : argparse.Namespace

    Raises
    ------
    DustbustError
        If the chosen entry does not have one of them.
    """
    given = {
        option.name: value
        for option in options_of(table)
        if (value := getattr(options, option.name)) is not None
    }
    try:
        table[getattr(options, name)].checked(given)
    except TypeError as error:
        raise DustbustError(f"{error}; leave the option out or choose another {name}") from error
    return given


def number(option: Any, text: str) -> Any:
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
    """A bar for a person who is watching; None where nobody is."""
    return show_progress if sys.stderr.isatty() else None


def show_progress(done: float, text: str) -> None:
    """Draw the bar over the one that was drawn before; at the end, clear it."""
    filled = round(30 * done)
    line = f"[{'#' * filled}{'.' * (30 - filled)}] {100 * done:3.0f} %  {Path(text).name[:40]:40s}"
    print(f"\r{line if done < 1 else ' ' * len(line)}\r", end="", file=sys.stderr, flush=True)
