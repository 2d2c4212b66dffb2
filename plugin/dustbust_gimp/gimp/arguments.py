"""Arguments of procedures, with the core's own defaults."""
from gi.repository import Gimp, GObject

from .. import core
from ..texts import _

FLAGS = GObject.ParamFlags.READWRITE


def image_procedure(plug_in, name, run, label, blurb, explanation):
    """A procedure that is called with an image and its selected drawables, if any; it says itself which it cannot work on."""
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, run, None)
    procedure.set_image_types("*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE | Gimp.ProcedureSensitivityMask.DRAWABLES
                                   | Gimp.ProcedureSensitivityMask.NO_DRAWABLES)
    procedure.set_menu_label(label)
    procedure.set_documentation(blurb, explanation, name)
    return procedure


def return_values(procedure, *results):
    """The return values of a procedure that has done its work: (type, object or None) each."""
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    for place, (kind, result) in enumerate(results, 1):
        values.remove(place)
        values.insert(place, GObject.Value(kind, result))
    return values


def run_mode(procedure):
    """What an ImageProcedure has by itself."""
    procedure.add_enum_argument("run-mode", _("Run mode"), _("The run mode"), Gimp.RunMode, Gimp.RunMode.NONINTERACTIVE, FLAGS)


def choice(procedure, name, label, blurb, function, options):
    """A choice among `options`: (value in the core, label, help) each. The core's default comes first."""
    argument = name.replace("-", "_")
    default = core.default(function, argument)
    nicks = [nick for nick, *_rest in options]
    values = Gimp.Choice.new()
    for place, (nick, text, explanation) in enumerate(options):
        values.add(nick, place, text, explanation)
    procedure.add_choice_argument(name, label, blurb, values, default if default in nicks else nicks[0], FLAGS)


def file(procedure, name, label, blurb):
    """A file or folder, or none.

    For any use (`ANY`), so that it is the core that says which file is missing, and not GIMP that a "value is out of range".
    """
    procedure.add_file_argument(name, label, blurb, Gimp.FileChooserAction.ANY, True, None, FLAGS)


def image(procedure, name, label, blurb):
    """An open image, or none."""
    procedure.add_image_argument(name, label, blurb, True, FLAGS)


def boolean(procedure, name, label, blurb, default):
    procedure.add_boolean_argument(name, label, blurb, bool(default), FLAGS)


def area(procedure, name, label, blurb, function):
    """An area in px; 0 stands for None, which leaves it to the core."""
    procedure.add_int_argument(name, label, blurb, 0, 10 ** 9, core.default(function, name) or 0, FLAGS)


def path(config, name):
    """The path in a file argument, or None."""
    chosen = config.get_property(name)
    return chosen.get_path() if chosen else None


def cleaning(config):
    """What the settings of Apply are called in `dustbust.apply_mask`."""
    return {"method": config.get_property("method")}
