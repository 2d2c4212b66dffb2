"""The ways in which an action ends early."""


class Refused(Exception):  # noqa: N818 - a refusal is a sentence for the user, not a fault
    """An action cannot do what was asked; the message says in one sentence why and what to do."""


class Cancelled(Exception):  # noqa: N818 - as above
    """The user closed the window without confirming it."""
