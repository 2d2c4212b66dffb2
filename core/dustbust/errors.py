"""Messages to the user: sentences that can be translated; the exception for what users can fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def printable(text: object) -> str:
    """A text as one printable line.

    Names of files may hold line ends and bytes that are not UTF-8; they are escaped.

    Parameters
    ----------
    text : object
        Taken as str(text).

    Returns
    -------
    str

    Examples
    --------
    >>> printable("roll\\n1")
    'roll\\\\n1'
    """
    text = str(text).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Sentence(str):
    """A printable text that knows its template and its words, so that it can be translated.

    Parameters
    ----------
    template : str
        The text, with the names of its words in braces. Without words it is taken literally.
    **words : object
        What takes the place of each name; an exception counts as its reason.

    Examples
    --------
    >>> error = OSError(13, "Permission denied")
    >>> sentence = Sentence("{path}: cannot be read ({error})", path="a.jpg", error=error)
    >>> sentence
    'a.jpg: cannot be read (Permission denied)'
    >>> german = {"{path}: cannot be read ({error})": "{path}: nicht lesbar ({error})"}
    >>> sentence.translated(german.get)
    'a.jpg: nicht lesbar (Permission denied)'
    """

    template: str
    words: dict[str, object]

    def __new__(cls, template: str, **words: object) -> Sentence:
        words = {
            name: reason(word) if isinstance(word, BaseException) else word
            for name, word in words.items()
        }
        sentence = super().__new__(cls, printable(template.format(**words) if words else template))
        sentence.template, sentence.words = template, words
        return sentence

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:
        return (self.template,), self.words

    def translated(self, translate: Callable[[str], Any]) -> str:
        """The sentence in another language.

        Parameters
        ----------
        translate : callable
            Gives the translation of a template. It is called for this sentence's template and for
            those of the sentences among its words.

        Returns
        -------
        str
        """
        words = {
            name: word.translated(translate) if isinstance(word, Sentence) else word
            for name, word in self.words.items()
        }
        template = translate(self.template)
        return printable(template.format(**words) if words else template)


def reason(error: BaseException) -> str:
    """The message of an exception; of a system error without the number and the file.

    Examples
    --------
    >>> reason(OSError(28, "No space left on device", "a.jpg"))
    'No space left on device'
    """
    message = error.args[0] if error.args else ""
    if isinstance(message, bytes):  # as LibRaw has them
        message = message.decode(errors="replace")
    elif not isinstance(message, Sentence):
        message = str(error)
    return getattr(error, "strerror", None) or message or type(error).__name__


class DustbustError(Exception):
    """Something the user can fix: the message says what is wrong, with which file, and what to do.

    `args[0]` is the message as a `Sentence`. Wrong arguments of a call are a `TypeError` or a
    `ValueError`, as everywhere in Python.

    Parameters
    ----------
    message : str or Sentence
        Template of the message, or the message itself.
    **words : object
        Words of the template, see `Sentence`.

    Examples
    --------
    >>> str(DustbustError("{path}: there is no such file", path="a.jpg"))
    'a.jpg: there is no such file'
    """

    def __init__(self, message: str, **words: object) -> None:
        super().__init__(message if isinstance(message, Sentence) else Sentence(message, **words))
