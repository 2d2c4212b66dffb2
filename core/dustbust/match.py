"""Match two pictures of one page: how well they fit where they are thought to lie, and where they fit better."""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import _kernels
from .placement import NO_BEND, Placement

CELL = _kernels.cell_side
PATCH = CELL * _kernels.patch_cells

# Details are what is smaller than twice this, px.
DETAIL = 12

# Tukey's biweight with this many standard deviations loses 5 % of efficiency on normal residuals
# (P. Huber, "Robust Statistics"); a median of absolute values is 0.6745 standard deviations.
TUKEY, MEDIAN_OF_ABSOLUTE = 4.685, 0.6745

# How alike (correlation) the two pictures must be in a patch to agree in it.
ALIKE = 0.6

# About so many patches are looked at: of more, the best ones of each square of so many by so many.
MANY_PATCHES, SQUARE = 1200, 4

# Points at which contrasts are compared.
POINTS = 4000


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
    def points(self):
        """int32 (n, 2), x and y of points with strong gradients, where a misalignment shows."""
        corners = self.corners[::max(1, len(self.corners) * PATCH * PATCH // (8 * POINTS))]
        y, x = np.mgrid[:PATCH, :PATCH].reshape(2, -1)
        x, y = (corners[:, :1] + x).ravel(), (corners[:, 1:] + y).ravel()
        inside = (x > 0) & (y > 0) & (x < self.shape[1] - 1) & (y < self.shape[0] - 1)
        x, y = x[inside], y[inside]
        detail = self.details
        gradient = np.abs(detail[y, x + 1] - detail[y, x - 1]) + np.abs(detail[y + 1, x] - detail[y - 1, x])
        number = min(POINTS, len(x) // 8 + 1)
        best = np.sort(np.argpartition(np.nan_to_num(gradient), -number)[-number:]) if len(x) > number else np.arange(len(x))
        return np.ascontiguousarray(np.stack([x[best], y[best]], axis=1), np.int32)

    def warped(self, matrix):
        """The details, seen through a matrix (3, 3)."""
        y, x = np.mgrid[:self.shape[0], :self.shape[1]].astype(np.int32)
        points = np.ascontiguousarray(np.stack([x.ravel(), y.ravel()], axis=1))
        return _kernels.warp_points(self.details, matrix, NO_BEND, (1.0, 1.0), points, self.threads).reshape(self.shape)

    @property
    def has_many_patches(self):
        return len(self.corners) > MANY_PATCHES

    def look_only_at_best(self, half):
        """Leave out patches with little structure. half: this level, half as large."""
        sums = _kernels.match_patches(half.details, half.details, np.eye(3), NO_BEND, (1.0, 1.0), half.corners, 1.0, np.inf, self.threads)
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
class Match:
    """How well the second picture, so placed, shows what the first one shows.

    detailed : bool (patches,), those that have details in the overlap
    agree : bool (patches,), and show the same in both
    sums : float64 (cells, terms) of cpp/match.hpp, or None without overlap
    """
    placement: Placement
    detailed: np.ndarray
    agree: np.ndarray
    sums: np.ndarray = None

    @property
    def share(self):
        """Share of the details that agree."""
        return float(self.agree.sum() / max(self.detailed.sum(), 1))

    @property
    def support(self):
        """Patches that agree beyond what chance makes agree: a small overlap that fits outweighs a large one that does not."""
        return float(self.agree.sum() - BY_CHANCE * self.detailed.sum())

    def equations(self):
        """Matrix (2, 2, cells) and vector (2, cells) of the normal equations of each cell's displacement,
        after an offset in brightness of its own is taken out."""
        w, gx, gy, r, gxx, gxy, gyy, gxr, gyr = self.sums.T[:9]
        w = np.maximum(w, 1e-9)
        hxy = gxy - gx * gy / w
        return np.array([[gxx - gx * gx / w, hxy], [hxy, gyy - gy * gy / w]]), np.array([gxr - gx * r / w, gyr - gy * r / w])

    @property
    def noise(self):
        """Variance of the residuals."""
        return float(max(self.sums[:, 9].sum() / max(self.sums[:, 0].sum(), 1), 1e-12))


# Unrelated pages of text, placed at their best, agree in up to this share of their patches.
BY_CHANCE = 0.2

# The columns of a step (u, v) = J p in px, at a point (x, y) relative to the centre, in units of the half size.
_BASES = {
    "shift": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x]]),
    "similarity": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, y], [-y, x]]),
    "affine": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, 0 * x], [0 * x, x], [y, 0 * x], [0 * x, y]]),
}



def compare(a, b, placement):
    """How level b, placed so, fits level a. -> Match"""
    warp = (np.ascontiguousarray(placement.matrix, np.float64), placement.bend, placement.pitch)
    nothing = np.zeros(len(a.corners), bool)
    contrast = _contrast(a, b, warp)
    if contrast is None:
        return Match(placement, nothing, nothing)
    sums = _kernels.match_patches(a.details, b.details, *warp, a.corners, *contrast, a.threads)
    return Match(placement, *_agreement(sums[:, :, 10:].sum(axis=1)), sums.reshape(-1, sums.shape[2]))


def refine(a, b, placement, models, *, iterations=6, precision=0.02):
    """Gauss-Newton steps from a start, with one model after the other, each until a step moves nothing by more than `precision` px. -> Match"""
    height, width = a.shape
    half = max(height, width) / 2
    x, y = centres(a.corners)
    x, y = (x - width / 2) / half, (y - height / 2) / half
    match = compare(a, b, placement)
    for model in models:
        basis = _BASES[model](x, y)
        for _ in range(iterations):
            if match.sums is None:
                return match
            normal, right = match.equations()
            flat = basis.reshape(len(basis), -1)
            left = np.einsum("iam,abm->ibm", basis, normal).reshape(len(basis), -1) @ flat.T
            step = np.linalg.lstsq(left, flat @ right.ravel(), rcond=1e-9)[0]
            matrix = match.placement.matrix @ np.linalg.inv(_step_matrix(model, step, width, height, half))
            match = compare(a, b, replace(match.placement, matrix=matrix))
            if np.abs(step).max() < precision:
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


def _contrast(a, b, warp):
    """(gain, limit): what makes the contrast of b that of a, and the residual beyond which no pixel is believed; None without overlap."""
    x, y = a.points.T
    first, second = a.details[y, x], _kernels.warp_points(b.details, *warp, a.points, a.threads)
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
    """Patches with details in the overlap, and those of them in which both levels show the same. sums: (patches, 6), unweighted."""
    number, a, b, aa, bb, ab = sums.T
    covered = number >= 0.7 * PATCH * PATCH
    if not covered.any():
        return covered, covered
    number = np.maximum(number, 1)
    va, vb, product = aa / number - (a / number) ** 2, bb / number - (b / number) ** 2, ab / number - a * b / number ** 2
    alike = product / np.sqrt(np.maximum(va * vb, 1e-16))
    # Details: clearly more variation than the quiet patches have, which is noise.
    energy = np.maximum(va, vb)
    quiet, loud = np.quantile(energy[covered], [0.1, 0.9])
    detailed = covered & (energy > max(2 * quiet if loud > 8 * quiet else 0.0, 0.1 * loud, 1e-7))
    return detailed, detailed & (alike > ALIKE)
