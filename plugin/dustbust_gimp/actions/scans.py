"""The scans of a page, in layers, and the page that they become."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp

from .. import core
from ..gimp import layers, pixels
from ..gimp.progress import threads
from ..steps import Steps

DUST_FREE = "dust-free"  # the mode that finds the dust of the scanner


class Scans:
    """The scans of a page, read from layers into the core.

    Parameters
    ----------
    chosen : sequence of Gimp.Layer
        The first one is the reference.

    Attributes
    ----------
    handle : core.Handle or None
        The scans in the core, after the request of `reading`.
    """

    def __init__(self, chosen: Sequence[Gimp.Layer]) -> None:
        self.layers = chosen
        self.format = _format_of(chosen[0])
        self.names = [layer.get_name() for layer in chosen]
        self.pictures: list[core.Handle] = []
        self.handle: core.Handle | None = None

    def reading(self, known: dict[Gimp.Layer, core.Handle] | None = None) -> Steps[core.Request]:
        """Read the layers in steps, as they look; those in `known` were read before."""
        known = {} if known is None else known
        for layer in self.layers:
            if layer not in known:
                known[layer] = yield from layers.plain_pixels(layer, _format_of(layer))
        self.pictures = [known[layer] for layer in self.layers]
        return core.Request(
            "scans",
            pictures=self.pictures,
            positions=list(map(layers.offsets, self.layers)),
            names=self.names,
            threads=threads(),
        )


def _format_of(layer: Gimp.Layer) -> pixels.Format:
    return pixels.working_format(layer, alpha=layer.has_alpha() or layer.get_mask() is not None)
