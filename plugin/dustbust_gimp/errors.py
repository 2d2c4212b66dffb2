"""The ways in which an action ends early."""


class Refused(Exception):  # noqa: N818 - a refusal is a sentence for the user, not a fault
    """An action cannot do what was asked; one sentence says why and what to do.

    The sentence is translated already, or it comes from `sentence`.
    """


class Cancelled(Exception):  # noqa: N818 - as above
    """The user closed the window without confirming it."""


def sentence(template: str, **words: object) -> dict[str, object]:
    """Return a sentence that is translated when it is shown; the core sends the same form."""
    return {"template": template, "words": words}
