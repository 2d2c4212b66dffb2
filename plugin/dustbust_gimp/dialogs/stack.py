"""The window of Stack Offset Scans."""

from __future__ import annotations

import functools

from gi.repository import Gimp

from .. import core
from ..actions.scans import DUST_FREE, Scans
from ..core import np
from ..texts import _, decimal_text, share_text
from .preview import BeforeAndAfter
from .window import Window


def ask(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, scans: Scans) -> None:
    """Let the user choose; raises Cancelled. The registrations are kept in `scans`."""
    window = Window(procedure, config, _("Stack Offset Scans"), _("Stac_k"))
    window.settings("mode", "align", "aligned-layers", "dust-mask")
    window.add_answer()
    before_and_after, preview = BeforeAndAfter(window.worker()), scans.preview()
    window.add(before_and_after)

    def describe() -> None:
        mode, align = config.get_property("mode"), config.get_property("align")
        window.allow("dust-mask", mode == DUST_FREE)
        before_and_after.show_spots(None)
        window.say(_("Aligning the scans..."))
        window.answer(lambda: sentences(scans, mode, align), lambda text: show(text, mode, align))

    def show(text: str, mode: str, align: bool) -> str:
        look = functools.partial(preview.look, mode=mode, align=align)
        before_and_after.show_spots(look, _("Combining a part of the scans..."))
        return text

    window.on_change(describe, "mode", "align")
    window.run()


def sentences(scans: Scans, mode: str, align: bool) -> str:
    """List the layers to stack, and where the page lies in each."""
    first, *others = scans.names
    if not align:
        return "\n".join(scans.names)
    registrations = scans.registrations()
    if mode == DUST_FREE:
        core.check_moved(registrations, scans.names)
    lines = [_("{layer}: the reference for the others").format(layer=first)]
    height, width = scans.pictures[0].shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    for layer, registration in zip(others, registrations[1:], strict=True):
        x, y, __ = registration.matrix @ middle - middle
        lines.append(
            _("{layer}: moved by {x} px, {y} px; {confidence} of the details agree").format(
                layer=layer,
                x=decimal_text(x, "+.1f"),
                y=decimal_text(y, "+.1f"),
                confidence=share_text(registration.confidence, 0),
            )
        )
    return "\n".join(lines)
