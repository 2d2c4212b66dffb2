"""Tables of methods and modes with their options, from which checks and documentation are made."""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Number = int | float | None


@dataclass(frozen=True)
class WordOption:
    """An option that takes one of several words.

    Parameters
    ----------
    name : str
        The keyword.
    choices : tuple of str
        The words, the default first.
    summary : str
        What it sets: a few words, lower case.

    Examples
    --------
    >>> WordOption("polarity", ("auto", "light"), "kind of dust").checked("light")
    'light'
    """

    name: str
    choices: tuple[str, ...]
    summary: str

    @property
    def default(self) -> str:
        """The word if the option is not given."""
        return self.choices[0]

    @property
    def range(self) -> str:
        """The words, such as "one of auto, light"."""
        return f"one of {', '.join(self.choices)}"

    def checked(self, value: str) -> str:
        """The word, if it is one of the choices.

        Raises
        ------
        ValueError
            If it is not one of them; the message lists the choices.
        """
        if value not in self.choices:
            raise ValueError(f"{self.name} must be {self.range}, not {value!r}")
        return value


@dataclass(frozen=True)
class NumberOption:
    """An option that takes a number.

    Parameters
    ----------
    name : str
        The keyword.
    default : int, float or None
        The value if the option is not given.
    largest : float
        The largest valid value; the smallest is `least`.
    unit : str
        Unit of the value.
    summary : str
        What it sets: a few words, lower case.
    least : float
        The smallest valid value.
    whole : bool
        Whether only whole numbers are valid.
    odd : bool
        Whether only odd numbers are valid.

    Examples
    --------
    >>> NumberOption("trim", 8, 1000, "px", "width of the margin", whole=True).checked(12)
    12
    """

    name: str
    default: Any
    largest: float
    unit: str
    summary: str
    least: float = 0
    whole: bool = False
    odd: bool = False

    @property
    def range(self) -> str:
        """The valid range, such as "0 to 1,000 px"."""
        return f"{self.least:,g} to {self.largest:,.0f} {self.unit}".rstrip()

    def checked(self, value: Number) -> Number:
        """The value, if it is valid.

        Raises
        ------
        TypeError
            If it is not a number. None is accepted where it is the default.
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


Option = WordOption | NumberOption


@dataclass(frozen=True)
class Entry:
    """An entry of a table: a method or a mode.

    Parameters
    ----------
    name : str
        What the user calls it.
    summary : str
        What it does: a few words, lower case.
    options : tuple of Option
        Its own options.
    """

    name: str
    summary: str
    options: tuple[Option, ...] = ()


E = TypeVar("E", bound=Entry)


class Table(dict[str, E], Generic[E]):
    """The methods or modes that can be chosen: name -> entry. The first one is the default.

    Parameters
    ----------
    keyword : str
        The keyword that chooses an entry, such as "method".
    entries : iterable of Entry

    Examples
    --------
    >>> table = Table("mode", [Entry("mean", "the mean of the scans")])
    >>> table.default, table.named("mean").summary
    ('mean', 'the mean of the scans')
    """

    def __init__(self, keyword: str, entries: Iterable[E]) -> None:
        super().__init__((entry.name, entry) for entry in entries)
        self.keyword = keyword

    @property
    def default(self) -> str:
        """The name of the entry that is used if none is chosen."""
        return next(iter(self))

    @property
    def options(self) -> list[Option]:
        """The options of all entries, each once."""
        return list(
            {option.name: option for entry in self.values() for option in entry.options}.values()
        )

    def named(self, name: str) -> E:
        """The entry with a name.

        Raises
        ------
        ValueError
            If there is none; the message lists the names.
        """
        if name not in self:
            raise ValueError(f"{self.keyword} must be one of {', '.join(self)}, not {name!r}")
        return self[name]

    def checked(self, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of an entry: the given values, and defaults for the other options.

        Raises
        ------
        TypeError
            If the entry does not have an option; the message lists the options it has.
        ValueError
            If there is no such entry, or a value is invalid; the message names the valid ones.
        """
        own = {option.name: option for option in self.named(name).options}
        for foreign in options.keys() - own.keys():
            known = ", ".join(own) or "none"
            raise TypeError(f'{self.keyword}="{name}" has no option {foreign}; it has {known}')
        return {
            name: option.checked(options[name]) if name in options else option.default
            for name, option in own.items()
        }

    def lines(self, width: int = 88) -> str:
        """The entries and their options, as lines of a docstring."""
        lines = []
        for entry in self.values():
            lines.append(textwrap.fill(f'"{entry.name}": {entry.summary}.', width))
            for option in entry.options:
                text = f"{option.name} = {option.default}, {option.range}: {option.summary}."
                lines.append(
                    textwrap.fill(text, width, initial_indent="    ", subsequent_indent=8 * " ")
                )
        return "\n".join(lines)

    def describe(self, function: Callable[..., Any]) -> None:
        """Put the entries and their options into the signature and the docstring of a function.

        Parameters
        ----------
        function : callable
            Its last parameter takes the options. "{methods}" in its docstring is replaced, where
            "method" is the keyword of the table.
        """
        signature = inspect.signature(function)
        *fixed, _ = signature.parameters.values()
        own = [
            inspect.Parameter(
                option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=Any
            )
            for option in self.options
        ]
        function.__signature__ = signature.replace(parameters=[*fixed, *own])  # type: ignore[attr-defined]
        document = function.__doc__
        if document:  # python -OO removes it
            mark = f"{{{self.keyword}s}}"
            place = document.index(mark)
            indent = " " * (place - document.rindex("\n", 0, place) - 1)
            function.__doc__ = document.replace(mark, self.lines().replace("\n", f"\n{indent}"))
