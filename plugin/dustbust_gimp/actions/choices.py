"""The choices in the windows, made from the core's tables.

The core decides which values there are: a new one appears here without a change. The labels
below are for the values that have a translation; any other is shown under its English name, with
the summary that the core's table has for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import core
from ..gimp.arguments import Option
from ..texts import _, to_translate, translated

# Name in the core -> label, and tooltip where the core's table has no summary.
Labels = Mapping[str, tuple[str, str]]

STACKING_MODES: Labels = {
    "dust-free": (to_translate("Dust-free"), ""),
    "mean": (to_translate("Mean"), ""),
    "median": (to_translate("Median"), ""),
    "minimum": (to_translate("Minimum"), ""),
    "maximum": (to_translate("Maximum"), ""),
    "range": (to_translate("Range"), ""),
    "standard deviation": (to_translate("Standard deviation"), ""),
    "variance": (to_translate("Variance"), ""),
    "sum": (to_translate("Sum"), ""),
    "entropy": (to_translate("Entropy"), ""),
    "skewness": (to_translate("Skewness"), ""),
    "kurtosis": (to_translate("Kurtosis"), ""),
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

SCANNER_POLARITIES: Labels = {
    "auto": (
        to_translate("Automatic"),
        to_translate("Finds out whether the dust is light or dark"),
    ),
    "light": (to_translate("Light"), to_translate("The dust is lighter than the page")),
    "dark": (to_translate("Dark"), to_translate("The dust is darker than the page")),
    "both": (to_translate("Both"), to_translate("Light and dark dust on one page")),
}

ESTIMATION_METHODS: Labels = {
    "opacity": (to_translate("Opacity of the dust"), ""),
    "sum": (to_translate("Sum of the frames"), ""),
}

RESTORATION_METHODS: Labels = {
    "restore": (to_translate("Restore"), ""),
    "fill": (to_translate("Fill"), ""),
}

EXISTING_FILES: Labels = {
    "skip": (
        to_translate("Keep or renew"),
        to_translate(
            "Keep those that are up to date and those that you changed; renew those that were made "
            "with another mask or other settings"
        ),
    ),
    "overwrite": (
        to_translate("Overwrite"),
        to_translate("Write all again, also those that you changed"),
    ),
    "rename": (
        to_translate("New name"),
        to_translate("Keep them, and add a number to the names of the new files"),
    ),
}


def stacking_modes() -> list[Option]:
    """Return the ways to combine scans."""
    return options(core.choices("stacking_modes"), STACKING_MODES)


def restoration_methods() -> list[Option]:
    """Return the ways to remove dust from a frame."""
    return options(core.choices("restoration_methods"), RESTORATION_METHODS)


def estimation_methods() -> list[Option]:
    """Return the ways to estimate a mask."""
    return options(core.choices("estimation_methods"), ESTIMATION_METHODS)


def polarities() -> list[Option]:
    """Return what dust can be, compared with the picture."""
    return options(core.choices("polarities"), POLARITIES)


def scanner_polarities() -> list[Option]:
    """Return what the dust of a scanner can be, compared with the page."""
    return options(core.choices("scanner_polarities"), SCANNER_POLARITIES)


def existing_files() -> list[Option]:
    """Return what to do with cleaned files that exist already."""
    return options({}, EXISTING_FILES)


def options(table: Mapping[str, str], labels: Labels) -> list[Option]:
    """Make the options of a choice from a table of the core.

    Parameters
    ----------
    table : mapping of str to str
        The names in the core, and a summary of each, if it has one. Without the core it is empty,
        and the names in `labels` stand for it.
    labels : mapping
        The labels and tooltips that the plug-in has. Names with a label come first, in this order.
    """
    names = list(table) or list(labels)
    known = [name for name in labels if name in names]
    made = []
    for name in known + [name for name in names if name not in labels]:
        label, tooltip = labels.get(name, (name.capitalize(), ""))
        explanation = translated(table.get(name) or tooltip)
        made.append(Option(name, _(label), explanation[:1].upper() + explanation[1:]))
    return made
