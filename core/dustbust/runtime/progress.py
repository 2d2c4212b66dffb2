"""Progress of parts as progress of the whole."""


def part_of(progress, before, size, whole):
    """The progress of some of the work, `size` of `whole` of it, with `before` done already."""
    return progress and (lambda done, text: progress((before + done * size) / whole, text))


def steps(progress, mode):
    """A function that gives the `progress` of a part of the work, from one fraction to another; it takes a fraction and maybe a text."""

    def part(begin, end):
        return progress and (
            lambda fraction, text=mode: progress(begin + fraction * (end - begin), text)
        )

    return part
