"""Texts for the user: translation, numbers and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gi.repository import GLib

DOMAIN = "dustbust-gimp"


def _(text: str) -> str:
    """Translate `text` into the language of GIMP."""
    return GLib.dgettext(DOMAIN, text)


def to_translate(text: str) -> str:
    """Mark a text for the catalogue; it is translated later, when it is shown."""
    return text


def count_text(one: str, many: str, number: int, **words: object) -> str:
    """Fill {number} and the words into the translation of `one` or `many`, as the number asks."""
    return GLib.dngettext(DOMAIN, one, many, number).format(number=number, **words)


def translated(text: object) -> str:
    """Translate a text of the core: a sentence, or an exception that carries one.

    Parameters
    ----------
    text : str, dustbust.errors.Sentence or Exception
        A plain string is looked up as it is; what the catalogue does not have stays English.
    """
    if isinstance(text, Exception):
        text = text.args[0] if text.args else ""
        return _with_own_numbers(text).translated(_) if hasattr(text, "words") else str(text)
    if hasattr(text, "words"):
        return _with_own_numbers(text).translated(_)
    return _(str(text)) if text else ""


class _Number(float):
    """A number that is formatted with the decimal sign of the language."""

    def __format__(self, form: str) -> str:
        return decimal_text(float(self), form)


def _with_own_numbers(sentence: Any) -> Any:
    """Return a sentence of the core in which numbers have the decimal sign of the language."""

    def own(word: object) -> object:
        if hasattr(word, "words"):
            return _with_own_numbers(word)
        return _Number(word) if isinstance(word, float) else word

    words = {name: own(word) for name, word in sentence.words.items()}
    return type(sentence)(sentence.template, **words)


def decimal_text(number: float, form: str) -> str:
    """Format a number with the decimal sign of the language.

    >>> decimal_text(2.5, "+.1f")
    '+2.5'
    """
    whole, point, fraction = f"{number:{form}}".partition(".")
    return _("{whole}.{fraction}").format(whole=whole, fraction=fraction) if point else whole


def share_text(share: float, digits: int = 2) -> str:
    """Format a share as a percentage.

    >>> share_text(0.0123)
    '1.23%'
    """
    return _("{number}%").format(number=decimal_text(100 * share, f".{digits}f"))


def duration_text(seconds: float) -> str:
    """Say how long something took."""
    if seconds < 90:
        whole = max(round(seconds), 1)
        return count_text("It took {number} second.", "It took {number} seconds.", whole)
    whole = round(seconds / 60)
    return count_text("It took {number} minute.", "It took {number} minutes.", whole)


def path_text(path: str | Path) -> str:
    """Write a path as people do: with ~ for their home folder."""
    path, home = Path(path), Path.home()
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)
