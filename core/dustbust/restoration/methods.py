"""The table of the methods of restoring a frame.

Command line, plug-in, docstring and messages follow from `METHODS`. To add a method, write its
module and add its entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from ..options import Entry, Table
from .box_fill import BOX, GROW, PASSES, SOFTEN, prepare_fill
from .repair import Repair
from .restore import prepare_restore


@dataclass(frozen=True)
class Method(Entry):
    """A method of restoring a frame.

    Parameters
    ----------
    name, summary, options
        See `Entry`; the name is that in `apply_mask`.
    prepare : callable
        Called as prepare(dust, threads=threads, **options) with a `repair.DustToRepair`; gives a
        `repair.Repair`. Results that depend only on the mask are computed here.
    """

    prepare: Callable[..., Repair] = field(kw_only=True)


METHODS = Table(
    "method",
    (
        Method(
            "restore",
            "recovers the picture under translucent dust and fills what is opaque",
            prepare=prepare_restore,
        ),
        Method(
            "fill",
            "fills the dust with means of its surroundings, as the original did",
            (BOX, GROW, SOFTEN, PASSES),
            prepare=prepare_fill,
        ),
    ),
)
