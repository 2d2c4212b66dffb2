"""Differences of each scan from the page that the other scans show, on the scanner's grid."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Picture, Plane, alpha_channel
from ..image.robust import MEDIAN_OF_ABSOLUTE
from ..runtime.read_ahead import read_ahead
from .samples import Box, sample_boxes
from .scans import Scans

# Usual misalignment of an edge of the page, px.
MISALIGNED = 0.15

# A particle differs from the page by at least STRONG standard deviations in some pixels, and by at
# least WEAK in the pixels connected with them.
STRONG, WEAK = _kernels.STRONG_EVIDENCE, _kernels.WEAK_EVIDENCE

# The blur of a difference, three boxes for a sigma of 1 px, leaves this share of the standard
# deviation of white noise. A Gaussian of this sigma leaves 1 / (2 sqrt(pi)) = 0.28.
AFTER_BLUR = 0.28

# Lower limit of the noise of a scan, as a share of the range. Rounding to 8 bits alone makes a
# standard deviation of 1 / (255 sqrt(12)) = 0.0011.
LEAST_NOISE = 1e-3

# Margin of a part that the blur and the slope of the page need, px.
MARGIN = 4

# Size of a part that is processed at once. A row has at most MOST_COLUMNS px over all scans, as the
# kernel keeps several rows of each. The rows of all scans and pages that all threads work on take
# about STRIP_BYTES, but a part has at least LEAST_ROWS, so that the margins cost little, and at
# most MOST_ROWS.
MOST_COLUMNS, STRIP_BYTES, LEAST_ROWS, MOST_ROWS = 1 << 15, 4 << 20, 64, 512

# A part with larger margins has at least this number of rows for each row of a margin.
ROWS_FOR_MARGIN = 16

Bytes = npt.NDArray[np.uint8]


@dataclass
class Differences:
    """One scan and the page in a part of the scanner; all float32, shape (H, W).

    Parameters
    ----------
    score : ndarray
        Difference in standard deviations, below 0 where the scan is darker.
    value, page : ndarray
        Luminance of the scan and of the page, 0..1.
    data : ndarray
        1 where both are known, else 0.
    """

    score: Plane
    value: Plane
    page: Plane
    data: Plane


@dataclass
class _Kept:
    """A part of one scan that is kept, with the page that the others show there."""

    number: int
    box: Box
    scan: Picture
    page: Picture

    def holds(self, number: int, box: Box) -> bool:
        """Whether a box of a scan lies in this part."""
        inside = all(
            mine <= its and its + size <= mine + whole
            for mine, its, size, whole in zip(
                self.box[:2], box[:2], box[2:], self.box[2:], strict=True
            )
        )
        return number == self.number and inside

    def part(self, box: Box) -> tuple[Picture, Picture]:
        """The scan and the page in a box of this part."""
        left, top = box[0] - self.box[0], box[1] - self.box[1]
        here = slice(top, top + box[3]), slice(left, left + box[2])
        return np.ascontiguousarray(self.scan[here]), np.ascontiguousarray(self.page[here])


class Evidence:
    """Differences of each scan from the page that the others show, on the scanner's grid.

    Parameters
    ----------
    scans : Scans
    median_page : ndarray or None
        The page in mode "median", with alpha; for more than two scans.
    aligned : ndarray or None
        Memory for the page, see `Scans.empty_page`, into which the second of two scans is put where
        it is aligned in rows of the full width: once the evidence of all parts is known, all of it,
        if no scan is wider than `widest_part`.

    Attributes
    ----------
    noise : float
        Standard deviation of the luminance of one scan.
    """

    def __init__(
        self, scans: Scans, median_page: Picture | None, aligned: Picture | None = None
    ) -> None:
        self.scans, self.page, self.aligned = scans, median_page, aligned
        self.height, self.width = scans.scanner_shape
        self._kept: _Kept | None = None
        self.noise = LEAST_NOISE
        self.noise = self._find_noise() if scans.noise is None else scans.noise

    @property
    def samples(self) -> list[Box]:
        """Parts of the scanner that serve as a sample of all of it."""
        return sample_boxes(self.height, self.width)

    def parts(self, margin: int = 0) -> list[Box]:
        """Parts that together cover the scanner, each of a size to be processed at once.

        Parameters
        ----------
        margin : int
            Rows above and below a part that are needed, too. They cost little beside a part.
        """
        number = len(self.scans)
        columns = min(self.width, widest_part(self.scans))
        pixel = (2 * self.scans.colours + 1) * self.scans.dtype.itemsize
        least = max(LEAST_ROWS, ROWS_FOR_MARGIN * margin)
        strip = STRIP_BYTES // self.scans.threads
        rows = min(max(strip // (pixel * columns * number), least), MOST_ROWS)
        return [
            (left, top, min(columns, self.width - left), min(rows, self.height - top))
            for top in range(0, self.height, rows)
            for left in range(0, self.width, columns)
        ]

    def _find_noise(self) -> float:
        number = len(self.scans)
        alone = self.alone

        def differences(sample: tuple[int, Box]) -> Plane:
            seen = alone.of_scan(*sample)
            difference = (seen.value - seen.page) * seen.data
            return np.array(difference[difference != 0][::number])

        samples = [(k, box) for k in range(number) for box in self.samples]
        together = np.concatenate([*read_ahead(samples, differences, self.scans.threads)])
        if not together.size:
            return LEAST_NOISE
        deviation = float(np.median(np.abs(together))) / MEDIAN_OF_ABSOLUTE
        return max(deviation / 2**0.5, LEAST_NOISE)

    @property
    def alone(self) -> "Evidence":
        """The same evidence for work in one thread, while others work on other parts of it."""
        other = copy(self)
        other.scans = self.scans.alone
        return other

    def keeping(self, k: int, box: Box, margin: int) -> "Evidence":
        """The same evidence that keeps a box of a scan with a margin around it, and the page there.

        All differences there are then found with one resampling.
        """
        left, top, width, height = box
        first_x, first_y = max(left - margin, 0), max(top - margin - MARGIN, 0)
        rows, columns = self.scans.pictures.shapes[k][:2]
        wider = (
            first_x,
            first_y,
            min(left + width + margin, columns) - first_x,
            min(top + height + margin + MARGIN, rows) - first_y,
        )
        other = copy(self)
        scan, page = self._part(k, wider)
        if scan is not None and page is not None:
            other._kept = _Kept(k, wider, scan, page)
        return other

    def of_scan(self, k: int, box: Box) -> Differences:
        """The differences of one scan in a part of the scanner, cut off at the scan's edges."""
        left, top, width, height = box
        rows, columns = self.scans.pictures.shapes[k][:2]
        width, height = min(width, columns - left), min(height, rows - top)
        if width <= 0 or height <= 0:
            nothing = np.zeros((0, 0), np.float32)
            return Differences(nothing, nothing, nothing, nothing)
        above, below = min(MARGIN, top), min(MARGIN, rows - top - height)
        wider = (left, top - above, width, above + height + below)
        planes = self._planes(_kernels.scan_differences, [k], wider, 0, above, (height, width))
        return Differences(*planes)

    def together(self, box: Box, polarity: int) -> tuple[Plane, Plane, Plane]:
        """The evidence of all scans together in a part of the scanner.

        Returns
        -------
        evidence, opacity, shade : ndarray of float32, shape (H, W)
            `evidence`: difference from the page in standard deviations, below 0 for dark dust.
            `opacity`: difference as a share of the one that opaque dust would make. `shade`:
            luminance of the lightest scan; for light dust (polarity 1), of the darkest one.
        """
        evidence, opacity, shade = self._of_all(_kernels.scanner_evidence, box, polarity)
        return evidence, opacity, shade

    def codes(self, box: Box, polarity: int) -> Bytes:
        """The same in bytes, see cpp/stacking/scan_differences.hpp."""
        return self._of_all(_kernels.scanner_codes, box, polarity)

    def _of_all(self, kernel: Any, box: Box, polarity: int) -> npt.NDArray[Any]:
        left, top, width, height = box
        above, below = min(MARGIN, top), min(MARGIN, self.height - top - height)
        before, behind = min(MARGIN, left), min(MARGIN, self.width - left - width)
        wide = before + width + behind
        wider = (left - before, top - above, wide, above + height + below)
        every = list(range(len(self.scans)))
        planes = self._planes(kernel, every, wider, polarity, above, (height, wide))
        return planes[..., before : before + width]

    def _planes(
        self,
        kernel: Any,
        numbers: list[int],
        box: Box,
        polarity: int,
        first_row: int,
        shape: tuple[int, int],
    ) -> npt.NDArray[Any]:
        scans, pages = zip(*(self._part(k, box) for k in numbers), strict=True)
        brightness = [
            [1.0, 0.0]
            if self.scans.curves[k] is not None
            else [self.scans.gain[k].mean(), self.scans.offset[k].mean() / self.scans.white]
            for k in numbers
        ]
        noise = self.noise * 2**0.5 * AFTER_BLUR
        planes: npt.NDArray[Any] = kernel(
            list(scans),
            list(pages),
            np.array(brightness),
            (noise, MISALIGNED, self.scans.white),
            polarity,
            first_row,
            shape,
            self.scans.threads,
        )
        return planes

    def _part(self, k: int, box: Box) -> tuple[Picture | None, Picture | None]:
        """A scan, and the page according to the other scans, in a part of the scanner."""
        scans = self.scans
        left, top, width, height = box
        rows, columns = scans.pictures.shapes[k][:2]
        width, height = min(width, columns - left), min(height, rows - top)
        if width <= 0 or height <= 0:  # scans may differ in size
            return None, None
        inside = (left, top, width, height)
        if self._kept is not None and self._kept.holds(k, inside):
            return self._kept.part(inside)
        if self.page is not None:
            page = scans.seen_from(k, self.page, inside)
        elif k == 0:
            page = scans.aligned(1, inside)
            if self.aligned is not None and width == columns:
                self.aligned[top : top + height] = page
        else:
            page = scans.seen_from(k, scans.pictures[0], inside)
        return scans.part(k, inside), page


def widest_part(scans: Scans) -> int:
    """The largest number of columns of a part, see `Evidence.parts`."""
    return max(MOST_COLUMNS // len(scans), 1)


def shade(scans: Scans, box: Box, polarity: int) -> Plane:
    """The luminance of the lightest scan; for light dust, of the negative of the darkest one.

    Returns
    -------
    ndarray of float32, shape (H, W)
        0..1.
    """
    left, top, width, height = box
    result = np.full((height, width), -np.inf, np.float32)
    for k, (rows, columns, *_) in enumerate(scans.pictures.shapes):
        inside = (left, top, min(width, columns - left), min(height, rows - top))
        if min(inside[2:]) <= 0:
            continue
        part = scans.part(k, inside)
        has_alpha = alpha_channel(part) is not None
        light = _kernels.reduce_luminance(part, has_alpha, 1, scans.white, scans.threads)[..., 0]
        if scans.curves[k] is None:
            light = light * np.float32(scans.gain[k].mean())
            light += np.float32(scans.offset[k].mean() / scans.white)
        light = 1 - light if polarity > 0 else light
        here = result[: inside[3], : inside[2]]
        np.maximum(here, light, out=here)
    return np.clip(result, 0, 1)
