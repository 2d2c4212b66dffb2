"""The window of Stack Offset Scans."""
import functools

from ..core import dustbust, np
from .window import Window
from .preview import BeforeAndAfter
from ..actions.scans import DUST_FREE
from .spots import SpotsOfPage
from ..texts import _


def ask(procedure, config, scans):
    """Let the user choose; raises Cancelled. How the page lies in the scans is kept in `scans`."""
    window = Window(procedure, config, _("Stack Offset Scans"), _("Stac_k"))
    window.settings("mode", "align", "aligned-layers", "dust-mask")
    window.add_answer()
    preview, spots = BeforeAndAfter(window.worker()), SpotsOfPage(scans)
    window.add(preview)

    def describe():
        mode, align = config.get_property("mode"), config.get_property("align")
        window.allow("dust-mask", mode == DUST_FREE)
        preview.show_spots(None)
        window.say(_("Looking how the page lies in the scans ..."))
        window.answer(lambda: sentences(scans, mode, align), lambda text: show(text, mode, align))

    def show(text, mode, align):
        preview.show_spots(functools.partial(spots.look, mode=mode, align=align), _("Combining a part of the scans ..."))
        return text

    window.on_change(describe, "mode", "align")
    window.run()


def sentences(scans, mode, align):
    """Which layers are stacked, and where the page is in each."""
    first, *others = scans.names
    if not align:
        return "\n".join(scans.names)
    registrations = scans.registrations()
    if mode == DUST_FREE:
        dustbust.dust_free.check_moved(registrations, scans.names)
    lines = [_("{layer}: the others are aligned to it").format(layer=first)]
    height, width = scans.pictures[0].shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    for layer, registration in zip(others, registrations[1:]):
        x, y, __ = registration.matrix @ middle - middle
        lines.append(_("{layer}: {x:+.1f} px, {y:+.1f} px from there; {confidence:.0f} % of the details agree").format(
            layer=layer, x=x, y=y, confidence=100 * registration.confidence))
    return "\n".join(lines)
