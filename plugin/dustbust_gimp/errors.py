"""The ways in which an action ends early."""


class Refused(Exception):
    """An action cannot do what was asked for; the message is one sentence that says why and what to do."""


class Cancelled(Exception):
    """The user closed the window with Cancel."""
