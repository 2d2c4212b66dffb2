#!/usr/bin/env python3
"""The program that GIMP starts: registers the three procedures, and reports their errors."""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from dustbust_gimp import core

if "-run" in sys.argv:  # not when GIMP only asks for the names of the procedures
    core.start_early()

import gi

for library, version in (
    ("Gimp", "3.0"),
    ("GimpUi", "3.0"),
    ("Gdk", "3.0"),
    ("Gtk", "3.0"),
    ("Gegl", "0.4"),
    ("Babl", "0.1"),
):
    gi.require_version(library, version)
from gi.repository import Gimp, Gio, GLib

from dustbust_gimp.actions import apply, estimate, stack
from dustbust_gimp.errors import Cancelled, Refused
from dustbust_gimp.gimp import pixels
from dustbust_gimp.texts import DOMAIN, _, translated

Run = Callable[..., Gimp.ValueArray]

HELP = Path(__file__).resolve().parent / "help"

# Name of a procedure -> its action, and the module with its window.
ACTIONS = {
    estimate.NAME: (estimate, "dustbust_gimp.dialogs.estimate"),
    apply.NAME: (apply, "dustbust_gimp.dialogs.apply"),
    stack.NAME: (stack, "dustbust_gimp.dialogs.stack"),
}


def with_window(action: ModuleType, window: str) -> Run:
    """Join an action with its window, which is loaded when needed: GTK needs a display."""

    def ask(*settings: object) -> Any:
        return importlib.import_module(window).ask(*settings)

    def tell(*result: object) -> None:
        importlib.import_module("dustbust_gimp.dialogs.done").tell(*result)

    return functools.partial(action.run, ask=ask, tell=tell)


def reporting(run: Run) -> Run:
    """Turn the errors of `run` into return values: one sentence, or none after Cancel."""

    def guarded(procedure: Gimp.Procedure, *arguments: object) -> Gimp.ValueArray:
        def failed(sentence: str) -> Gimp.ValueArray:
            status = Gimp.PDBStatusType.EXECUTION_ERROR
            return procedure.new_return_values(status, GLib.Error(sentence))

        try:
            core.start()
            pixels.start()
            return run(procedure, *arguments[:-1])
        except Cancelled:
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        except Refused as error:
            return failed(translated(error))
        except MemoryError:
            return failed(_("There is not enough memory for pictures of this size."))
        except Exception as error:
            traceback.print_exc()
            return failed(
                _("Internal error in Dustbust, please report it: {error}").format(
                    error=f"{type(error).__name__}: {error}"
                )
            )

    return guarded


class Dustbust(Gimp.PlugIn):
    """The plug-in."""

    def do_set_i18n(self, name: str) -> tuple[bool, str, None]:
        """Tell GIMP that the translations are in the folder locale."""
        return True, DOMAIN, None

    def do_query_procedures(self) -> list[str]:
        """Return the names of the procedures."""
        self.set_help_domain(DOMAIN, Gio.File.new_for_path(str(HELP)))
        return list(ACTIONS)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        """Make a procedure."""
        action, window = ACTIONS[name]
        procedure = action.declare(self, name, reporting(with_window(action, window)))
        procedure.set_attribution("Dustbust", "MIT", "2026")
        # GIMP sorts entries by path and label. It does not show a section that is not in its menus,
        # so the numbers of such sections put the actions in the order of work.
        section = f"[{list(ACTIONS).index(name) + 1}]"
        procedure.add_menu_path("<Image>/Filters/" + _("_Dust Removal") + "/" + section)
        return procedure


Gimp.main(Dustbust.__gtype__, sys.argv)
core.stop()  # GIMP has the result already
