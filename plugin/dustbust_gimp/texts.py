"""Texts for the user: translation, numbers and paths."""

from __future__ import annotations

from pathlib import Path

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
        return text.translated(_) if hasattr(text, "translated") else str(text)
    return text.translated(_) if hasattr(text, "translated") else _(str(text)) if text else ""


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


def path_text(path: str | Path) -> str:
    """Write a path as people do: with ~ for their home folder."""
    path, home = Path(path), Path.home()
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)
