"""The dust of the scanner, found between the aligned scans of a page."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
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
from .brightness import brightened
from .scans import Scans
from .tone import curved

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

# Rows above and below a strip that the blurs of `_overlaid` need.
OVERLAID_MARGIN = 72

# The same for the surroundings of a difference.
VOTES_MARGIN = 32

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


# Of two scans: a particle is on a scan that shows at least this share of what the other one shows
# of it; without this share the particle was wiped off or has come.
PRESENT = 0.25

# Where less than this share of what differs between two scans stayed with the scanner, chance may
# have made it: then the polarity is that of the differences between the aligned scans.
STAYS = 0.12

# Differences are looked at apart from their edges, px; details are smaller than about DETAIL px,
# and surroundings are about AROUND px wide.
INSIDE, NEAR, DETAIL, AROUND = 2, 3, 2.0, 6.0

# Dust takes contrast from the page under it: the scan that has less than this share of the energy
# of the details around, and less than half of the other scan's, is the dusty one.
# Chosen on nine microfilm pages with dust of 0.5 to 1 opacity: 0.10 to 0.23 under dust that is as
# light as the paper, 0.47 and more in clean scans.
ATTENUATED = 0.33

# Without such a difference, the dusty scan is the one that differs from its surroundings, if this
# share of all evidence agrees.
CONTRASTING = 0.3

# The fewest pixels for that.
FEWEST_PIXELS = 200

Marks = npt.NDArray[np.uint8]


@dataclass
class ScannerDust:
    """What stays with the scanner.

    Parameters
    ----------
    marks : ndarray of uint8, shape (H, W)
        0, or EDGE and more.
    own : list of ndarray of uint8, shape (H, W)
        The same for each scan, where they are known one by one: particles may have been wiped off,
        or have come, between the scans. Empty where `marks` count for all.
    polarity : {-1, 0, 1}
        -1 when nearly all of it is darker than the page, 1 when lighter, else 0.
    noise : float
        Standard deviation of the luminance of one scan, in 0..1.
    """

    marks: Marks
    own: list[Marks]
    polarity: int
    noise: float

    def of_scan(self, k: int) -> Marks:
        """The marks of a scan."""
        return self.own[k] if self.own else self.marks

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
            (-np.log(light)).astype(np.float32),
            (UNSURE / light).astype(np.float32),
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
    shape = scans.scanner_shape
    readings = _Readings(scans, median_page)
    sign = readings.polarity if polarity is None else polarity
    found = _Found(shape, len(scans) == 2)
    for top in range(0, shape[0], readings.rows):
        rows = min(readings.rows, shape[0] - top)
        found.put(top, readings.together(top, rows, sign), sign)
        if progress:
            progress((top + rows) / shape[0])
    threads = scans.threads
    core = dilate(found.codes == STRONG_CODE, 4, threads=threads) & (found.codes >= WEAK_CODE)
    if len(scans) != 2:
        if sign:
            core |= _overlaid(core, found, scans)
        marks = found.opacity
        marks[~dilate(core, SOFT_EDGE, threads=threads)] = 0
        return ScannerDust(marks, [], sign, readings.noise)
    present = _present(core, found.of_scans)
    if sign:
        middle = _overlaid(present[0] & present[1], found, scans)
        for cores in present:
            cores |= middle
    elif found.votes is not None:
        for cores, more in zip(present, _differing(core, found, scans), strict=True):
            cores |= more
    own = []
    for cores in present:
        marks = found.opacity.copy()
        marks[~dilate(cores, SOFT_EDGE, threads=threads)] = 0
        own.append(marks)
    return ScannerDust(own[-1], own, sign, readings.noise)


# What a pixel of the scanner shows: nothing, dust beside stronger dust, dust; or it is not known.
WEAK_CODE, STRONG_CODE, UNKNOWN_CODE = 1, 2, 3


class _Found:
    """What was found on the scanner, in planes of one byte a pixel.

    Attributes
    ----------
    codes : ndarray of uint8, shape (H, W)
        What all scans show together.
    opacity : ndarray of uint8, shape (H, W)
        As marks.
    shade : ndarray of uint8, shape (H, W)
        Luminance of the lightest scan, for light dust of the negative of the darkest one.
    of_scans : list of two ndarray of uint8, shape (H, W)
        Codes of each scan, where there are two.
    votes : ndarray of int8, shape (H, W), or None
        Where the two scans differ and nothing stays: above 0 where dust lies on scan 0, below 0
        where it lies on scan 1, on the grid of scan 0. None where the polarity decides.
    """

    def __init__(self, shape: tuple[int, int], two: bool) -> None:
        self.codes, self.opacity, self.shade = (np.zeros(shape, np.uint8) for _ in range(3))
        self.of_scans = [np.zeros(shape, np.uint8) for _ in range(2 if two else 0)]
        self.votes: npt.NDArray[np.int8] | None = None

    def put(self, top: int, reading: "_Reading", sign: int) -> None:
        """Add rows of the scanner, from `top` on."""
        rows = slice(top, top + len(reading.evidence))
        self.codes[rows] = _codes(reading.evidence)
        self.opacity[rows] = EDGE + PER_OPACITY * np.clip(np.abs(reading.opacity), 0, 1)
        light = 1 - reading.shade if sign > 0 else reading.shade
        self.shade[rows] = np.clip(light, 0, 1) * 255 + 0.5
        for plane, evidence in zip(self.of_scans, reading.of_scans, strict=False):
            plane[rows] = _codes(evidence[..., 0])
            plane[rows][evidence[..., 1] == 0] = UNKNOWN_CODE
        if reading.votes is not None:
            if self.votes is None:
                self.votes = np.zeros(self.codes.shape, np.int8)
            self.votes[rows] = reading.votes


def _codes(evidence: Plane) -> Marks:
    """WEAK_CODE and STRONG_CODE by the size of the evidence."""
    strength = np.abs(evidence)
    return (strength > WEAK).astype(np.uint8) + (strength > STRONG)


def _present(core: Mask, codes: list[Marks]) -> list[Mask]:
    """The particles that lie on each of two scans.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        All particles.
    codes : list of ndarray of uint8, shape (H, W)
        What each scan shows of them.
    """
    labels = _kernels.connected_components(core, core)[0]
    number = int(labels.max(initial=-1)) + 1
    strong, unknown = (
        [np.bincount(labels[plane[core] == code], minlength=number) for plane in codes]
        for code in (STRONG_CODE, UNKNOWN_CODE)
    )
    size = np.bincount(labels, minlength=number)
    present = []
    for k in (0, 1):
        enough = strong[k] >= PRESENT * np.maximum(strong[0], strong[1])
        plane = np.zeros_like(core)
        plane[core] = (enough | (2 * unknown[k] > size))[labels]
        present.append(plane)
    return present


def _differing(core: Mask, found: _Found, scans: Scans) -> list[Mask]:
    """Where two scans differ, nothing stays and no polarity is known: the dust of each scan.

    core : what stays.
    """
    assert found.votes is not None
    threads = scans.threads
    box = (0, 0, core.shape[1], core.shape[0])
    stays = dilate(core, SOFT_EDGE, threads=threads)
    there = scans.on_page(1, stays.astype(np.uint8), box)[..., 0] > 0
    differing: Mask = (found.votes != 0) & ~stays & ~there
    labels = _kernels.connected_components(differing, differing)[0]
    votes = np.bincount(labels, found.votes[differing])
    of_first, of_second = np.zeros_like(differing), np.zeros_like(differing)
    of_first[differing], of_second[differing] = votes[labels] > 0, votes[labels] <= 0
    seen = scans.seen_from(1, of_second.astype(np.uint8), box)[..., 0] > 0
    return [of_first, seen]


def _overlaid(core: Mask, found: _Found, scans: Scans) -> Mask:
    """Parts of particles that lie on other parts of them in the other scan.

    There each scan is as dusty as the other, and no difference shows. They are, or lie between,
    parts that were found, in both scans, and all scans are as dark there as dust.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        The parts that were found.
    found : _Found
        Its opacity is raised there.
    scans : Scans
    """
    threads = scans.threads
    reach = int(np.clip(np.ceil(scans.moved) + SOFT_EDGE, 2, 16))
    closed = ~dilate(~dilate(core, reach, threads=threads), reach, threads=threads)
    picture = closed.astype(np.uint8)
    height, width = core.shape
    middle = np.zeros_like(core)
    for top in range(0, height, STRIP):
        rows = slice(top, min(top + STRIP, height))
        if not closed[rows].any():
            continue
        box, both = (0, top, width, rows.stop - top), np.zeros((rows.stop - top, width), bool)
        for registration in scans.registrations[1:]:
            for inverse in (False, True):  # one at a time: there may be many scans
                moved = registration.resample(picture, box, inverse=inverse, threads=threads)
                both |= moved[..., 0] > 0
        both &= closed[rows]
        first = max(top - OVERLAID_MARGIN, 0)
        wider = slice(first, min(rows.stop + OVERLAID_MARGIN, height))
        inner = slice(top - first, rows.stop - first)
        light = found.shade[wider].astype(np.float32) / np.float32(255)
        around = np.maximum(gaussian_blur(light, 20.0, threads), 0.05)
        # Blurred, for dust is solid where letters are not; less so where dust is known to be.
        taken = (1 - gaussian_blur(light, 1.0, threads) / around)[inner]
        solid = (1 - gaussian_blur(light, 2.0, threads) / around)[inner] > 0.4
        middle[rows] = both & ~core[rows] & solid
        raised = (both & core[rows] & (taken > 0.25)) | middle[rows]
        opacity, marks = found.opacity[rows], EDGE + PER_OPACITY * np.clip(taken[raised], 0, 1)
        opacity[raised] = np.maximum(opacity[raised], marks.astype(np.uint8))
    return middle


def _is_there_and_back(matrix: npt.NDArray[np.float64], shape: tuple[int, ...]) -> bool:
    """Whether a movement, done twice, is none, as half a turn is.

    Then each of two scans shows at the same place of the scanner the same part of the page of the
    other one, and paper on which dust lies in the other scan differs from it in both, as if it
    were dust.
    """
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    return bool(np.abs(((matrix @ matrix - np.eye(3)) @ corners)[:2]).max() < LEAST_MOVE)


@dataclass
class _Reading:
    """What all scans show of rows of the scanner.

    Parameters
    ----------
    evidence : ndarray of float32, shape (rows, W)
        Difference from the page in standard deviations, below 0 for dark dust.
    opacity : ndarray of float32, shape (rows, W)
        Difference as a share of what opaque dust would make.
    shade : ndarray of float32, shape (rows, W)
        Luminance of the lightest scan, for light dust (polarity 1) of the darkest one.
    of_scans : list of ndarray of float32, shape (rows, W, 2)
        The evidence of each of two scans; second channel 1 where it is known.
    votes : ndarray of int8, shape (rows, W), or None
        See `_Found`.
    """

    evidence: Plane
    opacity: Plane
    shade: Plane
    of_scans: list[Plane]
    votes: npt.NDArray[np.int8] | None


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
        stays = 0
        for top in tops:
            reading = self.together(top, sample, 0)
            strong = np.abs(reading.evidence) > STRONG
            stays += np.count_nonzero(strong)
            if back:
                contrast = reading.shade - gaussian_blur(reading.shade, SURROUNDINGS, scans.threads)
                strong &= contrast * np.sign(reading.opacity) > LEAST_CONTRAST * np.abs(
                    reading.opacity
                )
            light += float(reading.evidence[strong].clip(min=0).sum())
            dark -= float(reading.evidence[strong].clip(max=0).sum())
        if len(scans) == 2:
            differences = sum((self._differences(top, sample) for top in tops), _Differences())
            if stays < STAYS * differences.pixels:
                return differences.polarity
        # A page between two particles of the scanner, each of them on it in one scan, looks like
        # one of the other polarity.
        if light > ONE_SIDED * (light + dark) > 0:
            return 1
        return -1 if dark > ONE_SIDED * (light + dark) > 0 else 0

    def _differences(self, top: int, rows: int) -> "_Differences":
        """What differs between two aligned scans in rows of scan 0."""
        score, value, page, data = self._score(0, top, rows)
        strong = (np.abs(score) > STRONG) & (data > 0)
        return _measured(score, value, page, strong, self.noise, self.scans.threads)

    def together(self, top: int, rows: int, polarity: int) -> _Reading:
        """What all scans show of rows of the scanner.

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
        # What differs the other way is the dust of the other scan.
        low, high = (0 if polarity > 0 else -np.inf), (0 if polarity < 0 else np.inf)
        of_scans: list[Plane] = []
        votes = None
        if len(self.scans) == 2:
            of_scans = [plane.copy() for plane in scores]
            for plane in of_scans:
                plane[..., 0] = plane[..., 0].clip(low, high)
            if polarity:
                mode = "maximum" if polarity > 0 else "minimum"
            else:
                votes = self._votes(top, rows)
                nothing = np.zeros_like(scores[0])
                nothing[..., 1] = 1
                known = scores[0][..., 1] * scores[1][..., 1]
                for planes in (scores, shares):
                    for plane in planes:
                        plane[..., 1] = known
                    planes.append(nothing)

        def over(planes: list[Plane], how: str) -> Plane:
            return _kernels.combine(planes, how, True, self.scans.threads)[..., 0]

        evidence, opacity = (over(planes, mode).clip(low, high) for planes in (scores, shares))
        shade = over(own, "minimum" if polarity > 0 else "maximum")
        return _Reading(evidence, opacity, shade, of_scans, votes)

    def _votes(self, top: int, rows: int) -> npt.NDArray[np.int8]:
        """Which of two scans differs more from its surroundings where they differ: see `_Found`."""
        first = max(top - VOTES_MARGIN, 0)
        score, value, page, data = self._score(0, first, top + rows + VOTES_MARGIN - first)
        votes = np.zeros((rows, self.width), np.int8)
        if min(score.shape) < 2:
            return votes
        strong = (np.abs(score) > STRONG) & (data > 0)
        beside = dilate(strong, 4, threads=self.scans.threads) & (np.abs(score) > WEAK) & (data > 0)
        mean = _surroundings(
            (value + page) * np.float32(0.5), beside | (data == 0), self.scans.threads
        )[0]
        vote = np.abs(value - mean) - np.abs(page - mean)
        part = slice(top - first, top - first + rows)
        values = (np.clip(np.rint(127 * vote), -127, 127) * beside)[part]
        values[(values == 0) & beside[part]] = 1
        votes[: values.shape[0], : values.shape[1]] = values
        return votes

    def _score(self, k: int, top: int, rows: int) -> tuple[Plane, Plane, Plane, Plane]:
        """Difference in standard deviations, own luminance, page, and data of scan k."""
        difference, page, value, data = self._difference(k, top, rows)
        if min(difference.shape) < 2:
            return difference, value, page, data
        blurred, smooth = (
            gaussian_blur(plane, 1.0, self.scans.threads) for plane in (difference, page)
        )
        slope = np.hypot(*np.gradient(smooth))
        score = blurred / np.hypot(
            np.float32(self.noise * 2**0.5 * AFTER_BLUR), np.float32(MISALIGNED) * slope
        )
        return score, value, page, data

    def _difference(self, k: int, top: int, rows: int) -> tuple[Plane, Plane, Plane, Plane]:
        """Difference, page, own luminance and data of scan k for rows of the scanner.

        Each is float32, shape (rows, W of the scan), luminances in 0..1.
        """
        scans = self.scans
        height, width = scans.pictures.shapes[k][:2]
        box = (0, top, width, min(rows, height - top))
        if box[3] <= 0:  # scans may differ in height
            nothing = np.zeros((0, width), np.float32)
            return nothing, nothing, nothing, nothing
        rows_of_scan = np.ascontiguousarray(scans.rows(k, top, box[3]))
        curves = scans.curves[k]
        if curves is None:
            own = self._luminance(rows_of_scan)
            value = own[..., 0] * np.float32(scans.gain[k].mean()) + np.float32(
                scans.offset[k].mean() / scans.white
            )
        else:
            even = brightened(rows_of_scan, scans.gain[k], scans.offset[k])
            own = self._luminance(curved(np.atleast_3d(even), curves))
            value = own[..., 0]
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
        score, value, page, data = self._score(k, first, top + rows + MARGIN - first)
        planes = [np.zeros((rows, self.width, 2), np.float32) for _ in range(3)]
        if min(score.shape) < 2:
            return planes
        difference = (value - page) * data
        share = np.clip(
            difference / np.maximum(np.where(difference > 0, 1 - page, page), 0.4), -1, 1
        )
        part = slice(top - first, top - first + rows)
        everywhere = np.ones_like(data)
        shown = [(score, data), (share.astype(np.float32, copy=False), data), (value, everywhere)]
        for plane, (values, where) in zip(planes, shown, strict=True):
            known = where[part]
            plane[: known.shape[0], : known.shape[1], 0] = values[part] * known
            plane[: known.shape[0], : known.shape[1], 1] = known
        return planes

    def _luminance(self, image: Picture) -> Plane:
        return _kernels.reduce_luminance(
            image, alpha_channel(image) is not None, 1, self.scans.white, self.scans.threads
        )


@dataclass
class _Differences:
    """What differs between two aligned scans, whether or not it stays with the scanner.

    Parameters
    ----------
    pixels : int
        That differ.
    inside : int
        Of these, those that are not at the edge of what differs.
    lighter, darker, around : float
        Energies of the details there: in the lighter and in the darker scan, and of the page
        around.
    darker_differs, differs : float
        By how much the darker scan differs from its surroundings more than the lighter one does, in
        standard deviations; and the same without sign.
    """

    pixels: int = 0
    inside: int = 0
    lighter: float = 0.0
    darker: float = 0.0
    around: float = 0.0
    darker_differs: float = 0.0
    differs: float = 0.0

    def __add__(self, other: "_Differences") -> "_Differences":
        return _Differences(
            *(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True))
        )

    @property
    def polarity(self) -> int:
        """Of the dust that makes the differences: -1 dark, 1 light, 0 unknown."""
        if self.inside >= FEWEST_PIXELS and self.around > 0:
            lighter, darker = self.lighter / self.around, self.darker / self.around
            if lighter < ATTENUATED and lighter < darker / 2:
                return 1
            if darker < ATTENUATED and darker < lighter / 2:
                return -1
        if abs(self.darker_differs) <= CONTRASTING * self.differs or not self.differs:
            return 0
        return -1 if self.darker_differs > 0 else 1


def _measured(
    score: Plane, value: Plane, page: Plane, strong: Mask, noise: float, threads: int
) -> _Differences:
    """The differences between a scan and the page that the other scan shows.

    score : the difference in standard deviations. strong : where it counts.
    """
    if min(score.shape) < 2 or not strong.any():
        return _Differences()
    inside = ~dilate(~strong, INSIDE, threads=threads)
    beside = dilate(strong, NEAR, threads=threads)
    both: Plane = (value + page) * np.float32(0.5)
    # Of the noise, the mean of the surroundings takes this share away.
    floor = np.float32(0.9 * noise**2)
    energies = [_details(plane, inside, threads) - floor for plane in (value, page)]
    calm = _details(both, ~beside, threads)
    around = _mean(calm, ~beside, AROUND, threads) - floor / 2
    is_darker = score < 0
    lighter = np.where(is_darker, energies[1], energies[0])[inside]
    darker = np.where(is_darker, energies[0], energies[1])[inside]
    mean, variance = _surroundings(both, beside, threads)
    apart = np.abs(np.minimum(value, page) - mean) - np.abs(np.maximum(value, page) - mean)
    apart = (apart / np.sqrt(variance + np.float32(noise**2)))[
        strong & (variance <= np.median(variance))
    ]
    return _Differences(
        int(np.count_nonzero(strong)),
        int(np.count_nonzero(inside)),
        float(lighter.sum(dtype=float)),
        float(darker.sum(dtype=float)),
        float(np.maximum(around[inside], 0).sum(dtype=float)),
        float(apart.sum(dtype=float)),
        float(np.abs(apart).sum(dtype=float)),
    )


def _mean(plane: Plane, where: Mask, sigma: float, threads: int) -> Plane:
    """The blurred mean of a plane over the pixels `where`."""
    weight = where.astype(np.float32)
    total = gaussian_blur(plane * weight, sigma, threads)
    mean: Plane = total / (gaussian_blur(weight, sigma, threads) + np.float32(1e-6))
    return mean


def _details(plane: Plane, where: Mask, threads: int) -> Plane:
    """The squared difference of each pixel `where` from the mean around it; 0 elsewhere."""
    details: Plane = (plane - _mean(plane, where, DETAIL, threads)) ** 2 * where
    return details


def _surroundings(plane: Plane, hidden: Mask, threads: int) -> tuple[Plane, Plane]:
    """Mean and variance of what is around each pixel and not hidden."""
    mean = _mean(plane, ~hidden, AROUND, threads)
    square = _mean(plane * plane, ~hidden, AROUND, threads)
    return mean, np.maximum(square - mean * mean, 0)
