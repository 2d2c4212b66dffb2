"""Options of methods: each is one entry in a table, from which checks and documentation follow."""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Number = int | float | None


@dataclass(frozen=True)
class Option:
    """An option that one method has.

    Parameters
    ----------
    name : str
        The keyword.
    default : int, float or None
        Value if the option is not given.
    largest : float
        The largest value that makes sense; the smallest is `least`.
    unit : str
        Unit of the value.
    summary : str
        What it sets: a few words, lower case.
    least : float
        The smallest value that makes sense.
    whole : bool
        Whether only whole numbers make sense.
    odd : bool
        Whether only odd numbers make sense.

    Examples
    --------
    >>> Option("trim", 8, 1000, "px", "width of the margin", whole=True).checked(12)
    12
    """

    name: str
    default: Number
    largest: float
    unit: str
    summary: str
    least: float = 0
    whole: bool = False
    odd: bool = False

    @property
    def range(self) -> str:
        """Which values make sense, such as "0 to 1,000 px"."""
        return f"{self.least:,g} to {self.largest:,.0f} {self.unit}".rstrip()

    def checked(self, value: Number) -> Number:
        """The value, if it makes sense.

        Raises
        ------
        TypeError
            If it is not a number; None is one where it is the default.
        ValueError
            If it is out of range.
        """
        if value is None and self.default is None:
            return None
        if value is None or isinstance(value, bool) or not hasattr(value, "__float__"):
            raise TypeError(f"{self.name} must be a number, not {value!r}")
        whole = self.whole or self.odd
        if (
            not self.least <= value <= self.largest
            or (whole and value != int(value))
            or (self.odd and value % 2 == 0)
        ):
            kind = "an odd number " if self.odd else "a whole number " if whole else ""
            raise ValueError(f"{self.name} must be {kind}from {self.range}, not {value:g}")
        return int(value) if whole else value


class Entry:
    """An entry of a table of methods; the dataclass that inherits it has these fields."""

    name: str
    summary: str
    options: tuple[Option, ...]

    def checked(self, options: Mapping[str, Number]) -> dict[str, Number]:
        """The options of a call, if this method has them and they make sense.

        Raises
        ------
        TypeError
            If the method does not have an option; the message lists those that it has.
        ValueError
            If a value is out of range; the message names the range.
        """
        own = {option.name: option for option in self.options}
        for name in options:
            if name not in own:
                raise TypeError(
                    f'method="{self.name}" has no option {name}; it has {", ".join(own) or "none"}'
                )
        return {name: own[name].checked(value) for name, value in options.items()}


def lines_of_methods(methods: Iterable[Entry], width: int = 88) -> str:
    """Methods and their options, as lines of a docstring."""
    lines = []
    for method in methods:
        lines.append(textwrap.fill(f'"{method.name}": {method.summary}.', width))
        for option in method.options:
            text = f"{option.name} = {option.default}, {option.range}: {option.summary}."
            lines.append(
                textwrap.fill(text, width, initial_indent="    ", subsequent_indent=8 * " ")
            )
    return "\n".join(lines)


def describe(function: Callable[..., Any], methods: Iterable[Entry]) -> None:
    """Put the options of all methods into the signature and the docstring of a function.

    Parameters
    ----------
    function : callable
        Its last parameter takes the options; "{methods}" in its docstring is replaced.
    methods : iterable
        Entries of a table.
    """
    methods = list(methods)
    signature = inspect.signature(function)
    *fixed, _ = signature.parameters.values()
    own = [
        inspect.Parameter(
            option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=Number
        )
        for method in methods
        for option in method.options
    ]
    function.__signature__ = signature.replace(parameters=[*fixed, *own])  # type: ignore[attr-defined]
    document = function.__doc__
    if document:  # python -OO removes it
        place = document.index("{methods}")
        indent = " " * (place - document.rindex("\n", 0, place) - 1)
        function.__doc__ = document.replace(
            "{methods}", lines_of_methods(methods).replace("\n", f"\n{indent}")
        )
