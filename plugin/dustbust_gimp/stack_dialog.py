"""The window of Stack Offset Scans."""

from . import stack
from .core import np
from .dialogs import Window
from .preview import BeforeAndAfter, spots_of_page
from .texts import _


def ask(procedure, config, scans):
    """Let the user choose; raises Cancelled. What the window has worked out is kept in `scans`."""
    window = Window(procedure, config, _("Stack Offset Scans"), _("Stac_k"))
    window.settings("mode", "align", "aligned-layers", "dust-mask")
    window.add_answer()
    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    def describe():
        mode, align = config.get_property("mode"), config.get_property("align")
        window.allow("dust-mask", mode == stack.DUST_FREE)
        preview.show_spots(None)
        window.say(_("Looking how the page lies in the scans ..."))
        window.answer(lambda: sentences(scans, align), lambda text: combine(text, mode, align))

    def combine(text, mode, align):
        preview.say(_("Combining the scans ..."))
        window.answer(lambda: scans.page(mode, align), lambda made: show(text, *made))
        return text

    def show(text, page, dust, report):
        preview.show_spots(spots_of_page(scans.pictures[0], page, dust))
        return "\n".join([text, stack.said_of(report, dust)])

    window.on_change(describe, "mode", "align")
    window.run()


def sentences(scans, align):
    """Which layers are stacked, and where the page is in each."""
    first, *others = scans.names
    if not align:
        return "\n".join(scans.names)
    lines = [_("{layer}: the others are aligned to it").format(layer=first)]
    height, width = scans.pictures[0].shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    for layer, registration in zip(others, scans.registrations()[1:]):
        x, y, __ = registration.matrix @ middle - middle
        lines.append(_("{layer}: {x:+.1f} px, {y:+.1f} px from there; {confidence:.0%} of the details agree").format(
            layer=layer, x=x, y=y, confidence=registration.confidence))
    return "\n".join(lines)
