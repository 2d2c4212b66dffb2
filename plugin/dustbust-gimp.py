#!/usr/bin/env python3
"""What GIMP starts: registers the three procedures of Dustbust and turns their errors into messages."""
import functools
import importlib
import sys
import traceback

import gi

for library, version in (("Gimp", "3.0"), ("GimpUi", "3.0"), ("Gtk", "3.0"), ("Gegl", "0.4"), ("Babl", "0.1")):
    gi.require_version(library, version)
from gi.repository import Gegl, Gimp, Gio, GLib

from dustbust_gimp import core, help_page
from dustbust_gimp.actions import apply, estimate, stack
from dustbust_gimp.errors import Cancelled, Refused
from dustbust_gimp.texts import DOMAIN, _, translated

ACTIONS = {action.NAME: action for action in (estimate, apply, stack)}


def with_window(action):
    """The action's `run`, which asks the user in its window where GIMP wants to."""
    def ask(*settings):
        # Loaded when a window is wanted: GTK needs a display.
        module = importlib.import_module(f"dustbust_gimp.dialogs.{action.__name__.rpartition('.')[2]}")
        return module.ask(*settings)
    return functools.partial(action.run, ask=ask)


def reporting(run):
    """`run`, with its errors turned into what GIMP shows: one sentence, or nothing when the user cancelled."""
    def guarded(procedure, *arguments):
        def failed(sentence):
            return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(sentence))
        try:
            core.check()
            core.memory.keep_for_reuse()
            return run(procedure, *arguments[:-1])
        except Cancelled:
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        except (Refused, core.DustbustError) as error:
            return failed(translated(error))
        except MemoryError:
            return failed(_("There is not enough memory for pictures of this size."))
        except Exception as error:
            traceback.print_exc()
            return failed(_("Dustbust has stumbled over an error of its own, please report it: {error}").format(
                error=f"{type(error).__name__}: {error}"))
    return guarded


class Dustbust(Gimp.PlugIn):
    def do_set_i18n(self, name):
        return True, DOMAIN, None

    def do_query_procedures(self):
        self.set_help_domain(DOMAIN, Gio.File.new_for_path(str(help_page.FOLDER)))
        return list(ACTIONS)

    def do_create_procedure(self, name):
        Gegl.init(None)
        action = ACTIONS[name]
        procedure = action.declare(self, name, reporting(with_window(action)))
        procedure.set_attribution("Dustbust", "MIT", "2026")
        procedure.add_menu_path("<Image>/Filters/" + _("_Dust Removal"))
        return procedure


Gimp.main(Dustbust.__gtype__, sys.argv)
