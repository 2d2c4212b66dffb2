"""The table of the methods of estimating a mask.

Command line, plug-in, docstring and messages follow from `METHODS`. To add a method, write its
module and add its entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..dust.mask import DustMask
from ..options import Entry, Option
from .opacity_method import estimate_opacity
from .sum_method import estimate_sum


@dataclass(frozen=True)
class Method(Entry):
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
            "the sum of the frames less a heavy blur, as in the original, for about 50 frames",
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
