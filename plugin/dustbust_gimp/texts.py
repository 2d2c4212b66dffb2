"""What the user reads: translation, numbers and paths."""
from pathlib import Path

from gi.repository import GLib

DOMAIN = "dustbust-gimp"


def _(text):
    """`text` in the language of GIMP."""
    return GLib.dgettext(DOMAIN, text)


def count_text(one, many, number, **words):
    """`one` or `many`, whichever fits the number, in the language of GIMP, with {number} and the words filled in."""
    return GLib.dngettext(DOMAIN, one, many, number).format(number=number, **words)


def translated(said):
    """What the core says, a sentence or an exception with one, in the language of GIMP."""
    said = said.args[0] if isinstance(said, Exception) and said.args else said
    return said.translated(_) if hasattr(said, "translated") else str(said)


def share_text(share):
    """A share in percent.

    >>> share_text(0.0123)
    '1.23 %'
    """
    return f"{100 * share:.2f} %"


def path_text(path):
    """A path as people write it: from their home folder on, if it is in there."""
    path, home = Path(path), Path.home()
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)
