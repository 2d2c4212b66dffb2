"""The dust of the scanner, found between the aligned scans of a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.mask import DustMask
from ..dust.model import DustModel
from ..dust.polarity import SIGNS
from ..errors import DustbustError
from ..image.arrays import Mask, Picture, Plane, alpha_channel
from ..image.filters import gaussian_blur
from ..image.morphology import dilate
from ..image.robust import MEDIAN_OF_ABSOLUTE
from ..registration.register import Registration
from .scans import Scans

# Marks of a pixel of the scanner: 0 for none, else EDGE, and PER_OPACITY more for an opacity of 1.
# The C++ of stacking knows what they mean.
EDGE, PER_OPACITY = 60, 180

# At most this number of rows of the scanner is looked at together, which take this number of bytes
# for all scans; and rows above and below them that a blur needs.
STRIP, READING_BYTES, MARGIN = 512, 256 << 20, 8

# Of a pixel of a scan, this number of bytes is kept.
BYTES_OF_PIXEL = 24

# A small misalignment moves an edge of the page by about this much, px.
MISALIGNED = 0.15

# Dust differs from the page by STRONG standard deviations, and what is connected with it by WEAK.
STRONG, WEAK = 4.5, 2.0

# Dust is of one polarity when it has this share of all evidence.
ONE_SIDED = 0.85

# Where it is not clear whether dust or paper differs, this share of the difference is a contrast
# with the surroundings, about this wide, px.
LEAST_CONTRAST, SURROUNDINGS = 0.35, 12.0

# The soft edge of a particle continues where it is fainter than the noise, px.
SOFT_EDGE = 2

# The blur of a difference leaves this share of the standard deviation of white noise: three boxes
# for a sigma of 1.
AFTER_BLUR = 0.28

# Two scans that lie closer together than this, px, show most particles at the same place of the
# page.
LEAST_MOVE = 3.0

# In the mask of a scanner this opacity is dust, and what is next to it down to FAINT; opacities are
# off by about UNSURE.
MASKED, FAINT, UNSURE = 0.2, 0.04, 0.05
LARGEST_OPACITY = 0.95

# The noise of a scan is not taken for less than this share of the range: a scan of 8 bits has
# steps of four thousandths.
LEAST_NOISE = 1e-3

# The noise and the polarity are found in this number of samples of rows, each this number high.
SAMPLES, SAMPLE_ROWS = 8, 96


@dataclass
class ScannerDust:
    """What stays with the scanner.

    Parameters
    ----------
    marks : ndarray of uint8, shape (H, W)
        0, or EDGE and more.
    polarity : {-1, 0, 1}
        -1 when nearly all of it is darker than the page, 1 when lighter, else 0.
    noise : float
        Standard deviation of the luminance of one scan, in 0..1.
    """

    marks: npt.NDArray[np.uint8]
    polarity: int
    noise: float

    def mask(self, frames: list[str]) -> DustMask:
        """The dust as a mask of the scanner, for scans that have no second one.

        Its grey is the opacity. Dust of one polarity can be restored.
        """
        opacity: Plane = np.clip((self.marks.astype(np.float32) - (EDGE - 2)) / PER_OPACITY, 0, 1)
        effect: dict[str, Any] = self._model(opacity).pack() if self.polarity else {}
        (polarity,) = (name for name, sign in SIGNS.items() if sign == self.polarity)
        return DustMask(opacity, MASKED, polarity, "stack", tuple(frames), effect)

    def _model(self, opacity: Plane) -> DustModel:
        """What this dust does to a scan."""
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
            -np.log(light),
            UNSURE / light,
            np.ones(number, np.float32),
            np.full(number, self.polarity < 0),
        )


def check_moved(registrations: Sequence[Registration], names: Sequence[str]) -> None:
    """Refuse scans between which the page did not move: nothing tells their dust from the page.

    Raises
    ------
    DustbustError
        When it moved by less than `LEAST_MOVE`.
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
    polarity: int | None,
    progress: Callable[[float], object] | None = None,
) -> ScannerDust:
    """The dust that stayed with the scanner while the page moved.

    Parameters
    ----------
    scans : Scans
    median_page : ndarray or None
        The page in mode "median", with alpha; for more than two scans.
    polarity : {-1, 0, 1} or None
        Of the dust, or None if it is not known.
    progress : callable, optional
        `progress(fraction)`.
    """
    height, width = scans.scanner_shape
    readings = _Readings(scans, median_page)
    noise, polarity = readings.noise, readings.polarity if polarity is None else polarity
    evidence, opacity, shade = (np.zeros((height, width), np.float32) for _ in range(3))
    for top in range(0, height, readings.rows):
        rows = slice(top, min(top + readings.rows, height))
        evidence[rows], opacity[rows], shade[rows] = readings.together(
            top, rows.stop - top, polarity
        )
        if progress:
            progress(rows.stop / height)
    for plane in (evidence, opacity):  # in place: of 120 megapixels each takes half a gigabyte
        np.abs(plane, out=plane)
    threads = scans.threads
    core = dilate(evidence > STRONG, 4, threads=threads) & (evidence > WEAK)
    del evidence
    if polarity:
        core |= _overlaid(
            core, shade if polarity < 0 else 1 - shade, opacity, scans.registrations, threads
        )
    marks = (EDGE + PER_OPACITY * np.clip(opacity, 0, 1)).astype(np.uint8)
    marks[~dilate(core, SOFT_EDGE, threads=threads)] = 0
    return ScannerDust(marks, polarity, noise)


def _overlaid(
    core: Mask, light: Plane, opacity: Plane, registrations: list[Registration], threads: int
) -> Mask:
    """Parts of particles that lie on other parts of them in the other scan.

    There each scan is as dusty as the other, and no difference shows. They are, or lie between,
    parts that were found, in both scans, and all scans are as dark there as dust.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        The parts that were found.
    light : ndarray of float32, shape (H, W)
        Of the lightest scan at each pixel of the scanner (of the negative, for light dust).
    opacity : ndarray of float32, shape (H, W)
        Is raised there.
    """
    moved = max(registration.moved for registration in registrations)
    reach = int(np.clip(np.ceil(moved) + SOFT_EDGE, 2, 16))
    closed = ~dilate(~dilate(core, reach, threads=threads), reach, threads=threads)
    picture, box = closed.astype(np.uint8), (0, 0, closed.shape[1], closed.shape[0])
    both = np.zeros_like(closed)
    for registration in registrations[1:]:
        for inverse in (False, True):  # one at a time: there may be many scans
            both |= (
                registration.resample(picture, box, inverse=inverse, threads=threads)[..., 0] > 0
            )
    both &= closed
    around = np.maximum(gaussian_blur(light, 20.0, threads), 0.05)
    # Blurred, for dust is solid where letters are not; less so where dust is known to be.
    taken = 1 - gaussian_blur(light, 1.0, threads) / around
    middle: Mask = both & ~core & (1 - gaussian_blur(light, 2.0, threads) / around > 0.4)
    raised = (both & core & (taken > 0.25)) | middle
    opacity[raised] = np.maximum(opacity, taken)[raised]
    return middle


def _is_there_and_back(matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether a movement, done twice, is none, as half a turn is.

    Then each of two scans shows at the same place of the scanner the same part of the page of the
    other one, and paper on which dust lies in the other scan differs from it in both, as if it
    were dust.
    """
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    return bool(np.abs(((matrix @ matrix - np.eye(3)) @ corners)[:2]).max() < LEAST_MOVE)


class _Readings:
    """By how much each scan differs from the page that the others show, on the scanner's grid.

    Attributes
    ----------
    noise : float
        Standard deviation of the luminance of one scan.
    polarity : {-1, 0, 1}
        Of the dust, as in `ScannerDust`.
    rows : int
        This number is best looked at together.
    """

    def __init__(self, scans: Scans, median_page: Picture | None) -> None:
        self.scans, self.page = scans, median_page
        height, self.width = scans.scanner_shape
        number = len(scans)
        self.rows = max(16, min(STRIP, READING_BYTES // (BYTES_OF_PIXEL * self.width * number)))
        sample = min(SAMPLE_ROWS, self.rows)
        tops = np.linspace(0, max(height - sample, 0), SAMPLES).astype(int)
        self.noise = self._noise(tops, sample)
        self.polarity = self._polarity(tops, sample)

    def _noise(self, tops: npt.NDArray[np.int_], sample: int) -> float:
        number = len(self.scans)
        differences = (self._difference(k, top, sample)[0] for k in range(number) for top in tops)
        spread = np.concatenate([d[d != 0][::number] for d in differences])
        if not spread.size:
            return LEAST_NOISE
        deviation = float(np.median(np.abs(spread))) / MEDIAN_OF_ABSOLUTE
        return max(deviation / 2**0.5, LEAST_NOISE)

    def _polarity(self, tops: npt.NDArray[np.int_], sample: int) -> int:
        scans = self.scans
        back = len(scans) == 2 and _is_there_and_back(scans.registrations[1].matrix, scans.shape)
        light = dark = 0.0
        for top in tops:
            evidence, share, shade = self.together(top, sample, 0)
            strong = np.abs(evidence) > STRONG
            if back:
                contrast = shade - gaussian_blur(shade, SURROUNDINGS, scans.threads)
                strong &= contrast * np.sign(share) > LEAST_CONTRAST * np.abs(share)
            light += float(evidence[strong].clip(min=0).sum())
            dark -= float(evidence[strong].clip(max=0).sum())
        # A page between two particles of the scanner, each of them on it in one scan, looks like
        # one of the other polarity.
        if light > ONE_SIDED * (light + dark) > 0:
            return 1
        return -1 if dark > ONE_SIDED * (light + dark) > 0 else 0

    def together(self, top: int, rows: int, polarity: int) -> tuple[Plane, Plane, Plane]:
        """What all scans show of rows of the scanner.

        Returns
        -------
        evidence : ndarray of float32, shape (rows, W)
            Difference from the page in standard deviations, below 0 for dark dust.
        opacity : ndarray of float32, shape (rows, W)
            Difference as a share of what opaque dust would make.
        shade : ndarray of float32, shape (rows, W)
            Luminance of the lightest scan, for light dust (polarity 1) of the darkest one.

        Notes
        -----
        Of two scans, where dust of both polarities is possible, what both show: the median of the
        two and of 0; and nothing where only one of them can be compared, as its difference may come
        from dust on the other. Where only one polarity is possible one scan is enough: it is darker
        than the other one shows the page, so dust is on it.
        """
        rows = min(rows, self.scans.scanner_shape[0] - top)
        scores, shares, own = (
            list(planes)
            for planes in zip(
                *(self._scores(k, top, rows) for k in range(len(self.scans))), strict=True
            )
        )
        mode = "median"
        if len(self.scans) == 2 and polarity:
            mode = "maximum" if polarity > 0 else "minimum"
        elif len(self.scans) == 2:
            nothing = np.zeros_like(scores[0])
            nothing[..., 1] = 1
            known = scores[0][..., 1] * scores[1][..., 1]
            for planes in (scores, shares):
                for plane in planes:
                    plane[..., 1] = known
                planes.append(nothing)

        def over(planes: list[Plane], how: str) -> Plane:
            return _kernels.combine(planes, how, True, self.scans.threads)[..., 0]

        # What differs the other way is the dust of the other scan.
        low, high = (0 if polarity > 0 else -np.inf), (0 if polarity < 0 else np.inf)
        evidence, opacity = (over(planes, mode).clip(low, high) for planes in (scores, shares))
        return evidence, opacity, over(own, "minimum" if polarity > 0 else "maximum")

    def _difference(self, k: int, top: int, rows: int) -> tuple[Plane, Plane, Plane, Plane]:
        """Difference, page, own luminance and data of scan k for rows of the scanner.

        Each is float32, shape (rows, W of the scan), luminances in 0..1.
        """
        scans = self.scans
        height, width = scans.pictures.shapes[k][:2]
        box = (0, top, width, max(min(rows, height - top), 0))
        own = self._luminance(np.ascontiguousarray(scans.rows(k, top, box[3])))
        value = own[..., 0] * np.float32(scans.gain[k].mean()) + np.float32(
            scans.offset[k].mean() / scans.white
        )
        if self.page is not None:
            page = scans.seen_from(k, self.page, box)
        elif k == 0:
            page = scans.aligned(1, box)
        else:
            page = scans.seen_from(k, scans.pictures[0], box)
        page = self._luminance(page)
        data = own[..., 1] * page[..., 1]
        return (value - page[..., 0]) * data, page[..., 0] * data, value, data

    def _scores(self, k: int, top: int, rows: int) -> list[Plane]:
        """Difference in standard deviations and as a share of what dust could make, and luminance.

        Each is float32, shape (rows, W, 2), its second channel 1 where it is known.
        """
        first = max(top - MARGIN, 0)
        difference, page, value, data = self._difference(k, first, top + rows + MARGIN - first)
        planes = [np.zeros((rows, self.width, 2), np.float32) for _ in range(3)]
        if min(difference.shape) < 2:
            return planes
        blurred, smooth = (
            gaussian_blur(plane, 1.0, self.scans.threads) for plane in (difference, page)
        )
        slope = np.hypot(*np.gradient(smooth))
        score = blurred / np.hypot(
            np.float32(self.noise * 2**0.5 * AFTER_BLUR), np.float32(MISALIGNED) * slope
        )
        share = np.clip(
            difference / np.maximum(np.where(difference > 0, 1 - page, page), 0.4), -1, 1
        )
        part = slice(top - first, top - first + rows)
        for plane, values in zip(planes, (score, share, value), strict=True):
            known = data[part] if values is not value else np.ones_like(data[part])
            plane[: known.shape[0], : known.shape[1], 0] = values[part] * known
            plane[: known.shape[0], : known.shape[1], 1] = known
        return planes

    def _luminance(self, image: Picture) -> Plane:
        return _kernels.reduce_luminance(
            image, alpha_channel(image) is not None, 1, self.scans.white, self.scans.threads
        )
