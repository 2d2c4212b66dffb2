"""Arguments of procedures, with the core's own defaults."""
from gi.repository import Gimp, GObject

from . import core
from .texts import _

FLAGS = GObject.ParamFlags.READWRITE


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
