"""The one exception for what the user can put right."""


class DustbustError(Exception):
    """Something the user can put right: the message says what is wrong, with which file, and what to do.

    Wrong arguments of a call are a `TypeError` or a `ValueError`, as everywhere in Python.
    """
