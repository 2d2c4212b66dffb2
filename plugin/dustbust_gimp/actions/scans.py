"""The scans of a page, in layers, and the page that they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gi.repository import Gimp

from .. import core
from ..gimp import layers, pixels
from ..gimp.progress import threads

DUST_FREE = "dust-free"  # the mode that finds the dust of the scanner


class Scans:
    """The scans of a page, read from layers into the core.

    Parameters
    ----------
    chosen : sequence of Gimp.Layer
        The first one is the reference.
    read : callable, optional
        Returns the pixels of a layer, as `pixels_of` does.
    """

    def __init__(
        self,
        chosen: Sequence[Gimp.Layer],
        read: Callable[[Gimp.Layer], core.Handle] | None = None,
    ) -> None:
        self.layers = chosen
        self.format = _format_of(chosen[0])
        self.pictures = list(map(read or pixels_of, chosen))
        self.names = [layer.get_name() for layer in chosen]
        self.handle = core.ask(
            "scans",
            pictures=self.pictures,
            positions=list(map(layers.offsets, chosen)),
            names=self.names,
            threads=threads(),
        )


def pixels_of(layer: Gimp.Layer) -> core.Handle:
    """Return a scan as it looks."""
    return layers.plain_pixels(layer, _format_of(layer))


def _format_of(layer: Gimp.Layer) -> pixels.Format:
    return pixels.working_format(layer, alpha=layer.has_alpha() or layer.get_mask() is not None)
