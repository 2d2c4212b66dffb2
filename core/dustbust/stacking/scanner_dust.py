"""The dust of the scanner, found between the aligned scans of a page."""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..dust.model import DustModel
from ..dust.mask import DustMask
from ..dust.polarity import SIGNS
from ..errors import DustbustError
from ..image.arrays import largest
from ..image.filters import gaussian_blur
from ..image.morphology import dilate

# Marks of a pixel of the scanner: 0 for none, else EDGE and so much more for an opacity of 1. cpp/clean_mean.hpp knows what they mean.
EDGE, PER_OPACITY = 60, 180

# At most so many rows of the scanner are looked at together, which take so many bytes for all scans;
# and rows above and below them that a blur needs.
STRIP, READING_BYTES, MARGIN = 512, 256 << 20, 8

# A small misalignment moves an edge of the page by about this much, px.
MISALIGNED = 0.15

# Dust differs from the page by so many standard deviations, and what is connected with it by so many.
STRONG, WEAK = 4.5, 2.0

# Dust is of one polarity when it has this share of all evidence.
ONE_SIDED = 0.85

# Where it is not clear whether dust or paper differs, this share of the difference is a contrast with the surroundings, about so wide, px.
LEAST_CONTRAST, SURROUNDINGS = 0.35, 12.0

# The soft edge of a particle goes on where it is fainter than the noise, px.
SOFT_EDGE = 2

# The blur of a difference leaves this much of the standard deviation of white noise: three boxes for a sigma of 1.
AFTER_BLUR = 0.28

# Two scans that lie closer together than this, px, show most particles at the same place of the page.
LEAST_MOVE = 3.0

# In the mask of a scanner this opacity is dust, and what is next to it down to this one; opacities are off by about as much as this.
MASKED, FAINT, UNSURE = 0.2, 0.04, 0.05
LARGEST_OPACITY = 0.95


@dataclass
class ScannerDust:
    """What stays with the scanner.

    marks : uint8 (H, W): 0, or EDGE and more.
    polarity : -1 when nearly all of it is darker than the page, 1 when lighter, else 0.
    noise : standard deviation of the luminance of one scan, in 0..1.
    """

    marks: np.ndarray
    polarity: int
    noise: float

    def mask(self, frames):
        """As a mask of the scanner, for scans that have no second one: its grey is the opacity. Dust of one polarity can be restored."""
        opacity = np.clip((self.marks.astype(np.float32) - (EDGE - 2)) / PER_OPACITY, 0, 1)
        effect = self._effect(opacity).pack() if self.polarity else {}
        (polarity,) = (name for name, sign in SIGNS.items() if sign == self.polarity)
        return DustMask(opacity, MASKED, polarity, "stack", frames, effect)

    def _effect(self, opacity):
        """What this dust does to a scan."""
        core = opacity >= MASKED
        where = opacity >= FAINT
        labels = _kernels.particles(where, core)[0]
        where[where] = labels >= 0
        labels, light = (
            _kernels.particles(where, core)[0],
            1 - np.minimum(opacity[where], LARGEST_OPACITY),
        )
        number = int(labels.max(initial=-1)) + 1
        return DustModel(
            where,
            core,
            -np.log(light),
            UNSURE / light,
            np.ones(number, np.float32),
            np.full(number, self.polarity < 0),
        )


def check_moved(registrations, names):
    """Refuse scans between which the page did not move: nothing tells their dust from the page."""
    most = max(registration.moved for registration in registrations)
    if most < LEAST_MOVE:
        raise DustbustError(
            "{scan}: shows the page where {first} shows it (moved by {most:.1f} px), so that nothing tells dust from page; "
            "move the page by more than the size of the dust and scan it again, or use another mode",
            scan=names[-1],
            first=names[0],
            most=most,
        )


def find_scanner_dust(images, report, median_page, polarity, threads, progress=None):
    """The dust that stayed with the scanner while the page moved. -> ScannerDust

    median_page : the page in mode "median", with alpha; used when there are more than two scans.
    polarity : of the dust, one of `mask.POLARITIES`, or None if it is not known.
    """
    height, width = np.max([shape[:2] for shape in images.shapes], axis=0)
    readings = _Readings(images, report, median_page, threads)
    noise, polarity = readings.noise, readings.polarity if polarity is None else SIGNS[polarity]
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
    core = dilate(evidence > STRONG, 4, threads=threads) & (evidence > WEAK)
    del evidence
    if polarity:
        core |= _overlaid(
            core, shade if polarity < 0 else 1 - shade, opacity, report.registrations, threads
        )
    marks = (EDGE + PER_OPACITY * np.clip(opacity, 0, 1)).astype(np.uint8)
    marks[~dilate(core, SOFT_EDGE, threads=threads)] = 0
    return ScannerDust(marks, polarity, noise)


def _overlaid(core, light, opacity, registrations, threads):
    """Parts of particles that lie on other parts of them, in the other scan: there each scan is as dusty as the other, and no difference shows.

    light : of the lightest scan at each pixel of the scanner (of the negative, for light dust).
    opacity : is raised there.

    They are, or lie between, parts that were found, in both scans, and all scans are as dark there as dust.
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
    middle = both & ~core & (1 - gaussian_blur(light, 2.0, threads) / around > 0.4)
    raised = (both & core & (taken > 0.25)) | middle
    opacity[raised] = np.maximum(opacity, taken)[raised]
    return middle


def _is_there_and_back(matrix, shape):
    """Whether a movement, done twice, is none, as half a turn is. Then each of two scans shows at the same place of the scanner the same part
    of the page of the other one, and paper on which dust lies in the other scan differs from it in both, as if it were dust."""
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    return np.abs(((matrix @ matrix - np.eye(3)) @ corners)[:2]).max() < LEAST_MOVE


class _Readings:
    """By how much each scan differs from the page that the others show, on the grid of the scanner.

    noise : standard deviation of the luminance of one scan.
    polarity : of the dust, as in `ScannerDust`.
    rows : so many are best looked at together.
    """

    def __init__(self, images, report, median_page, threads):
        self.images, self.report, self.page, self.threads = images, report, median_page, threads
        height, self.width = np.max([shape[:2] for shape in images.shapes], axis=0)
        # Of a pixel of a scan, 24 bytes are kept.
        self.rows = max(16, min(STRIP, READING_BYTES // (24 * self.width * len(images))))
        sample = min(96, self.rows)
        tops = np.linspace(0, max(height - sample, 0), 8).astype(int)
        differences = (
            self._difference(k, top, sample)[0] for k in range(len(images)) for top in tops
        )
        spread = np.concatenate([d[d != 0][:: len(images)] for d in differences])
        self.noise = max(
            float(np.median(np.abs(spread))) / 0.6745 / 2**0.5 if spread.size else 0.0, 1e-3
        )
        light = dark = 0.0
        for top in tops:
            evidence, share, shade = self.together(top, sample, 0)
            strong = np.abs(evidence) > STRONG
            if len(images) == 2 and _is_there_and_back(
                report.registrations[1].matrix, images.shapes[0]
            ):
                contrast = shade - gaussian_blur(shade, SURROUNDINGS, threads)
                strong &= contrast * np.sign(share) > LEAST_CONTRAST * np.abs(share)
            light, dark = (
                light + float(evidence[strong].clip(min=0).sum()),
                dark - float(evidence[strong].clip(max=0).sum()),
            )
        # A page between two particles of the scanner, each of them on it in one scan, looks like one of the other polarity.
        self.polarity = (
            1
            if light > ONE_SIDED * (light + dark) > 0
            else -1
            if dark > ONE_SIDED * (light + dark) > 0
            else 0
        )

    def together(self, top, rows, polarity):
        """What all scans say of rows of the scanner: (evidence, opacity, shade), float32 (rows, W).

        evidence : difference from the page in standard deviations, below 0 for dark dust.
        opacity : difference as a share of what opaque dust would make.
        shade : luminance of the lightest scan, for light dust (polarity 1) of the darkest one.

        Of two scans, where dust of both polarities is possible, what both say: the median of the two and of 0; and nothing where only one of
        them can be compared, as its difference may come from dust on the other. Where only one polarity is possible one scan is enough:
        it is darker than the other one shows the page, so dust is on it.
        """
        rows = min(rows, max(shape[0] for shape in self.images.shapes) - top)
        scores, shares, own = (
            list(planes)
            for planes in zip(*(self._scores(k, top, rows) for k in range(len(self.images))))
        )
        mode = "median"
        if len(self.images) == 2 and polarity:
            mode = "maximum" if polarity > 0 else "minimum"
        elif len(self.images) == 2:
            nothing = np.zeros_like(scores[0])
            nothing[..., 1] = 1
            known = scores[0][..., 1] * scores[1][..., 1]
            for planes in (scores, shares):
                for plane in planes:
                    plane[..., 1] = known
                planes.append(nothing)
        over = lambda planes, how: _kernels.combine(planes, how, True, self.threads)[..., 0]
        # What differs the other way is the dust of the other scan.
        low, high = (0 if polarity > 0 else -np.inf), (0 if polarity < 0 else np.inf)
        return *(over(planes, mode).clip(low, high) for planes in (scores, shares)), over(
            own, "minimum" if polarity > 0 else "maximum"
        )

    def _difference(self, k, top, rows):
        """(difference, page, own luminance, data) of scan k for rows of the scanner, each (rows, W of the scan), luminances in 0..1."""
        image, registration, report = self.images[k], self.report.registrations[k], self.report
        box = (0, top, image.shape[1], max(min(rows, image.shape[0] - top), 0))
        own = self._luminance(np.ascontiguousarray(image[top : top + box[3]]))
        value = own[..., 0] * np.float32(report.gain[k].mean()) + np.float32(
            report.offset[k].mean() / largest(image.dtype)
        )
        if len(self.images) > 2:
            page = registration.resample(self.page, box, inverse=True, threads=self.threads)
        elif k == 0:
            page = report.registrations[1].resample(
                self.images[1],
                box,
                gain=report.gain[1],
                offset=report.offset[1],
                threads=self.threads,
            )
        else:
            page = registration.resample(self.images[0], box, inverse=True, threads=self.threads)
        page = self._luminance(page)
        data = own[..., 1] * page[..., 1]
        return (value - page[..., 0]) * data, page[..., 0] * data, value, data

    def _scores(self, k, top, rows):
        """Difference in standard deviations, as a share of what dust could make, and own luminance: each (rows, W, 2), second channel 1 where known."""
        first = max(top - MARGIN, 0)
        difference, page, value, data = self._difference(k, first, top + rows + MARGIN - first)
        planes = [np.zeros((rows, self.width, 2), np.float32) for _ in range(3)]
        if min(difference.shape) < 2:
            return planes
        blurred, smooth = (
            gaussian_blur(difference, 1.0, self.threads),
            gaussian_blur(page, 1.0, self.threads),
        )
        slope = np.hypot(*np.gradient(smooth))
        score = blurred / np.hypot(
            np.float32(self.noise * 2**0.5 * AFTER_BLUR), np.float32(MISALIGNED) * slope
        )
        share = np.clip(
            difference / np.maximum(np.where(difference > 0, 1 - page, page), 0.4), -1, 1
        )
        part = slice(top - first, top - first + rows)
        for plane, values in zip(planes, (score, share, value)):
            known = data[part] if values is not value else np.ones_like(data[part])
            plane[: known.shape[0], : known.shape[1], 0] = values[part] * known
            plane[: known.shape[0], : known.shape[1], 1] = known
        return planes

    def _luminance(self, image):
        return _kernels.reduce_luminance(
            image,
            image.ndim == 3 and image.shape[2] in (2, 4),
            1,
            largest(image.dtype),
            self.threads,
        )
