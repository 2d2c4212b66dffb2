"""The choices in the windows, made from the core's tables.

The core decides which values there are: one that is new there appears here by itself. The labels
below are for the values that have a translation; any other is shown under its English name, with
the summary that the core's table has for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .. import core
from ..gimp.arguments import Option
from ..texts import _, to_translate, translated

# Name in the core -> label, and tooltip where the core's table has no summary.
Labels = Mapping[str, tuple[str, str]]

STACKING_MODES: Labels = {
    "dust-free": (
        to_translate("Dust-free"),
        to_translate(
            "As clean as the best of the others, without their noise; finds the dust by itself"
        ),
    ),
    "mean": (
        to_translate("Mean"),
        to_translate("The least noise, but a ghost of each dust grain remains"),
    ),
    "median": (to_translate("Median"), to_translate("Free of dust with three or more scans")),
    "minimum": (to_translate("Minimum"), to_translate("The darkest value: removes light dust")),
    "maximum": (to_translate("Maximum"), to_translate("The brightest value: removes dark dust")),
    "range": (to_translate("Range"), to_translate("The largest value minus the smallest")),
    "standard deviation": (
        to_translate("Standard deviation"),
        to_translate("How much the scans differ"),
    ),
    "variance": (to_translate("Variance"), to_translate("The square of the standard deviation")),
    "sum": (to_translate("Sum"), to_translate("The sum of all scans")),
    "entropy": (to_translate("Entropy"), to_translate("As Photoshop defines it")),
    "skewness": (to_translate("Skewness"), to_translate("As Photoshop defines it")),
    "kurtosis": (to_translate("Kurtosis"), to_translate("As Photoshop defines it")),
}

POLARITIES: Labels = {
    "auto": (
        to_translate("Automatic"),
        to_translate("Finds out whether the dust is light or dark"),
    ),
    "light": (
        to_translate("Light (negatives)"),
        to_translate("Dust on negatives is white once they are inverted"),
    ),
    "dark": (to_translate("Dark (slides)"), to_translate("Dust on slides is black")),
    "both": (to_translate("Both"), to_translate("Light and dark dust in one run")),
}

ESTIMATION_METHODS: Labels = {
    "opacity": (
        to_translate("Opacity of the dust"),
        to_translate("Measures how much light the dust absorbs; ten frames are enough"),
    ),
    "sum": (
        to_translate("Sum of the frames"),
        to_translate("The original method; needs about fifty frames"),
    ),
}

RESTORATION_METHODS: Labels = {
    "restore": (
        to_translate("Restore"),
        to_translate("Recovers the picture under translucent dust and fills the rest"),
    ),
    "fill": (
        to_translate("Fill"),
        to_translate("The original method: fills the dust from its surroundings"),
    ),
}

EXISTING_FILES: Labels = {
    "skip": (to_translate("Skip"), to_translate("Keep them, and write only the missing files")),
    "overwrite": (to_translate("Overwrite"), to_translate("Write them again")),
    "rename": (
        to_translate("New name"),
        to_translate("Keep them, and add a number to the names of the new files"),
    ),
}


def stacking_modes() -> list[Option]:
    """Return the ways to combine scans."""
    return options(core.STACKING_MODES, STACKING_MODES)


def restoration_methods() -> list[Option]:
    """Return the ways to remove dust from a frame."""
    return options(core.RESTORATION_METHODS, RESTORATION_METHODS)


def estimation_methods() -> list[Option]:
    """Return the ways to estimate a mask."""
    return options(core.ESTIMATION_METHODS, ESTIMATION_METHODS)


def polarities() -> list[Option]:
    """Return what dust can be, compared with the picture."""
    return options(core.POLARITIES, POLARITIES)


def existing_files() -> list[Option]:
    """Return what to do with cleaned files that exist already."""
    return options((), EXISTING_FILES)


def options(table: Iterable[str], labels: Labels) -> list[Option]:
    """Make the options of a choice from a table of the core.

    Parameters
    ----------
    table : mapping or sequence of str
        The names in the core; the entries of a mapping may have a `summary`. Without the core it
        is empty, and the names in `labels` stand for it.
    labels : mapping
        The labels and tooltips that the plug-in has. Names with a label come first, in this order.
    """
    names = list(table) or list(labels)
    known = [name for name in labels if name in names]
    made = []
    for name in known + [name for name in names if name not in labels]:
        label, tooltip = labels.get(name, (name.capitalize(), ""))
        entry = table.get(name) if isinstance(table, Mapping) else None
        summary = getattr(entry, "summary", "")
        made.append(Option(name, _(label), translated(summary) or (_(tooltip) if tooltip else "")))
    return made
