"""The table of the methods of estimating a mask.

Command line, plug-in, docstring and messages follow from `METHODS`. To add a method, write its
module and add its entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..dust.mask import DustMask
from ..options import Entry, NumberOption, Table
from .opacity_method import estimate_opacity
from .sum_method import estimate_sum


@dataclass(frozen=True)
class Method(Entry):
    """A method of estimating a mask.

    Parameters
    ----------
    name, summary, options
        See `Entry`; the name is that in `estimate_mask`.
    estimate : callable
        Called as estimate(runner, polarity, **options) with a `passes.Runner` and a polarity;
        gives a `DustMask`.
    """

    estimate: Callable[..., DustMask] = field(kw_only=True)


METHODS = Table(
    "method",
    (
        Method(
            "opacity",
            "how much of the light the dust takes",
            (
                NumberOption(
                    "smallest", 4, 1e6, "px", "area of the smallest particle that is marked"
                ),
                NumberOption(
                    "largest",
                    None,
                    1e9,
                    "px",
                    "area of the largest particle that is marked; without it, a fiftieth of the "
                    "picture, so that a lamp or a window is left alone, but for thin hairs",
                ),
            ),
            estimate=estimate_opacity,
        ),
        Method(
            "sum",
            "the sum of the frames less a heavy blur, as in the original, for about 50 frames",
            (
                NumberOption("blur", 25.0, 1000, "px", "standard deviation of the blur", least=1),
                NumberOption(
                    "trim",
                    8,
                    1000,
                    "px",
                    "width of the margin at the edges in which nothing is marked",
                    whole=True,
                ),
            ),
            estimate=estimate_sum,
        ),
    ),
)
