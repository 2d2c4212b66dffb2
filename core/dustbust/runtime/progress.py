"""Progress of a part of the work as progress of the whole.

A progress function is called as progress(fraction, text) with a fraction in 0..1 that never falls.
"""

from collections.abc import Callable
from typing import Protocol

Progress = Callable[[float, str], object]


class PartOfProgress(Protocol):
    """Gives the progress function of a part of the work, from one fraction to another."""

    def __call__(self, begin: float, end: float) -> "TextedProgress | None": ...


class TextedProgress(Protocol):
    """A progress function whose text is optional."""

    def __call__(self, fraction: float, text: str = ...) -> object: ...


def part_of(progress: Progress | None, before: float, size: float, whole: float) -> Progress | None:
    """Progress function for a part of the work.

    Parameters
    ----------
    progress : callable or None
        Progress function of the whole; None gives None.
    before, size, whole : float
        Work done before this part, work in this part, all work, in one unit.

    Returns
    -------
    callable or None

    Examples
    --------
    >>> fractions = []
    >>> half = part_of(lambda fraction, text: fractions.append(fraction), 2, 2, 4)
    >>> half(0.5, "frame")
    >>> fractions
    [0.75]
    """
    if progress is None:
        return None
    return lambda done, text: progress((before + done * size) / whole, text)


def steps(progress: Progress | None, text: str) -> PartOfProgress:
    """Progress functions for parts of the work, each from one fraction of the whole to another.

    Parameters
    ----------
    progress : callable or None
        Progress function of the whole; None gives None for each part.
    text : str
        Shown where a part names no text of its own.

    Returns
    -------
    callable
        Called as part(begin, end).

    Examples
    --------
    >>> fractions = []
    >>> part = steps(lambda fraction, text: fractions.append((fraction, text)), "stacking")
    >>> part(0.5, 1.0)(0.5)
    >>> fractions
    [(0.75, 'stacking')]
    """
    default = text

    def part(begin: float, end: float) -> TextedProgress | None:
        if progress is None:
            return None
        return lambda fraction, text=default: progress(begin + fraction * (end - begin), text)

    return part
