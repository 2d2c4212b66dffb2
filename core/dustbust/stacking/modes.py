"""The stacking modes: one table, which command line, plug-in and documentation follow."""

from dataclasses import dataclass
from typing import Literal

from ..options import Entry, Table, WordOption

Kind = Literal["picture", "statistic", "dust-free"]


@dataclass(frozen=True)
class Mode(Entry):
    """A way to combine the aligned scans of a page; its name is that of a functor in cpp/stacking.

    Parameters
    ----------
    name, summary, options
        See `Entry`.
    kind : {"picture", "statistic", "dust-free"}
        "picture": pixel by pixel, of the scans' dtype. "statistic": pixel by pixel, float32 in the
        unit of the scans. "dust-free": decided on the dust of the scanner.
    """

    kind: Kind = "picture"


POLARITY = WordOption(
    "polarity",
    ("auto", "light", "dark", "both"),
    "whether the dust is lighter or darker than the page",
)

MODES = Table(
    "mode",
    (
        Mode(
            "dust-free",
            "the mean of the scans, without those in which dust lies on the page",
            (POLARITY,),
            kind="dust-free",
        ),
        Mode("maximum", "the lightest scan, which removes dark dust"),
        Mode("minimum", "the darkest scan, which removes light dust"),
        Mode("mean", "the mean, which has the least noise but leaves traces of dust"),
        Mode("median", "the middle value, free of dust from three scans on"),
        Mode("range", "the difference between the lightest and the darkest scan", kind="statistic"),
        Mode("standard deviation", "the standard deviation over the scans", kind="statistic"),
        Mode("variance", "the square of the standard deviation", kind="statistic"),
        Mode("sum", "the sum of the scans", kind="statistic"),
        Mode("entropy", "how many different values the scans have, in bits", kind="statistic"),
        Mode("skewness", "how lopsided the values of the scans are", kind="statistic"),
        Mode("kurtosis", "how far outlying values of the scans reach", kind="statistic"),
    ),
)


def names_of(*kinds: Kind) -> tuple[str, ...]:
    """The names of the modes of these kinds, in the order of the table.

    Examples
    --------
    >>> names_of("picture")
    ('maximum', 'minimum', 'mean', 'median')
    """
    return tuple(mode.name for mode in MODES.values() if mode.kind in kinds)
