"""The window at the end of an action: what was done, and what can be done next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gi.repository import GimpUi, Gtk

from ..texts import _
from .window import MARGIN

# A label with a mnemonic, and what the button does.
Step = tuple[str, Callable[[], object]]


def tell(lines: Iterable[str], warnings: Iterable[str] = (), steps: Sequence[Step] = ()) -> None:
    """Show a window with the result, and wait until it is closed.

    Parameters
    ----------
    lines : iterable of str
        What was done.
    warnings : iterable of str
        Sentences.
    steps : sequence of Step
        What can be done next; each is a button. It closes the window first.
    """
    GimpUi.init("dustbust-gimp")
    dialog = Gtk.Dialog(title=_("Dustbust"), border_width=MARGIN, resizable=False)
    GimpUi.window_set_transient(dialog)
    box = Gtk.Grid(column_spacing=MARGIN, row_spacing=MARGIN)
    paragraphs = [("dialog-information", "\n".join(lines)), ("dialog-warning", "\n".join(warnings))]
    for row, (icon, text) in enumerate(paragraphs):
        if text:
            picture = Gtk.Image.new_from_icon_name(icon, Gtk.IconSize.DIALOG)
            picture.set_valign(Gtk.Align.START)
            box.attach(picture, 0, row, 1, 1)
            label = Gtk.Label(label=text, xalign=0, wrap=True, max_width_chars=60, selectable=False)
            box.attach(label, 1, row, 1, 1)
    dialog.get_content_area().pack_start(box, True, True, MARGIN)
    for number, (label, __) in enumerate(steps):
        dialog.add_button(label, number)
    dialog.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
    dialog.set_default_response(Gtk.ResponseType.CLOSE)
    dialog.show_all()
    answer = dialog.run()
    dialog.destroy()
    while Gtk.events_pending():  # the window goes before the next step begins
        Gtk.main_iteration()
    if 0 <= answer < len(steps):
        steps[answer][1]()
