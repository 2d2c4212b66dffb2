"""The window of Stack Offset Scans."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from gi.repository import Gimp

from .. import core
from ..actions import choices
from ..actions.scans import DUST_FREE, Scans, options_of, pixels_of
from ..core import np
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
    window.settings("polarity", "align", "aligned-layers", "dust-mask")
    window.add_answer()
    before_and_after = BeforeAndAfter(window.worker())
    window.add(before_and_after)

    read = functools.cache(pixels_of)  # each layer once, whatever is ticked
    scans = preview = None

    def choose() -> None:
        """Take the scans that are ticked."""
        nonlocal scans, preview
        chosen = chooser.chosen()
        scans = preview = None
        try:
            layers.check_scans(chosen)
        except Refused as refusal:
            before_and_after.show_spots(None)
            window.say(str(refusal), possible=False)
            return
        scans = Scans(chosen, read)
        preview = scans.preview()
        describe()

    def describe() -> None:
        """Say where the page lies in each scan, and show what the mode makes of it."""
        mode, align = config.get_property("mode"), config.get_property("align")
        options = options_of(mode)
        window.allow("dust-mask", mode == DUST_FREE)
        window.allow("polarity", "polarity" in options)
        if scans is None:
            return
        settings = {name: config.get_property(name) for name in options}
        look = functools.partial(preview.look, mode=mode, align=align, **settings)
        window.say(_("Aligning the scans..."))
        window.answer(
            functools.partial(sentences, scans, mode, align), functools.partial(show, look)
        )

    def show(look: functools.partial, text: str) -> str:
        before_and_after.show_spots(look, _("Combining a part of the scans..."))
        return text

    chooser.on_change = choose
    choose()
    window.on_change(describe, "mode", "polarity", "align")
    window.run()
    return scans


def sentences(scans: Scans, mode: str, align: bool) -> str:
    """Say where the page lies in each scan."""
    others = scans.names[1:]
    if not align:
        return _("The scans are used where their layers lie.")
    registrations = scans.registrations()
    if mode == DUST_FREE:
        core.check_moved(registrations, scans.names)
    lines = []
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
