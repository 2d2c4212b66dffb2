"""The stacking modes: one table, which command line, plug-in and documentation follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Option:
    """An option that only some modes have.

    Parameters
    ----------
    name : str
        Of the keyword of `stack_scans`.
    choices : tuple of str
        The values it may have, the default first.
    summary : str
        One line for help texts.
    """

    name: str
    choices: tuple[str, ...]
    summary: str

    @property
    def default(self) -> str:
        """The value that counts when none is given."""
        return self.choices[0]


@dataclass(frozen=True)
class Mode:
    """A way to combine the aligned scans of a page.

    Parameters
    ----------
    name : str
        What the user calls it, and the functor in cpp/stacking that computes it.
    summary : str
        One line for help texts: what the mode gives.
    kind : {"picture", "statistic", "dust-free"}
        "picture": pixel by pixel, of the scans' dtype. "statistic": pixel by pixel, float32 in the
        unit of the scans. "dust-free": decided on the dust of the scanner.
    options : tuple of Option
        Options of this mode alone.
    """

    name: str
    summary: str
    kind: Literal["picture", "statistic", "dust-free"]
    options: tuple[Option, ...] = ()

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of this mode: those that are given, and the defaults of the others.

        Parameters
        ----------
        options : mapping of str to value
            None stands for the default.

        Raises
        ------
        TypeError
            When the mode does not have an option.
        ValueError
            When an option cannot have a value.

        Examples
        --------
        >>> MODES["dust-free"].checked({})
        {'polarity': 'auto'}
        """
        known = {option.name: option for option in self.options}
        for name, value in options.items():
            if name not in known:
                if value is None and any(o.name == name for m in MODES.values() for o in m.options):
                    continue
                raise TypeError(
                    f"mode {self.name!r} has no option {name!r}; "
                    f"{f'it has {list_of(known)}' if known else 'it has none'}"
                )
            if value is not None and value not in known[name].choices:
                raise ValueError(
                    f"{name} must be one of {list_of(known[name].choices)}, not {value!r}"
                )
        given = {name: options.get(name) for name in known}
        return {
            name: known[name].default if value is None else value for name, value in given.items()
        }


POLARITY = Option(
    "polarity",
    ("auto", "light", "dark", "both"),
    "whether the dust is lighter or darker than the page",
)

MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode(
            "dust-free",
            "the mean of the scans, without those in which dust lies on the page",
            "dust-free",
            (POLARITY,),
        ),
        Mode("maximum", "the lightest scan, which removes dark dust", "picture"),
        Mode("minimum", "the darkest scan, which removes light dust", "picture"),
        Mode("mean", "the mean, which has the least noise but leaves traces of dust", "picture"),
        Mode("median", "the middle value, free of dust from three scans on", "picture"),
        Mode("range", "the difference between the lightest and the darkest scan", "statistic"),
        Mode("standard deviation", "the standard deviation over the scans", "statistic"),
        Mode("variance", "the square of the standard deviation", "statistic"),
        Mode("sum", "the sum of the scans", "statistic"),
        Mode("entropy", "how many different values the scans have, in bits", "statistic"),
        Mode("skewness", "how lopsided the values of the scans are", "statistic"),
        Mode("kurtosis", "how far outlying values of the scans reach", "statistic"),
    )
}


def mode_of(name: str) -> Mode:
    """The mode of this name.

    Raises
    ------
    ValueError
        When there is none.
    """
    if name not in MODES:
        raise ValueError(f"mode must be one of {list_of(MODES)}, not {name!r}")
    return MODES[name]


def names_of(*kinds: str) -> tuple[str, ...]:
    """The names of the modes of these kinds, in the order of the table."""
    return tuple(mode.name for mode in MODES.values() if mode.kind in kinds)


def list_of(names: Any) -> str:
    """Names as one text, separated by commas."""
    return ", ".join(names)


def markdown_list() -> str:
    """The modes as a list in Markdown, for the README.

    Examples
    --------
    >>> print(markdown_list().splitlines()[1])
    - **maximum**: the lightest scan, which removes dark dust
    """
    return "\n".join(f"- **{mode.name}**: {mode.summary}" for mode in MODES.values())


def docstring_list(indent: int) -> str:
    """The modes as the text of a docstring, each line after the first indented."""
    lines = [f'"{mode.name}": {mode.summary};' for mode in MODES.values()]
    lines[-1] = lines[-1][:-1] + "."
    return ("\n" + " " * indent).join(lines)
