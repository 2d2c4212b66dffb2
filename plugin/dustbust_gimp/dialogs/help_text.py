"""Help where no browser is: a window with the text of the action's help."""

from __future__ import annotations

from pathlib import Path

from gi.repository import Gimp, GimpUi, Gio, GLib, Gtk

from ..texts import _

HELP = Path(__file__).resolve().parents[2] / "help"
SIZE = 720, 480  # px, width and height
MARGIN = 12  # px


def has_browser() -> bool:
    """Return whether GIMP can show a help page, in its own browser or in that of the system."""
    own = Gimp.get_pdb().procedure_exists("plug-in-help-browser")
    return own or Gio.AppInfo.get_default_for_type("text/html", False) is not None


def show_without_browser(dialog: GimpUi.Dialog, procedure: str) -> None:
    """Let the Help button of a dialog show the text, as GIMP would show an error."""
    of_gimp = dialog.get_widget_for_response(Gtk.ResponseType.HELP)
    row = of_gimp.get_parent()
    button = Gtk.Button(label=of_gimp.get_label(), use_underline=True)
    button.connect("clicked", lambda _button: _show(dialog, procedure))
    row.remove(of_gimp)
    row.add(button)
    row.set_child_secondary(button, True)
    button.show()


def text_of(procedure: str) -> str:
    """Return the help on a procedure in the language of GIMP, or else in English."""
    for language in (*GLib.get_language_names(), "en"):
        file = HELP / language / f"{procedure}.txt"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    return ""


def _show(parent: Gtk.Window, procedure: str) -> None:
    window = Gtk.Dialog(title=_("Help on Dustbust"), transient_for=parent, modal=True)
    window.set_default_size(*SIZE)
    text = Gtk.TextView(editable=False, cursor_visible=False, wrap_mode=Gtk.WrapMode.WORD)
    for side in ("left", "right", "top", "bottom"):
        text.set_property(f"{side}_margin", MARGIN)
    text.get_buffer().set_text(text_of(procedure))
    scrolled = Gtk.ScrolledWindow()
    scrolled.add(text)
    window.get_content_area().pack_start(scrolled, True, True, 0)
    window.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
    window.show_all()
    window.run()
    window.destroy()
