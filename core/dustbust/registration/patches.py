"""Match two pictures of one page: how well they fit as placed, and where they fit better."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask
from ..image.linear import inverse
from ..image.robust import MEDIAN_OF_ABSOLUTE, TUKEY
from .pyramid import CELLS, PATCH, Integers, Level, Part, of_patches
from .transform import Transform, WarpArguments, warp_arguments

# Two pictures agree in a patch if their correlation there is at least this.
AGREEING = 0.6

Doubles = npt.NDArray[np.float64]

# There is dust where two scans, each compared with the other, differ by more than DIFFERENT
# standard deviations and by more than a misplacement of MISPLACED px explains.
DIFFERENT, MISPLACED = 3.0, 0.25

# Fewest patches with details that are enough for a match.
FEWEST_PATCHES = 8

# Amount by which noise may change such a correlation.
UNSURE = 0.05


@dataclass
class Match:
    """The agreement of the second picture, at a given place, with the first one.

    Parameters
    ----------
    transform : Transform
        Where the second picture is thought to lie.
    part : Part
        The patches that were compared; the others count as without details.
    detailed : ndarray of bool, shape (patches,)
        Those that have details in the overlap.
    alike : ndarray of float, shape (patches,)
        Correlation of the two pictures.
    sums : ndarray of float64, shape (cells, terms), or None
        Of the kernel `match_patches`; None without overlap.
    gain : float
        By which the details of the second picture are multiplied in them.
    """

    transform: Transform
    part: Part
    detailed: Mask
    alike: Doubles
    sums: Doubles | None = None
    gain: float = 1.0

    @property
    def agree(self) -> Mask:
        """bool (patches,), those that have details, which both pictures show."""
        agree: Mask = self.detailed & (self.alike > AGREEING)
        return agree

    @property
    def share(self) -> float:
        """Share of the details that agree."""
        return float(self.agree.sum() / max(self.detailed.sum(), 1))

    @property
    def support(self) -> float:
        """Patches that agree beyond what chance makes agree.

        A small overlap that fits outweighs a large one that does not.
        """
        return float(self.agree.sum() - BY_CHANCE * self.detailed.sum())

    @property
    def contrast(self) -> float:
        """Contrast of the first picture over that of the second, of the patches that agree."""
        assert self.sums is not None
        number, a, b, aa, bb, _ = of_patches(self.sums.T[10:])[:, self.agree]
        return self.gain * float(np.median(np.sqrt((aa * number - a * a) / (bb * number - b * b))))

    def equations(self) -> tuple[Doubles, Doubles]:
        """The normal equations of each cell's displacement: (2, 2, cells), and vector (2, cells).

        After an offset in brightness of its own is taken out, over the variance of the residuals in
        its patch: a patch with dust counts for less than one without.
        """
        assert self.sums is not None
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


def compare(a: Level, b: Level, transform: Transform, part: Part | None = None) -> Match:
    """Compare level b, placed by a transform, with level a or part of it."""
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
        all_sums = np.zeros((len(a.corners), *sums.shape[1:]))
        all_sums[part.used] = sums
        match.sums = all_sums.reshape(-1, sums.shape[2])
    return match


def find_dust(a: Level, b: Level, transform: Transform, contrast: float) -> Mask:
    """Where each level differs from what the other one shows of the page there, in the same way.

    Where only the transform is wrong they differ in opposite ways.

    Parameters
    ----------
    a, b : Level
    transform : Transform
        Without a distortion.
    contrast : float
        Of `a`, over that of `b`.

    Returns
    -------
    ndarray of bool, shape (H, W)
        Pixels of the scanner, as far as both levels reach.
    """
    pages = (
        contrast * a.warped(transform, b.details),
        b.warped(Transform(inverse(transform.matrix)), a.details),
    )
    differences = a.details - pages[0], contrast * b.details - pages[1]
    known = np.abs(differences[0][~np.isnan(differences[0])])
    noise = DIFFERENT / MEDIAN_OF_ABSOLUTE * float(np.median(known)) if known.size else np.inf
    rows, columns = (min(n, m) for n, m in zip(a.shape, b.shape, strict=True))
    limits = (noise + MISPLACED * np.hypot(*np.gradient(page[:rows, :columns])) for page in pages)
    first, second = (
        difference[:rows, :columns] / limit
        for difference, limit in zip(differences, limits, strict=True)
    )
    dust: Mask = (np.minimum(first, second) > 1) | (np.maximum(first, second) < -1)
    return dust


def what_stays(a: Level, b: Level, corners: Integers) -> Doubles:
    """float (patches,), correlation of both levels without any movement.

    Details that stay with the scanner, such as dust, are alike there.
    """
    return _agreement(_kernels.compare_patches(a.details, b.details, corners, PATCH, a.threads))[1]


def _contrast(
    a: Level, b: Level, warp: WarpArguments, points: Integers
) -> tuple[float, float] | None:
    """(gain, limit): what makes the contrast of b that of a, and the largest residual that counts.

    None without overlap.
    """
    x, y = points.T
    first, second = a.details[y, x], _kernels.warp_points(b.details, *warp, points, 1)
    both = ~np.isnan(first + second)
    if both.sum() < 50:
        return None
    first, second = first[both], second[both]
    limit = np.inf
    # Contrast by the ratio of the sums of squares, not by regression: noise is in both. Twice, the
    # second time without outliers.
    gain = 1.0
    for _ in range(2):
        fits = np.abs(second * gain - first) <= limit
        energy = float(np.sum(second[fits] ** 2))
        gain = (float(np.sum(first[fits] ** 2)) / energy) ** 0.5 if energy > 0 else 1.0
        limit = TUKEY / MEDIAN_OF_ABSOLUTE * float(np.median(np.abs(second * gain - first))) + 1e-4
    return gain, limit


def _agreement(sums: Doubles) -> tuple[Mask, Doubles]:
    """Which patches have details in the overlap, and how both levels correlate in each, 0 outside.

    sums : (patches, 6), unweighted.
    """
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
    # Details: clearly more variation than the quiet patches have, which is noise where some have
    # much more.
    energy = np.maximum(va, vb)
    ordered = np.sort(energy[covered])
    quiet, loud, most = (
        ordered[len(ordered) // 10],
        ordered[len(ordered) * 9 // 10],
        ordered[-min(FEWEST_PATCHES, len(ordered))],
    )
    detailed = covered & (energy > max(4 * quiet if most > 8 * quiet else 0.0, 0.1 * loud, 1e-7))
    return detailed, alike
