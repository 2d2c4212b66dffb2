"""Whether dust is lighter or darker than the picture."""

from __future__ import annotations

from enum import Enum


class Polarity(str, Enum):
    """Whether dust is lighter or darker than the picture, or both kinds occur.

    Each member equals its word, so that a word from outside compares with it.

    Examples
    --------
    >>> Polarity("dark") is Polarity.DARK, Polarity.DARK == "dark", Polarity.DARK.sign
    (True, True, -1)
    """

    LIGHT = "light"
    DARK = "dark"
    BOTH = "both"

    def __str__(self) -> str:
        return self.value

    def __format__(self, format_spec: str) -> str:
        return format(self.value, format_spec)

    @property
    def sign(self) -> int:
        """1 for light dust, -1 for dark dust, 0 for both: the form that the kernels take."""
        return {"light": 1, "dark": -1, "both": 0}[self.value]

    @property
    def sides(self) -> tuple[Polarity, ...]:
        """The one or two kinds of dust that occur."""
        return (Polarity.LIGHT, Polarity.DARK) if self is Polarity.BOTH else (self,)

    @classmethod
    def of_sign(cls, sign: int) -> Polarity:
        """The polarity with a sign."""
        return {1: cls.LIGHT, -1: cls.DARK, 0: cls.BOTH}[sign]


# The words of the interface. "auto" is light or dark, whichever the frames show.
POLARITIES = tuple(polarity.value for polarity in Polarity)
POLARITIES_TO_ESTIMATE = (*POLARITIES, "auto")
SIGNS = {polarity.value: polarity.sign for polarity in Polarity}


def check_polarity(word: str, allowed: tuple[str, ...] = POLARITIES) -> str:
    """`word`, if it is one of the allowed ones.

    Raises
    ------
    ValueError
        If it is not; the message lists them.

    Examples
    --------
    >>> check_polarity("light")
    'light'
    """
    if word not in allowed:
        raise ValueError(f"polarity must be one of {', '.join(allowed)}, not {word!r}")
    return str(word)
