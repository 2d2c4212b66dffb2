"""Match two pictures of one page: how well they fit where they are thought to lie, and where they fit better."""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..image.robust import MEDIAN_OF_ABSOLUTE, TUKEY
from .pyramid import CELLS, PATCH, Part, of_patches
from .transform import Transform, warp_arguments

# How alike (correlation) the two pictures must be in a patch to agree in it.
AGREEING = 0.6

# Where two scans differ by more than so many standard deviations, each from the other, there is dust;
# and by more than what the page makes that is misplaced by so many px.
DIFFERENT, MISPLACED = 3.0, 0.25

# Details may be in so few patches only.
FEWEST_PATCHES = 8

# By how much noise may change such a correlation.
UNSURE = 0.05


@dataclass
class Match:
    """How well the second picture, so placed, shows what the first one shows.

    part : the patches that were compared; the others count as without details.
    detailed : bool (patches,), those that have details in the overlap
    alike : float (patches,), correlation of the two pictures
    sums : float64 (cells, terms) of cpp/match.hpp, or None without overlap
    gain : by which the details of the second picture are multiplied in them
    """

    transform: Transform
    part: Part
    detailed: np.ndarray
    alike: np.ndarray
    sums: np.ndarray = None
    gain: float = 1.0

    @property
    def agree(self):
        """bool (patches,), those that have details, which both pictures show."""
        return self.detailed & (self.alike > AGREEING)

    @property
    def share(self):
        """Share of the details that agree."""
        return float(self.agree.sum() / max(self.detailed.sum(), 1))

    @property
    def support(self):
        """Patches that agree beyond what chance makes agree: a small overlap that fits outweighs a large one that does not."""
        return float(self.agree.sum() - BY_CHANCE * self.detailed.sum())

    @property
    def contrast(self):
        """Contrast of the first picture over that of the second one, of the patches that agree."""
        number, a, b, aa, bb, _ = of_patches(self.sums.T[10:])[:, self.agree]
        return self.gain * float(np.median(np.sqrt((aa * number - a * a) / (bb * number - b * b))))

    def equations(self):
        """Matrix (2, 2, cells) and vector (2, cells) of the normal equations of each cell's displacement, after an offset in brightness
        of its own is taken out, over the variance of the residuals in its patch: a patch with dust says less than one without."""
        w, gx, gy, r, gxx, gxy, gyy, gxr, gyr = self.sums.T[:9]
        w = np.maximum(w, 1e-9)
        hxy = gxy - gx * gy / w
        normal = np.array([[gxx - gx * gx / w, hxy], [hxy, gyy - gy * gy / w]])
        number, a, b, aa, bb, ab = of_patches(self.sums.T[10:])
        number = np.maximum(number, 1)
        variance = (aa + bb - 2 * ab) / number - ((a - b) / number) ** 2
        common = max(self.sums[:, 9].sum() / max(self.sums[:, 0].sum(), 1), 1e-12)
        weight = np.repeat(1 / np.maximum(variance, common), CELLS)
        return normal * weight, np.array([gxr - gx * r / w, gyr - gy * r / w]) * weight


# Unrelated pages of text, placed at their best, agree in up to this share of their patches.
BY_CHANCE = 0.2


def compare(a, b, transform, part=None):
    """How level b, placed so, fits level a, or part of it. -> Match"""
    part = a.whole if part is None else part
    warp = warp_arguments(transform)
    match = Match(transform, part, np.zeros(len(a.corners), bool), np.zeros(len(a.corners)))
    contrast = _contrast(a, b, warp, part.points)
    if contrast is not None:
        sums = _kernels.match_patches(
            a.details, b.details, *warp, part.corners, *contrast, a.threads
        )
        match.detailed[part.used], match.alike[part.used] = _agreement(sums[:, :, 10:].sum(axis=1))
        match.gain = contrast[0]
        match.sums = np.zeros((len(a.corners),) + sums.shape[1:])
        match.sums[part.used] = sums
        match.sums = match.sums.reshape(-1, sums.shape[2])
    return match


def find_dust(a, b, transform, contrast):
    """bool (H, W), pixels of the scanner at which each level differs from what the other one shows of the page there, in the same way.

    Where only the transform is wrong they differ in opposite ways.
    transform : without a distortion. contrast : of a, over that of b. H, W : as far as both levels reach.
    """
    seen = (
        contrast * a.warped(transform, b.details),
        b.warped(Transform(np.linalg.inv(transform.matrix)), a.details),
    )
    differences = a.details - seen[0], contrast * b.details - seen[1]
    known = np.abs(differences[0][~np.isnan(differences[0])])
    noise = DIFFERENT / MEDIAN_OF_ABSOLUTE * float(np.median(known)) if known.size else np.inf
    rows, columns = (min(n, m) for n, m in zip(a.shape, b.shape))
    limits = (noise + MISPLACED * np.hypot(*np.gradient(page[:rows, :columns])) for page in seen)
    first, second = (
        difference[:rows, :columns] / limit for difference, limit in zip(differences, limits)
    )
    return (np.minimum(first, second) > 1) | (np.maximum(first, second) < -1)


def what_stays(a, b, corners):
    """float (patches,), correlation of both levels where neither moved: what stays with the scanner, as dust does, looks alike there."""
    return _agreement(_kernels.compare_patches(a.details, b.details, corners, PATCH, a.threads))[1]


def _contrast(a, b, warp, points):
    """(gain, limit): what makes the contrast of b that of a, and the residual beyond which no pixel is believed; None without overlap."""
    x, y = points.T
    first, second = a.details[y, x], _kernels.warp_points(b.details, *warp, points, 1)
    both = ~np.isnan(first + second)
    if both.sum() < 50:
        return None
    first, second = first[both], second[both]
    limit = np.inf
    # Contrast by the ratio of the sums of squares, not by regression: noise is in both. Twice, the second time without outliers.
    gain = 1.0
    for _ in range(2):
        fits = np.abs(second * gain - first) <= limit
        energy = float(np.sum(second[fits] ** 2))
        gain = (float(np.sum(first[fits] ** 2)) / energy) ** 0.5 if energy > 0 else 1.0
        limit = TUKEY / MEDIAN_OF_ABSOLUTE * float(np.median(np.abs(second * gain - first))) + 1e-4
    return gain, limit


def _agreement(sums):
    """Which patches have details in the overlap, and how both levels correlate in each, 0 outside. sums: (patches, 6), unweighted."""
    number, a, b, aa, bb, ab = sums.T
    covered = number >= 0.7 * PATCH * PATCH
    if not covered.any():
        return covered, np.zeros(len(covered))
    number = np.maximum(number, 1)
    va, vb, product = (
        aa / number - (a / number) ** 2,
        bb / number - (b / number) ** 2,
        ab / number - a * b / number**2,
    )
    alike = np.where(covered, product / np.sqrt(np.maximum(va * vb, 1e-16)), 0)
    # Details: clearly more variation than the quiet patches have, which is noise where some have much more.
    energy = np.maximum(va, vb)
    ordered = np.sort(energy[covered])
    quiet, loud, most = (
        ordered[len(ordered) // 10],
        ordered[len(ordered) * 9 // 10],
        ordered[-min(FEWEST_PATCHES, len(ordered))],
    )
    detailed = covered & (energy > max(4 * quiet if most > 8 * quiet else 0.0, 0.1 * loud, 1e-7))
    return detailed, alike
