"""The table of the methods of restoring a frame.

Command line, plug-in, docstring and messages follow from `METHODS`. To add a method, write its
module and add its entry here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..options import Entry, Option
from .box_fill import BOX, GROW, PASSES, SOFTEN, prepare_fill
from .repair import Repair
from .restore import prepare_restore


@dataclass(frozen=True)
class Method(Entry):
    """A method of restoring a frame.

    Parameters
    ----------
    name : str
        As in `apply_mask`.
    prepare : callable
        Called as prepare(dust, threads=threads, **options) with a `repair.DustToRepair`; gives a
        `repair.Repair`. What depends on the mask only is computed here.
    summary : str
        What it does: a few words, lower case.
    options : tuple of Option
        Its own options.
    """

    name: str
    prepare: Callable[..., Repair]
    summary: str
    options: tuple[Option, ...] = ()


#: Name -> method; the first one is the default.
METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "restore",
            prepare_restore,
            "recovers the picture under translucent dust and fills what is opaque",
        ),
        Method(
            "fill",
            prepare_fill,
            "fills the dust with means of its surroundings, as the original did",
            (BOX, GROW, SOFTEN, PASSES),
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
