"""Arguments and return values of procedures, with the core's defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from gi.repository import Gimp, GObject

from .. import core
from ..texts import _

FLAGS = GObject.ParamFlags.READWRITE


class Option(NamedTuple):
    """One value of a choice: its name in the core, its label, and its tooltip."""

    name: str
    label: str
    explanation: str = ""


def image_procedure(
    plug_in: Gimp.PlugIn,
    name: str,
    run: Callable[..., Gimp.ValueArray],
    label: str,
    blurb: str,
    explanation: str,
    icon: str,
) -> Gimp.ImageProcedure:
    """Make a procedure that takes an image and its selected drawables, if any.

    GIMP offers it for every image; the procedure itself refuses those it cannot work on.
    """
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(
        Gimp.ProcedureSensitivityMask.DRAWABLE
        | Gimp.ProcedureSensitivityMask.DRAWABLES
        | Gimp.ProcedureSensitivityMask.NO_DRAWABLES
    )
    procedure.set_menu_label(label)
    procedure.set_documentation(blurb, explanation, name)
    procedure.set_icon_name(icon)
    return procedure


def return_values(
    procedure: Gimp.Procedure, *results: tuple[type, GObject.Object | None]
) -> Gimp.ValueArray:
    """Make the return values of a procedure that succeeded, from pairs of type and object."""
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    for place, (kind, result) in enumerate(results, 1):
        values.remove(place)
        values.insert(place, GObject.Value(kind, result))
    return values


def add_run_mode(procedure: Gimp.Procedure) -> None:
    """Add the run mode, which an ImageProcedure has by itself."""
    procedure.add_enum_argument(
        "run-mode",
        _("Run mode"),
        _("The run mode"),
        Gimp.RunMode,
        Gimp.RunMode.NONINTERACTIVE,
        FLAGS,
    )


def add_choice(
    procedure: Gimp.Procedure,
    name: str,
    label: str,
    blurb: str,
    function: str,
    options: Iterable[Option],
) -> None:
    """Add a choice, with the default that the argument has in the core's `function`."""
    options = list(options)
    default = core.default(function, name.replace("-", "_"))
    names = [option.name for option in options]
    values = Gimp.Choice.new()
    for place, option in enumerate(options):
        values.add(option.name, place, option.label, option.explanation)
    chosen = default if default in names else names[0]
    procedure.add_choice_argument(name, label, blurb, values, chosen, FLAGS)


def add_file(procedure: Gimp.Procedure, name: str, label: str, blurb: str) -> None:
    """Add an optional file or folder.

    The action is `ANY`, so that the core reports a missing file by its name; with any other
    action GIMP itself reports that a "value is out of range".
    """
    action = Gimp.FileChooserAction.ANY
    procedure.add_file_argument(name, label, blurb, action, True, None, FLAGS)


def add_image(procedure: Gimp.Procedure, name: str, label: str, blurb: str) -> None:
    """Add an optional open image."""
    procedure.add_image_argument(name, label, blurb, True, FLAGS)


def add_layer(procedure: Gimp.Procedure, name: str, label: str, blurb: str) -> None:
    """Add an optional layer."""
    procedure.add_layer_argument(name, label, blurb, True, FLAGS)


def add_boolean(
    procedure: Gimp.Procedure, name: str, label: str, blurb: str, default: object
) -> None:
    """Add a check box."""
    procedure.add_boolean_argument(name, label, blurb, bool(default), FLAGS)


def add_area(procedure: Gimp.Procedure, name: str, label: str, blurb: str, function: str) -> None:
    """Add an area in px; 0 stands for the core's None, an automatic value."""
    default = core.default(function, name) or 0
    procedure.add_int_argument(name, label, blurb, 0, 10**9, default, FLAGS)


def path(config: Gimp.ProcedureConfig, name: str) -> str | None:
    """Return the path in a file argument, or None."""
    chosen = config.get_property(name)
    return chosen.get_path() if chosen else None
