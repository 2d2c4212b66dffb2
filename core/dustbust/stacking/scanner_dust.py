"""The dust of the scanner, found between the aligned scans of a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .. import _kernels
from ..dust.mask import DustMask
from ..dust.model import DustModel
from ..dust.polarity import Polarity
from ..errors import DustbustError
from ..image.arrays import Mask, Picture, Plane
from ..image.elementary import logarithm
from ..image.morphology import dilate
from ..registration.register import Registration
from ..runtime.read_ahead import at_once, over_rows, read_ahead
from .dust_polarity import find_polarity
from .evidence import Bytes, Evidence
from .particles import (
    BESIDE,
    SOFT_EDGE,
    VOTES_MARGIN,
    differing,
    find_votes,
    overlaid,
    present,
)
from .samples import Box
from .scans import LEAST_MOVE, Scans

# Marks of a pixel of the scanner: 0 for none, else EDGE, and PER_OPACITY more for an opacity of 1.
EDGE, PER_OPACITY = _kernels.DUST_MARK, _kernels.DUST_PER_OPACITY

# In the mask of a scanner, pixels of at least the opacity MASKED are dust, and so are pixels beside
# them down to FAINT. The error of an opacity is about UNSURE.
MASKED, FAINT, UNSURE = 0.2, 0.04, 0.05
LARGEST_OPACITY = 0.95


@dataclass
class ScannerDust:
    """The dust that stays with the scanner.

    Parameters
    ----------
    marks : ndarray of uint8, shape (H, W)
        0, or EDGE and more.
    own : list of ndarray of uint8, shape (H, W)
        The marks of each scan, where they are known one by one: particles may have been wiped off
        or have arrived between the scans. Empty if `marks` holds for all scans.
    polarity : Polarity
        Polarity of nearly all dust, or both.
    noise : float
        Standard deviation of the luminance of one scan, in 0..1.
    """

    marks: Bytes
    own: list[Bytes]
    polarity: Polarity
    noise: float

    def of_scan(self, k: int) -> Bytes:
        """The marks of a scan."""
        return self.own[k] if self.own else self.marks

    def mask(self, frames: list[str]) -> DustMask:
        """The dust as a mask of the scanner, for scans that have no second one.

        Its grey is the opacity. Dust of one polarity can be restored.
        """
        # In this order, so that there is only one plane of float32.
        opacity: Plane = self.marks.astype(np.float32)
        opacity -= EDGE - 2
        opacity /= PER_OPACITY
        np.clip(opacity, 0, 1, out=opacity)
        known = self.polarity is not Polarity.BOTH
        effect: dict[str, Any] = self._model(opacity).pack() if known else {}
        return DustMask(opacity, MASKED, self.polarity.value, "stack", tuple(frames), effect)

    def _model(self, opacity: Plane) -> DustModel:
        """The model of this dust, with its density and its effect on a scan."""
        core = opacity >= MASKED
        where = opacity >= FAINT
        labels = _kernels.connected_components(where, core)[0]
        where[where] = labels >= 0
        labels = _kernels.connected_components(where, core)[0]
        light = 1 - np.minimum(opacity[where], LARGEST_OPACITY)
        number = int(labels.max(initial=-1)) + 1
        return DustModel(
            where,
            core,
            -logarithm(light),
            (UNSURE / light).astype(np.float32),
            np.ones(number, np.float32),
            np.full(number, self.polarity is Polarity.DARK),
        )


def check_moved(registrations: Sequence[Registration], names: Sequence[str]) -> None:
    """Refuse scans between which the page did not move: their dust cannot be told from the page.

    Raises
    ------
    DustbustError
        When the page moved by less than `LEAST_MOVE`.
    """
    most = max(registration.moved for registration in registrations)
    if most < LEAST_MOVE:
        raise DustbustError(
            "{scan}: shows the page where {first} shows it (moved by {most:.1f} px), so that "
            "nothing tells dust from page; move the page by more than the size of the dust and "
            "scan it again, or use another mode",
            scan=names[-1],
            first=names[0],
            most=most,
        )


def find_scanner_dust(
    scans: Scans,
    median_page: Picture | None,
    polarity: Polarity | None,
    progress: Callable[[float], object] | None = None,
    aligned: Picture | None = None,
) -> ScannerDust:
    """The dust that stayed with the scanner while the page moved.

    Parameters
    ----------
    scans : Scans
    median_page : ndarray or None
        The page in mode "median", with alpha; for more than two scans.
    polarity : Polarity or None
        Of the dust, or None if it is not known.
    progress : callable, optional
        `progress(fraction)`.
    aligned : ndarray or None
        Memory into which the second scan is put on the grid of the first, see `Evidence`.
    """
    height, width = scans.scanner_shape
    evidence = Evidence(scans, median_page, aligned)
    polarity = polarity or find_polarity(evidence)
    sign = polarity.sign
    # Codes and opacity of all scans together, and the codes of each of two.
    planes = [np.empty((height, width), np.uint8) for _ in range(4 if len(scans) == 2 else 2)]
    votes = np.zeros((height, width), np.int8) if len(scans) == 2 and not sign else None
    alone = evidence.alone

    def look(box: Box) -> int:
        left, top, columns, rows = box
        here = slice(top, top + rows), slice(left, left + columns)
        part = alone
        if votes is not None:
            part = alone.keeping(0, box, VOTES_MARGIN)
            votes[here] = find_votes(part, box)
        for plane, values in zip(planes, part.codes(box, sign), strict=True):
            plane[here] = values
        return top + rows

    parts = evidence.parts(0 if votes is None else VOTES_MARGIN)
    for end in read_ahead(parts, look, scans.threads):
        if progress:
            progress(end / height)
    core = _core(planes[0], scans.threads)
    opacity, of_scans = planes[1], planes[2:]
    planes.clear()  # what is not needed any more would add to the largest amount of memory
    if len(scans) != 2:
        if sign:
            core |= overlaid(core, opacity, scans, sign)
        return ScannerDust(_near(opacity, core, scans.threads), [], polarity, evidence.noise)
    cores = present(core, of_scans, scans.threads)
    of_scans.clear()
    if votes is None:
        core = cores[0] & cores[1]
        middle = overlaid(core, opacity, scans, sign)
        more = [middle, middle]
    else:
        more = differing(core, votes, scans)
    for one, other in zip(cores, more, strict=True):
        one |= other
    own = at_once(
        [
            partial(_near, marks, plane, 1)
            for marks, plane in zip((opacity.copy(), opacity), cores, strict=True)
        ],
        scans.threads,
    )
    return ScannerDust(own[-1], own, polarity, evidence.noise)


def _core(codes: Bytes, threads: int) -> Mask:
    """The particles: strong evidence, and weak evidence beside it."""
    core = dilate(codes == _kernels.STRONG_CODE, BESIDE, threads=threads)

    def keep_weak(rows: slice) -> None:
        core[rows] &= codes[rows] >= _kernels.WEAK_CODE

    over_rows(keep_weak, len(core), threads)
    return core


def _near(marks: Bytes, core: Mask, threads: int) -> Bytes:
    """The marks, set to 0 (in place) beyond the soft edges of the dust."""
    marks *= dilate(core, SOFT_EDGE, threads=threads).view(np.uint8)
    return marks
