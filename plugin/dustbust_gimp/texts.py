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
    """Translate `one` or `many`, depending on the number, and fill in {number} and the words."""
    return GLib.dngettext(DOMAIN, one, many, number).format(number=number, **words)


def translated(text: object) -> str:
    """Translate a text of the core.

    Parameters
    ----------
    text : str, dict or Exception
        A sentence, as `errors.sentence` makes it: its template is looked up, and its words are
        filled in. A plain string is looked up as it is. A text that is not in the catalogue stays
        English. An exception carries one of these.
    """
    if isinstance(text, Exception):
        text = text.args[0] if text.args else ""
    if not isinstance(text, dict):
        return _(str(text)) if text else ""
    words = {name: _word(word) for name, word in text["words"].items()}
    template = _(text["template"])
    return template.format(**words) if words else template


def _word(word: object) -> object:
    """Return a word of a sentence in the form that its template formats."""
    if isinstance(word, dict):
        return translated(word)
    return _Number(word) if isinstance(word, float) else word


class _Number(float):
    """A number that is formatted with the decimal sign of the language."""

    def __format__(self, form: str) -> str:
        return decimal_text(float(self), form)


def decimal_text(number: float, form: str) -> str:
    """Format a number with the decimal sign of the language.

    >>> decimal_text(2.5, "+.1f")
    '+2.5'
    """
    whole, point, fraction = f"{number:{form}}".partition(".")
    return _("{whole}.{fraction}").format(whole=whole, fraction=fraction) if point else whole


def share_text(share: float, digits: int = 2) -> str:
    """Format a share as a percentage. What is there is never shown as zero.

    >>> share_text(0.0123), share_text(0.00001), share_text(0)
    ('1.23%', 'less than 0.01%', '0.00%')
    """
    smallest = 10.0 ** -(digits + 2)
    if 0 < share < smallest:
        return _("less than {share}").format(share=share_text(smallest, digits))
    return _("{number}%").format(number=decimal_text(100 * share, f".{digits}f"))


def duration_text(seconds: float) -> str:
    """Return a sentence on how long something took."""
    if seconds < 90:
        whole = max(round(seconds), 1)
        return count_text("It took {number} second.", "It took {number} seconds.", whole)
    whole = round(seconds / 60)
    return count_text("It took {number} minute.", "It took {number} minutes.", whole)


def path_text(path: str | Path) -> str:
    """Return a path with ~ for the home folder."""
    path, home = Path(path), Path.home()
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)
