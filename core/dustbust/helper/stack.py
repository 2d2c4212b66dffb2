"""Operations for Stack Offset Scans: the page's position in each scan, the page, a preview."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ..previews import PagePreview, to_rgb8
from ..registration.register import Registration, register_scans
from ..runtime.progress import Progress
from ..stacking.modes import MODES
from ..stacking.scanner_dust import check_moved
from ..stacking.stack import StackReport, stack_scans
from .messages import Picture, Threads, operation, quick_operation

Coordinate = Annotated[int, -1_000_000, 1_000_000]


class Scans:
    """The scans of a page, with their registrations, which are computed once.

    Parameters
    ----------
    pictures : list of ndarray, shape (H, W, C)
        The first one is the reference.
    positions : ndarray, shape (scans, 2)
        x and y of each scan's top left corner on a common canvas, px.
    names : list of str
        What messages call the scans.
    threads : int
    """

    def __init__(
        self, pictures: list[Picture], positions: Any, names: list[str], threads: int
    ) -> None:
        self.pictures, self.positions, self.names = pictures, np.asarray(positions), names
        self.threads = threads
        self.preview = PagePreview(pictures, self.positions, self.registrations, threads=threads)
        self._registrations: list[Registration] | None = None

    def registrations(self, progress: Progress | None = None) -> list[Registration]:
        """The position of the page in each scan."""
        if self._registrations is None:
            self._registrations = register_scans(
                self.pictures, names=self.names, progress=progress, threads=self.threads
            )
        return self._registrations

    def page(
        self, mode: str, align: bool, options: dict[str, Any], progress: Progress | None
    ) -> StackReport:
        """The page on the grid of the first scan; `options` are those that the mode has."""
        placed: dict[str, Any] = (
            {"registrations": self.registrations(progress)}
            if align
            else {"align": False, "positions": self.positions}
        )
        return stack_scans(
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

    def aligned(self, number: int, report: StackReport) -> Picture:
        """A scan as it was stacked: on the grid of the first one, with alpha."""
        height, width = self.pictures[0].shape[:2]
        return report.registrations[number].resample(
            self.pictures[number],
            (0, 0, width, height),
            gain=report.gain[number],
            offset=report.offset[number],
            threads=self.threads,
        )


@quick_operation
def scans(
    pictures: list[Picture],
    positions: list[list[Coordinate]],
    names: list[str],
    threads: Threads,
) -> Scans:
    """Take pictures as the scans of a page."""
    return Scans(pictures, positions, names, threads)


@operation
def describe_scans(scans: Scans, mode: str, align: bool) -> list[dict[str, float]] | None:
    """How far the page moved in each scan but the first, and how well the scans agree.

    None if the scans are not aligned.

    Raises
    ------
    DustbustError
        If the position cannot be found, or the page did not move enough for the mode.
    """
    if not align:
        return None
    registrations = scans.registrations()
    if MODES.named(mode).kind == "dust-free":
        check_moved(registrations, scans.names)
    height, width = scans.pictures[0].shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    moved = [registration.matrix @ middle - middle for registration in registrations]
    return [
        {"x": float(x), "y": float(y), "confidence": float(registration.confidence)}
        for registration, (x, y, _) in zip(registrations[1:], moved[1:], strict=True)
    ]


@operation
def stack(
    scans: Scans, mode: str, align: bool, polarity: str, progress: Progress | None = None
) -> dict[str, Any]:
    """Combine scans.

    Parameters
    ----------
    polarity : str
        Of the dust; ignored by modes that do not ask for it.
    """
    own = {option.name for option in MODES.named(mode).options}
    options = {"polarity": polarity} if "polarity" in own else {}
    report = scans.page(mode, align, options, progress)
    return {
        "page": report.page,
        "dust": report.dust,
        "coverage": 0.0 if report.dust is None else report.dust.coverage,
        "filled": float(report.filled),
        "report": report,
    }


@operation
def aligned(scans: Scans, report: StackReport, number: int) -> Picture:
    """A scan as it was stacked, with alpha."""
    return scans.aligned(number, report)


@operation
def look_at_page(scans: Scans, number: int, mode: str, align: bool, polarity: str) -> list[Picture]:
    """A spot of the first scan and of the page, for the screen."""
    both = scans.preview.look(number, mode, align, polarity)
    return [to_rgb8(part) for part in both]
