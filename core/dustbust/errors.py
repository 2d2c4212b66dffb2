"""The one exception for what the user can put right."""


def printable(text):
    """A text as one line that can be printed: names of files may hold line ends, and bytes that are no UTF-8.

    >>> printable("roll\\n1")
    'roll\\\\n1'
    """
    text = str(text).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class DustbustError(Exception):
    """Something the user can put right: the message says what is wrong, with which file, and what to do.

    Wrong arguments of a call are a `TypeError` or a `ValueError`, as everywhere in Python.
    """

    def __init__(self, message):
        super().__init__(printable(message))
