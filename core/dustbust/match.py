"""Match two pictures of one page: how well they fit where they are thought to lie, and where they fit better."""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import _kernels
from .placement import NO_BEND, Placement

UNBENT = (NO_BEND, (1.0, 1.0))
CELL = _kernels.cell_side
PATCH = CELL * _kernels.patch_cells
CELLS = _kernels.patch_cells ** 2

# Details are what is smaller than twice this, px.
DETAIL = 12

# Tukey's biweight with this many standard deviations loses 5 % of efficiency on normal residuals
# (P. Huber, "Robust Statistics"); a median of absolute values is 0.6745 standard deviations.
TUKEY, MEDIAN_OF_ABSOLUTE = 4.685, 0.6745

# How alike (correlation) the two pictures must be in a patch to agree in it.
ALIKE = 0.6

# Where two scans differ by more than so many standard deviations, each from the other, there is dust;
# and by more than what the page makes that is misplaced by so many px.
DIFFERENT, MISPLACED = 3.0, 0.25

# Details may be in so few patches only.
FEW = 8

# By how much noise may change such a correlation.
UNSURE = 0.05

# About so many patches are looked at: of more, the best ones of each square of so many by so many.
MANY_PATCHES, SQUARE = 1200, 4

# Contrasts are compared at about so many points: the steepest ones, of each patch at most so many.
POINTS, POINTS_OF_PATCH = 2000, 8


class Level:
    """The details of a scan, reduced. luminance: float32 (H, W, 2), second channel 1 where there is data."""

    def __init__(self, luminance, threads):
        self.shape = luminance.shape[:2]
        self.details = _kernels.find_details(luminance, DETAIL, threads)
        self.threads = threads

    @cached_property
    def corners(self):
        """int32 (n, 2), x and y of the first pixel of each patch that lies fully inside."""
        rows, columns = self.shape[0] // PATCH, self.shape[1] // PATCH
        y, x = np.divmod(np.arange(rows * columns, dtype=np.int32), max(columns, 1))
        return np.ascontiguousarray(np.stack([x, y], axis=1) * np.int32(PATCH))

    @cached_property
    def steepest(self):
        """(x, y, gradient), each (n, POINTS_OF_PATCH): where gradients are strongest in each patch, of every second row and column: there a
        misalignment shows."""
        y, x = np.mgrid[:PATCH:2, :PATCH:2].reshape(2, -1).astype(np.int32)
        x, y = (np.clip(self.corners[:, c:c + 1] + at, 1, self.shape[1 - c] - 2) for c, at in ((0, x), (1, y)))
        detail = self.details
        gradient = np.nan_to_num(np.abs(detail[y, x + 1] - detail[y, x - 1]) + np.abs(detail[y + 1, x] - detail[y - 1, x]))
        best = np.argpartition(gradient, -POINTS_OF_PATCH, axis=1)[:, -POINTS_OF_PATCH:]
        return tuple(np.take_along_axis(plane, best, axis=1) for plane in (x, y, gradient))

    def part(self, used):
        """Those of the patches that are `used` (bool)."""
        x, y, gradient = (plane[used].ravel() for plane in self.steepest)
        best = np.argpartition(gradient, -POINTS)[-POINTS:] if len(x) > POINTS else np.arange(len(x))
        return Part(used, np.ascontiguousarray(self.corners[used]), np.ascontiguousarray(np.stack([x[best], y[best]], axis=1)))

    @cached_property
    def whole(self):
        return self.part(np.ones(len(self.corners), bool))

    def warped(self, placement, details):
        """Details of another level, seen from this one."""
        y, x = np.mgrid[:self.shape[0], :self.shape[1]].astype(np.int32)
        points = np.ascontiguousarray(np.stack([x.ravel(), y.ravel()], axis=1))
        return _kernels.warp_points(details, *_warp(placement), points, self.threads).reshape(self.shape)

    @property
    def has_many_patches(self):
        return len(self.corners) > MANY_PATCHES

    def look_only_at_best(self, half):
        """Leave out patches with little structure. half: this level, half as large."""
        sums = _kernels.match_patches(half.details, half.details, np.eye(3), *UNBENT, half.corners, 1.0, np.inf, self.threads)
        hxx, hxy, hyy = np.moveaxis(sums.reshape(-1, sums.shape[2])[:, 4:7], 1, 0)
        # What holds a patch in place in both directions, and, less, in one: J. Shi, C. Tomasi, "Good features to track", 1994.
        trace, least = hxx + hyy, (hxx + hyy) / 2 - np.hypot((hxx - hyy) / 2, hxy)
        x, y = (2 * c for c in centres(half.corners))
        square = (y // (SQUARE * PATCH)).astype(int) * self.shape[1] + (x // (SQUARE * PATCH)).astype(int)
        order = np.lexsort((-(least + 0.1 * trace), square))
        place = np.arange(len(order)) - np.searchsorted(square[order], square[order])
        best = order[place < max(1, round(MANY_PATCHES / len(np.unique(square))))]      # square by square: neighbours in memory
        corners = np.stack([x[best], y[best]], axis=1).astype(np.int32) // PATCH * PATCH
        self.corners = np.ascontiguousarray(corners[(corners[:, 0] + PATCH <= self.shape[1]) & (corners[:, 1] + PATCH <= self.shape[0])])


def centres(corners):
    """x and y, (4 n,), of the middle of each cell of each patch."""
    y, x = np.mgrid[:_kernels.patch_cells, :_kernels.patch_cells].reshape(2, -1) * CELL + (CELL - 1) / 2
    return (corners[:, :1] + x).ravel(), (corners[:, 1:] + y).ravel()


@dataclass
class Part:
    """Some patches of a level: which ones (bool), their corners, and where in them contrasts are compared; int32 (n, 2)."""
    used: np.ndarray
    corners: np.ndarray
    points: np.ndarray


@dataclass
class Match:
    """How well the second picture, so placed, shows what the first one shows.

    part : the patches that were compared; the others count as without details.
    detailed : bool (patches,), those that have details in the overlap
    alike : float (patches,), correlation of the two pictures
    sums : float64 (cells, terms) of cpp/match.hpp, or None without overlap
    gain : by which the details of the second picture are multiplied in them
    """
    placement: Placement
    part: Part
    detailed: np.ndarray
    alike: np.ndarray
    sums: np.ndarray = None
    gain: float = 1.0

    @property
    def agree(self):
        """bool (patches,), those that have details, which both pictures show."""
        return self.detailed & (self.alike > ALIKE)

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
        number, a, b, aa, bb, _ = _of_patches(self.sums.T[10:])[:, self.agree]
        return self.gain * float(np.median(np.sqrt((aa * number - a * a) / (bb * number - b * b))))

    def equations(self):
        """Matrix (2, 2, cells) and vector (2, cells) of the normal equations of each cell's displacement, after an offset in brightness
        of its own is taken out, over the variance of the residuals in its patch: a patch with dust says less than one without."""
        w, gx, gy, r, gxx, gxy, gyy, gxr, gyr = self.sums.T[:9]
        w = np.maximum(w, 1e-9)
        hxy = gxy - gx * gy / w
        normal = np.array([[gxx - gx * gx / w, hxy], [hxy, gyy - gy * gy / w]])
        number, a, b, aa, bb, ab = _of_patches(self.sums.T[10:])
        number = np.maximum(number, 1)
        variance = (aa + bb - 2 * ab) / number - ((a - b) / number) ** 2
        common = max(self.sums[:, 9].sum() / max(self.sums[:, 0].sum(), 1), 1e-12)
        weight = np.repeat(1 / np.maximum(variance, common), CELLS)
        return normal * weight, np.array([gxr - gx * r / w, gyr - gy * r / w]) * weight


def _of_patches(values):
    """Sums over the cells of each patch."""
    return values.reshape(values.shape[:-1] + (-1, CELLS)).sum(axis=-1)


def _solve(basis, normal, right):
    """The step, (parameters,), that explains most of the displacements of the cells, without the patches in which it does not."""
    flat, weight = basis.reshape(len(basis), -1), 1.0
    for _ in range(2):
        left = np.einsum("iam,abm->ibm", basis, normal * weight).reshape(len(basis), -1) @ flat.T
        step = np.linalg.lstsq(left, flat @ (right * weight).ravel(), rcond=1e-9)[0]
        rest = _of_patches(right - np.einsum("abm,ibm,i->am", normal, basis, step))
        (xx, xy), (_, yy) = _of_patches(normal)
        # What is not explained, as chi square of each patch; 1.386 is the median of that with two degrees of freedom.
        determinant = np.maximum(xx * yy - xy ** 2, 1e-12 + 1e-3 * (xx + yy) ** 2)
        chi_square = (yy * rest[0] ** 2 - 2 * xy * rest[0] * rest[1] + xx * rest[1] ** 2) / determinant
        scale = np.median(chi_square[xx + yy > 0]) / 1.386 if (xx + yy > 0).any() else 0.0
        weight = np.repeat(np.maximum(1 - chi_square / max(TUKEY ** 2 * scale, 1e-12), 0) ** 2, CELLS)
    return step


# Unrelated pages of text, placed at their best, agree in up to this share of their patches.
BY_CHANCE = 0.2

# The columns of a step (u, v) = J p in px, at a point (x, y) relative to the centre, in units of the half size.
_BASES = {
    "shift": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x]]),
    "similarity": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, y], [-y, x]]),
    "affine": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, 0 * x], [0 * x, x], [y, 0 * x], [0 * x, y]]),
}


def compare(a, b, placement, part=None):
    """How level b, placed so, fits level a, or part of it. -> Match"""
    part = a.whole if part is None else part
    warp = _warp(placement)
    match = Match(placement, part, np.zeros(len(a.corners), bool), np.zeros(len(a.corners)))
    contrast = _contrast(a, b, warp, part.points)
    if contrast is not None:
        sums = _kernels.match_patches(a.details, b.details, *warp, part.corners, *contrast, a.threads)
        match.detailed[part.used], match.alike[part.used] = _agreement(sums[:, :, 10:].sum(axis=1))
        match.gain = contrast[0]
        match.sums = np.zeros((len(a.corners),) + sums.shape[1:])
        match.sums[part.used] = sums
        match.sums = match.sums.reshape(-1, sums.shape[2])
    return match


def _warp(placement):
    """A placement, as kernels take it."""
    return np.ascontiguousarray(placement.matrix, np.float64), placement.bend, placement.pitch


def find_dust(a, b, placement, contrast):
    """bool (H, W), pixels of the scanner at which each level differs from what the other one shows of the page there, in the same way.

    Where only the placement is wrong they differ in opposite ways.
    placement : without a bend. contrast : of a, over that of b. H, W : as far as both levels reach.
    """
    seen = contrast * a.warped(placement, b.details), b.warped(Placement(np.linalg.inv(placement.matrix)), a.details)
    differences = a.details - seen[0], contrast * b.details - seen[1]
    known = np.abs(differences[0][~np.isnan(differences[0])])
    noise = DIFFERENT / MEDIAN_OF_ABSOLUTE * float(np.median(known)) if known.size else np.inf
    rows, columns = (min(n, m) for n, m in zip(a.shape, b.shape))
    limits = (noise + MISPLACED * np.hypot(*np.gradient(page[:rows, :columns])) for page in seen)
    first, second = (difference[:rows, :columns] / limit for difference, limit in zip(differences, limits))
    return (np.minimum(first, second) > 1) | (np.maximum(first, second) < -1)


def what_stays(a, b, corners):
    """float (patches,), correlation of both levels where neither moved: what stays with the scanner, as dust does, looks alike there."""
    return _agreement(_kernels.compare_patches(a.details, b.details, corners, PATCH, a.threads))[1]


def refine(a, b, placement, models, still, *, iterations=6, precision=0.02):
    """Gauss-Newton steps from a start, with one model after the other, each until a step moves nothing by more than `precision` px.

    still : what stays with the scanner at the patches of `a`. A patch in which either picture shows something of it,
        and which fits better so than by the start, is dust, and not looked at. -> Match
    """
    height, width = a.shape
    half = max(height, width) / 2
    match = compare(a, b, placement)
    if match.sums is None:
        return match
    at = placement.map_points(*(a.corners.T + (PATCH - 1) / 2)) - (PATCH - 1) / 2
    still = np.maximum(still, what_stays(a, b, np.ascontiguousarray(np.rint(at).T, np.int32)))
    page = (still <= ALIKE) | (still <= match.alike + UNSURE)
    if not page.all():
        match.part, match.detailed = a.part(page), match.detailed & page
        match.sums[~np.repeat(page, CELLS)] = 0
    x, y = centres(a.corners)
    x, y = (x - width / 2) / half, (y - height / 2) / half
    for model in models:
        basis = _BASES[model](x, y)
        for _ in range(iterations):
            step = _solve(basis, *match.equations())
            matrix = match.placement.matrix @ np.linalg.inv(_step_matrix(model, step, width, height, half))
            match = compare(a, b, replace(match.placement, matrix=matrix), match.part)
            if match.sums is None or np.abs(step).max() < precision:
                break
        if match.sums is None:
            break
    return match


def _step_matrix(model, step, width, height, half):
    """The matrix I + U of a step."""
    linear = np.zeros((2, 2))
    if model == "similarity":
        linear = np.array([[step[2], -step[3]], [step[3], step[2]]])
    elif model == "affine":
        linear = np.array([[step[2], step[4]], [step[3], step[5]]])
    linear /= half
    update = np.eye(3)
    update[:2, :2] += linear
    update[:2, 2] = step[:2] - linear @ (width / 2, height / 2)
    return update


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
    va, vb, product = aa / number - (a / number) ** 2, bb / number - (b / number) ** 2, ab / number - a * b / number ** 2
    alike = np.where(covered, product / np.sqrt(np.maximum(va * vb, 1e-16)), 0)
    # Details: clearly more variation than the quiet patches have, which is noise where some have much more.
    energy = np.maximum(va, vb)
    ordered = np.sort(energy[covered])
    quiet, loud, most = ordered[len(ordered) // 10], ordered[len(ordered) * 9 // 10], ordered[-min(FEW, len(ordered))]
    detailed = covered & (energy > max(4 * quiet if most > 8 * quiet else 0.0, 0.1 * loud, 1e-7))
    return detailed, alike
