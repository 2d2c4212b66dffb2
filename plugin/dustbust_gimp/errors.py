"""The ways in which an action ends early."""


class Refused(Exception):  # noqa: N818 - a refusal is a sentence for the user, not a fault
    """An action cannot do what was asked; one sentence says why and what to do.

    It is translated already, or it is what `sentence` gives.
    """


class Cancelled(Exception):  # noqa: N818 - as above
    """The user closed the window without confirming it."""


def sentence(template: str, **words: object) -> dict[str, object]:
    """Return a sentence that is translated when it is shown, as the core sends them too."""
    return {"template": template, "words": words}
