"""The scans of a page, in layers, and the page that they become."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gi.repository import Gimp

from .. import core
from ..core import dustbust, np
from ..gimp import layers, pixels

if TYPE_CHECKING:
    from dustbust import Registration, StackReport

DUST_FREE = "dust-free"  # the mode that finds the dust of the scanner


class Scans:
    """The scans of a page, read from layers, with their registrations, computed once.

    Only the constructor asks GIMP; everything else can be called in any thread.

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
        read: Callable[[Gimp.Layer], np.ndarray] | None = None,
    ) -> None:
        self.layers = chosen
        self.format = _format_of(chosen[0])
        self.pictures = list(map(read or pixels_of, chosen))
        self.names = [layer.get_name() for layer in chosen]
        self.positions = np.array([layers.offsets(layer) for layer in chosen])
        self.threads = core.threads()
        self._registrations = None
        self._lock = threading.Lock()  # a second caller waits for the first one's result

    def registrations(self, progress: Callable[..., None] | None = None) -> list[Registration]:
        """Return where the page lies in each scan."""
        with self._lock:
            if self._registrations is None:
                self._registrations = dustbust.register_scans(
                    self.pictures, names=self.names, progress=progress, threads=self.threads
                )
            return self._registrations

    def page(
        self,
        mode: str,
        align: bool,
        progress: Callable[..., None] | None = None,
        **options: Any,
    ) -> StackReport:
        """Return the core's report, with the page on the grid of the first scan.

        `options` are those that the mode has (see `options_of`).
        """
        if align:
            placed = {"registrations": self.registrations(progress)}
        else:
            placed = {"align": False, "positions": self.positions}
        return dustbust.stack_scans(
            self.pictures,
            mode=mode,
            names=self.names,
            view=True,
            return_report=True,
            progress=progress,
            threads=self.threads,
            **placed,
            **options,
        )

    def aligned(self, number: int, report: StackReport) -> np.ndarray:
        """Return a scan as it was stacked: on the grid of the first one, with alpha."""
        height, width = self.pictures[0].shape[:2]
        return report.registrations[number].resample(
            self.pictures[number],
            (0, 0, width, height),
            gain=report.gain[number],
            offset=report.offset[number],
            threads=self.threads,
        )

    def preview(self) -> Any:
        """Return the preview of the page, which combines only the parts that it shows."""
        return core.previews.PagePreview(
            self.pictures, self.positions, self.registrations, threads=self.threads
        )


def options_of(mode: str) -> tuple[str, ...]:
    """Return the names of the options that only this mode has."""
    return tuple(option.name for option in core.STACKING_MODES[mode].options)


def pixels_of(layer: Gimp.Layer) -> np.ndarray:
    """Return a scan as it looks."""
    return layers.plain_pixels(layer, _format_of(layer))


def _format_of(layer: Gimp.Layer) -> pixels.Format:
    return pixels.working_format(layer, alpha=layer.has_alpha() or layer.get_mask() is not None)
