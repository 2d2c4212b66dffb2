"""The window of Stack Offset Scans."""

from .core import np
from .dialogs import Window
from .preview import BeforeAndAfter, spots_of_change
from .texts import _


def ask(procedure, config, scans):
    """Let the user choose; raises Cancelled."""
    window = Window(procedure, config, _("Stack Offset Scans"), _("Stac_k"))
    window.settings("mode", "align", "aligned-layers")
    window.add_answer()
    preview = BeforeAndAfter(window.worker())
    window.add(preview)

    def describe():
        mode, align = config.get_property("mode"), config.get_property("align")
        preview.show_spots(None)
        window.say(_("Looking how the page lies in the scans ..."))

        def found(text):
            preview.show_spots(lambda number: spots_of_change(scans.pictures[0], scans.page(mode, align)[0], number))
            return text

        window.answer(lambda: sentences(scans, align), found)

    window.on_change(describe, "mode", "align")
    window.run()


def sentences(scans, align):
    """Which layers are stacked, and where the page is in each."""
    first, *others = scans.layers
    lines = [_("{layer}: the others are aligned to it").format(layer=first.get_name()) if align else first.get_name()]
    if not align:
        return "\n".join(lines + [layer.get_name() for layer in others])
    height, width = scans.pictures[0].shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    for layer, registration in zip(others, scans.registrations()[1:]):
        x, y, __ = registration.matrix @ middle - middle
        lines.append(_("{layer}: the page lies {x:+.1f} px, {y:+.1f} px from there; {confidence:.0%} of its details agree").format(
            layer=layer.get_name(), x=x, y=y, confidence=registration.confidence))
    return "\n".join(lines)
