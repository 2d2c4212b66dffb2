"""The window of Stack Offset Scans."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from gi.repository import Gimp

from .. import core
from ..actions import choices
from ..actions.scans import DUST_FREE, Scans
from ..errors import Refused
from ..gimp import layers
from ..texts import _, decimal_text, share_text
from .choosers import ScanChooser
from .preview import BeforeAndAfter
from .window import Window


def ask(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
) -> Scans:
    """Let the user choose, and return the scans. Raises Cancelled.

    The registrations that the preview needs are kept in the scans.
    """
    ticked = layers.scans(image, drawables)
    offered = layers.possible_scans(image)
    offered += [layer for layer in ticked if layer not in offered]
    window = Window(procedure, config, _("Stack Offset Scans"), _("Stac_k"))
    chooser = ScanChooser(offered, ticked)
    window.add(chooser)
    window.explained("mode", choices.stacking_modes())
    window.settings("dust-mask")
    # Folded, so that the window fits a screen that is 768 px high.
    about = {"polarity": choices.scanner_polarities()}
    window.folded("polarity", "align", "aligned-layers", about=about)
    window.add_answer()
    before_and_after = BeforeAndAfter(window.worker())
    window.add(before_and_after)

    known: dict[Gimp.Layer, core.Handle] = {}  # each layer is read once, whether ticked or not
    scans = None

    def choose() -> None:
        """Take the scans that are ticked."""
        nonlocal scans
        chosen = chooser.chosen()
        scans = None
        try:
            layers.check_scans(chosen)
        except Refused as refusal:
            before_and_after.show_spots(None)
            window.say(str(refusal), possible=False)
            return
        reading = Scans(chosen)
        window.say(_("Reading the scans..."), possible=False)
        window.answer_after(reading.reading(known), lambda handle: found(reading, handle))

    def found(read: Scans, handle: core.Handle) -> str:
        nonlocal scans
        scans, read.handle = read, handle
        return describe()

    def describe() -> str:
        """Show where the page lies in each scan, and a preview of the page."""
        waiting = _("Aligning the scans...")
        mode, align = config.get_property("mode"), config.get_property("align")
        window.allow("dust-mask", mode == DUST_FREE)
        window.allow("polarity", mode in core.installed.get("polarity_modes", [DUST_FREE]))
        if scans is None:
            return ""
        look = functools.partial(
            lambda number, **settings: core.Request("look_at_page", number=number, **settings),
            scans=scans.handle,
            mode=mode,
            align=align,
            polarity=config.get_property("polarity"),
        )
        names = scans.names
        window.say(waiting)
        window.answer(
            core.Request("describe_scans", scans=scans.handle, mode=mode, align=align),
            lambda moved: show(look, sentences(names, moved)),
        )
        return waiting

    def show(look: functools.partial, text: str) -> str:
        before_and_after.show_spots(look, _("Combining a part of the scans..."))
        return text

    chooser.on_change = choose
    choose()
    window.on_change(describe, "mode", "polarity", "align")
    window.run()
    return scans


def sentences(names: Sequence[str], moved: Sequence[dict[str, Any]] | None) -> str:
    """Return sentences on where the page lies in each scan except the first."""
    if moved is None:
        return _("The scans are used where their layers lie.")
    lines = [
        _("{layer}: moved by {x} px, {y} px; {confidence} of the details agree").format(
            layer=layer,
            x=decimal_text(found["x"], "+.1f"),
            y=decimal_text(found["y"], "+.1f"),
            confidence=share_text(found["confidence"], 0),
        )
        for layer, found in zip(names[1:], moved, strict=True)
    ]
    return "\n".join(lines)
