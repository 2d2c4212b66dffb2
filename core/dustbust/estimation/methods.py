"""The table of the methods of estimating a mask.

Command line, plug-in, docstring and messages follow from `METHODS`. To add a method, write its
module and add its entry here.
"""

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..dust.mask import DustMask
from .opacity_method import estimate_opacity
from .sum_method import estimate_sum

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
    """

    name: str
    default: Number
    largest: float
    unit: str
    summary: str
    least: float = 0
    whole: bool = False

    @property
    def range(self) -> str:
        """Which values make sense, such as "0 to 1,000 px"."""
        return f"{self.least:,g} to {self.largest:,.0f} {self.unit}"

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
        if not self.least <= value <= self.largest or (self.whole and value != int(value)):
            raise ValueError(
                f"{self.name} must be {'a whole number ' if self.whole else ''}"
                f"from {self.range}, not {value:g}"
            )
        return int(value) if self.whole else value


@dataclass(frozen=True)
class Method:
    """A method of estimating a mask.

    Parameters
    ----------
    name : str
        As in `estimate_mask`.
    estimate : callable
        Called as estimate(runner, polarity, **options) with a `passes.Runner` and a polarity;
        gives a `DustMask`.
    summary : str
        What it does: a few words, lower case.
    options : tuple of Option
        Its own options.
    """

    name: str
    estimate: Callable[..., DustMask]
    summary: str
    options: tuple[Option, ...] = ()

    def checked(self, options: Mapping[str, Number]) -> dict[str, Number]:
        """The options of a call, if this method has them and they make sense.

        Raises
        ------
        TypeError
            If the method does not have an option.
        ValueError
            If a value is out of range.
        """
        own = {option.name: option for option in self.options}
        for name in options:
            if name not in own:
                raise TypeError(
                    f'method="{self.name}" has no option {name}; it has {", ".join(own) or "none"}'
                )
        return {name: own[name].checked(value) for name, value in options.items()}


#: Name -> method; the first one is the default.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "opacity",
            estimate_opacity,
            "how much of the light the dust takes",
            (
                Option("smallest", 4, 1e6, "px", "area of the smallest particle that is marked"),
                Option(
                    "largest",
                    None,
                    1e9,
                    "px",
                    "area of the largest particle that is marked; without it, a fiftieth of the "
                    "picture, so that a lamp or a window is left alone, but for thin hairs",
                ),
            ),
        ),
        Method(
            "sum",
            estimate_sum,
            "the original, the sum of the frames less a heavy blur, for about 50 frames",
            (
                Option("blur", 25.0, 1000, "px", "standard deviation of the blur", least=1),
                Option(
                    "trim",
                    8,
                    1000,
                    "px",
                    "width of the margin at the edges in which nothing is marked",
                    whole=True,
                ),
            ),
        ),
    )
}

DEFAULT = next(iter(METHODS))


def method_named(name: str) -> Method:
    """The method with a name.

    Raises
    ------
    ValueError
        If there is none; the message lists the names.
    """
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {name!r}")
    return METHODS[name]


def lines_of_methods(width: int = 88) -> str:
    """The methods and their options, as lines of a docstring."""
    lines = []
    for method in METHODS.values():
        lines.append(f'"{method.name}": {method.summary}.')
        for option in method.options:
            text = f"{option.name} = {option.default}, {option.range}: {option.summary}."
            lines.append(
                textwrap.fill(text, width, initial_indent="    ", subsequent_indent=8 * " ")
            )
    return "\n".join(lines)
