"""Register: how a page lies in each of its scans, in spite of dust that does not move with it."""
from dataclasses import dataclass, field

import numpy as np

from . import _kernels
from .arrays import alpha_channel, colour_channels, largest
from .errors import DustbustError
from .filters import gaussian_blur
from .frames import is_path, name_of, read_frame
from .threads import count

# Longest side, px, of the reduced scans in which the page is searched for, and in which it is first refined.
SEARCH_SIDE, REFINE_SIDE = 320, 1024

# Tukey's biweight with this many standard deviations loses 5 % of efficiency on normal residuals
# (P. Huber, "Robust Statistics"); a median of absolute values is 0.6745 standard deviations.
TUKEY, MEDIAN_OF_ABSOLUTE = 4.685, 0.6745

NO_BEND = np.zeros((0, 1, 2), np.float32)


@dataclass
class Registration:
    """How the page lies in one scan, as seen from scan 0.

    matrix : float64 (3, 3), pixel (x, y, 1) of scan 0 to pixel of this scan; pixel centres are whole numbers.
    confidence : 0..1, the share of the page's details in the overlap, counted in small cells, that are the same in both scans.
    overlap : share of scan 0 that this scan shows.
    moved : px, how far the page moved on the scanner between the two scans: rms over the overlap.
    bend : float32 (rows, columns, 2), px, what is added to the place that `matrix` gives; knots are `pitch` px (x, y) of scan 0 apart.
        No rows where the affine `matrix` is enough.
    """
    matrix: np.ndarray
    confidence: float = 1.0
    overlap: float = 1.0
    moved: float = 0.0
    bend: np.ndarray = field(default_factory=lambda: NO_BEND, repr=False)
    pitch: tuple = (1.0, 1.0)

    def scaled(self, factor):
        """The same for scans that are `factor` times as large."""
        lie = _Lie(self.matrix, self.bend, self.pitch).scaled(factor)
        return Registration(lie.matrix, self.confidence, self.overlap, self.moved * factor, lie.bend, lie.pitch)

    def map_points(self, x, y):
        """(2, ...) float64, pixels of this scan that show what pixels (x, y) of scan 0 show."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        straight = np.einsum("ij,j...->i...", self.matrix, np.array([x, y, np.ones_like(x)]))[:2]
        return straight + _Lie(self.matrix, self.bend, self.pitch).bend_at(x, y)

    def resample(self, scan, box, *, gain=None, offset=None, inverse=False, threads=None):
        """Part of the scan on the grid of scan 0 (or of a picture on the grid of scan 0 in this scan, if `inverse`).

        box : left, top, width, height of that part.

        Returns (height, width, colours + 1) of the scan's dtype: its colours, then an alpha that is 0 where it has no data.
        Lanczos interpolation with three lobes; at whole pixels the values are the scan's own.
        """
        colours = colour_channels(scan).shape[2]
        white = largest(scan.dtype)
        matrix = np.linalg.inv(self.matrix) if inverse else self.matrix
        return _kernels.resample(np.ascontiguousarray(scan), alpha_channel(scan) is not None, np.ascontiguousarray(matrix, np.float64),
                                 self.bend, self.pitch, inverse, tuple(int(v) for v in box),
                                 np.ones(colours) if gain is None else np.asarray(gain, np.float64),
                                 np.zeros(colours) if offset is None else np.asarray(offset, np.float64),
                                 0.0 if scan.dtype == np.float32 else white, white, count(threads))


def register_scans(scans, *, names=None, progress=None, threads=None):
    """Find how the page lies in each scan, relative to the first one.

    Dust stays with the scanner while the page moves, so plain correlation finds the dust. Here several shifts that could be it
    (the peaks of the phase correlation, also with the scan turned by 180 degrees) are refined, coarse to fine, by Gauss-Newton steps
    with weights that ignore what does not fit, and the one in which most details of the page agree is kept.

    Parameters
    ----------
    scans : list of two or more arrays, (H, W) or (H, W, C), uint8, uint16 or float32, or of file paths. They may differ in size,
        brightness and contrast. Fully transparent pixels are no data.
    names : what messages call the scans. Default: their paths, or "scan 0", "scan 1" and so on.
    progress : callable `progress(fraction, text)`.
    threads : int

    Returns
    -------
    list of Registration, the first one of scan 0 itself.

    Raises
    ------
    DustbustError
        when a scan shows no page that scan 0 shows too: nothing is guessed.

    >>> page = np.random.default_rng(1).random((200, 300)).astype(np.float32)
    >>> found = register_scans([page[:180, :280], page[7:187, 12:292]])
    >>> np.round(found[1].matrix[:2, 2], 1).tolist()
    [-12.0, -7.0]
    """
    scans = list(scans)
    names, threads = names_of_scans(scans, names), count(threads)
    reference = _Scan(read_frame(scans[0]), names[0], threads)
    found = [Registration(np.eye(3))]
    for index, scan in enumerate(scans[1:], 1):
        other = _Scan(read_frame(scan), names[index], threads)
        found.append(_register(reference, other, threads))
        if progress:
            progress(index / (len(scans) - 1), other.name)
    return found


def names_of_scans(scans, names=None):
    """What messages call the scans, of which there have to be two or more."""
    if len(scans) < 2:
        raise DustbustError("one scan: give at least two scans of one page" if scans else "no scans: give at least two scans of one page")
    if names is None:
        return [name_of(scan) if is_path(scan) else f"scan {index}" for index, scan in enumerate(scans)]
    if len(names) != len(scans):
        raise ValueError(f"names must be one for each of the {len(scans)} scans, not {len(names)}")
    return [str(name) for name in names]


class _Scan:
    """A scan and its reduced, high-passed luminances."""

    def __init__(self, image, name, threads):
        self.image, self.name, self.threads = image, name, threads
        self.shape = image.shape[:2]
        self.levels = {}

    def factor_for(self, side):
        return max(1, round(max(self.shape) / side))

    def level(self, factor, blur):
        """float32 (H / factor, W / factor, 2): luminance without what is larger than `blur` px of the level, and 1 where there is data."""
        if (factor, blur) not in self.levels:
            plane = self.reduced(factor)
            value, data = plane[..., 0], np.ascontiguousarray(plane[..., 1])
            mean = lambda sigma: gaussian_blur(value * data, sigma, self.threads) / np.maximum(gaussian_blur(data, sigma, self.threads), 1e-3)
            # The finest details are left out too: interpolation moves them towards whole pixels, by up to 0.05 px.
            self.levels[factor, blur] = np.stack([(mean(1.0) - mean(blur)) * data, data], axis=2)
        return self.levels[factor, blur]

    def reduced(self, factor):
        image = np.ascontiguousarray(self.image)
        return _kernels.reduce_luminance(image, alpha_channel(image) is not None, factor, largest(image.dtype), self.threads)


@dataclass
class _Lie:
    """How the page lies in a level of the second scan, seen from that level of the first one: as in `Registration`."""
    matrix: np.ndarray
    bend: np.ndarray = field(default_factory=lambda: NO_BEND)
    pitch: tuple = (1.0, 1.0)

    def scaled(self, factor):
        """The same in pixels that are smaller by `factor`."""
        to_fine = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]], float)
        matrix = to_fine @ self.matrix @ np.linalg.inv(to_fine)
        return _Lie(matrix, self.bend * np.float32(factor), (self.pitch[0] * factor, self.pitch[1] * factor))

    def bend_at(self, x, y):
        """(2, ...) px, the bend at points of the first level."""
        if not len(self.bend):
            return np.zeros((2,) + np.shape(x))
        rows, columns = self.bend.shape[:2]
        v, u = np.clip(np.asarray(y) / self.pitch[1], 0, rows - 1), np.clip(np.asarray(x) / self.pitch[0], 0, columns - 1)
        y0, x0 = np.minimum(v.astype(int), max(rows - 2, 0)), np.minimum(u.astype(int), max(columns - 2, 0))
        y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, columns - 1)
        tv, tu = (v - y0)[..., None], (u - x0)[..., None]
        bend = self.bend.astype(float)
        mixed = (1 - tv) * ((1 - tu) * bend[y0, x0] + tu * bend[y0, x1]) + tv * ((1 - tu) * bend[y1, x0] + tu * bend[y1, x1])
        return np.moveaxis(mixed, -1, 0)


@dataclass
class _Match:
    """How well the second picture, so placed, shows what the first one shows."""
    lie: _Lie
    detailed: np.ndarray    # (rows, columns) of cells: that have details in the overlap
    agree: np.ndarray       # and show the same in both

    @property
    def share(self):
        return float(self.agree.sum() / max(self.detailed.sum(), 1))

    @property
    def support(self):
        """Cells that agree beyond what chance makes agree: a small overlap that fits outweighs a large one that does not."""
        return float(self.agree.sum() - BY_CHANCE * self.detailed.sum())


# Cells, px of a level; how alike (correlation) the two scans must be in a cell to agree in it.
CELL, ALIKE = 16, 0.6

# A match needs this many agreeing cells, and this share of the detailed ones. Unrelated pages of text, placed at their best, agree in up to a fifth
# of them; the same page under much dust in two thirds.
LEAST_CELLS, LEAST_SHARE = 8, 0.35
BY_CHANCE = 0.2

# So many of the possible shifts are refined beyond a shift.
PROMISING = 4


def _register(reference, other, threads):
    """The registration of one scan, or a DustbustError that says why there is none."""
    factor = max(reference.factor_for(SEARCH_SIDE), other.factor_for(SEARCH_SIDE))
    a, b = reference.level(factor, 6.0), other.level(factor, 6.0)
    starts = _shifts(a, b, 6)
    turned = np.array([[-1, 0, b.shape[1] - 1], [0, -1, b.shape[0] - 1], [0, 0, 1.0]])
    starts += [turned @ start for start in _shifts(a, np.ascontiguousarray(b[::-1, ::-1]), 4)]
    still, *others = (_refine(a, b, _Lie(start), ("shift", "similarity"), threads, iterations=3) for start in [np.eye(3)] + starts)
    others = sorted(others, key=lambda match: match.support, reverse=True)[:PROMISING]
    best = _best([_refine(a, b, match.lie, ("similarity", "affine"), threads) for match in [still] + others])
    lie = best.lie.scaled(factor)

    fine = max(reference.factor_for(REFINE_SIDE * 1.6), other.factor_for(REFINE_SIDE * 1.6))
    middle = max(fine, round((factor * fine) ** 0.5))
    for step in dict.fromkeys(f for f in (middle, fine) if f < factor):
        a, b = reference.level(step, 12.0), other.level(step, 12.0)
        best = _refine(a, b, lie.scaled(1 / step), ("affine",) * 2, threads)
        best = _refine_bend(a, b, best, threads)
        lie = best.lie.scaled(step)
    if best.agree.sum() < LEAST_CELLS or best.share < LEAST_SHARE:
        raise DustbustError("{scan}: no place on it shows what {first} shows ({share:.0%} of the details agree where most do); "
                            "leave it out if it is another page, or place it by hand",
                            scan=other.name, first=reference.name, share=best.share)
    height, width = reference.shape
    x, y = np.meshgrid(np.linspace(0, width - 1, 33), np.linspace(0, height - 1, 33))
    at = lie.matrix @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    inside = (at[0] >= 0) & (at[1] >= 0) & (at[0] <= other.shape[1] - 1) & (at[1] <= other.shape[0] - 1)
    moved = float(np.sqrt(np.mean((at[0] - x.ravel())[inside] ** 2 + (at[1] - y.ravel())[inside] ** 2))) if inside.any() else 0.0
    return Registration(lie.matrix, best.share, float(inside.mean()), moved, lie.bend, lie.pitch)


def _shifts(a, b, number):
    """Shifts (3, 3) of a to b at the highest peaks of their phase correlation.

    The pictures are padded, so that a shift is not confused with one that goes around the edge.
    """
    shape = [_fast_length(n + m) for n, m in zip(a.shape[:2], b.shape[:2])]
    spectrum = np.conj(np.fft.rfft2(a[..., 0] * a[..., 1], shape)) * np.fft.rfft2(b[..., 0] * b[..., 1], shape)
    spectrum /= np.maximum(np.abs(spectrum), 1e-12)
    # Peaks of about a pixel: the finest details are noise.
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    surface = np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * 1.0) ** 2 * (fx ** 2 + fy ** 2)), shape)
    found = []
    for _ in range(number):
        y, x = np.unravel_index(np.argmax(surface), surface.shape)
        rows, columns = np.arange(y - 2, y + 3) % shape[0], np.arange(x - 2, x + 3) % shape[1]
        surface[np.ix_(rows, columns)] = -1
        dx = x if x < b.shape[1] else x - shape[1]
        dy = y if y < b.shape[0] else y - shape[0]
        found.append(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float))
    return found


def _fast_length(n):
    """The smallest number from n on that is 2^a 3^b 5^c, which the FFT likes."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


# The columns of a step (u, v) = J p in px, at a point (x, y) relative to the centre, in units of the half size.
_BASES = {
    "shift": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x]]),
    "similarity": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, y], [-y, x]]),
    "affine": lambda x, y: np.array([[1 + 0 * x, 0 * x], [0 * x, 1 + 0 * x], [x, 0 * x], [0 * x, x], [y, 0 * x], [0 * x, y]]),
}


def _refine(a, b, lie, models, threads, iterations=6):
    """Gauss-Newton steps from a start, with one model after the other. -> _Match"""
    height, width = a.shape[:2]
    structured = _structured(a)
    rows, columns = height // CELL, width // CELL
    nothing = _Match(lie, np.zeros((max(rows, 1), max(columns, 1)), bool), np.zeros((max(rows, 1), max(columns, 1)), bool))
    if rows < 1 or columns < 1:
        return nothing
    x, y = _centres(rows, columns, CELL)
    half = max(height, width) / 2
    x, y = (x - width / 2) / half, (y - height / 2) / half
    for model in models:
        basis = _BASES[model](x, y)
        for _ in range(iterations):
            warped = _warp(b, lie, a.shape, threads)
            limit = _equalise(a, warped, structured)
            if limit is None:
                return nothing
            hxx, hxy, hyy, bx, by = _without_offset(_kernels.match_cells(a, warped, CELL, CELL, limit, threads))
            left = np.einsum("iayx,abyx,jbyx->ij", basis, np.array([[hxx, hxy], [hxy, hyy]]), basis, optimize=True)
            right = np.einsum("iayx,ayx->i", basis, np.array([bx, by]), optimize=True)
            step = np.linalg.lstsq(left, right, rcond=1e-9)[0]
            lie = _Lie(lie.matrix @ np.linalg.inv(_step_matrix(model, step, width, height, half)), lie.bend, lie.pitch)
            if np.abs(step).max() < 0.002:
                break
    return _Match(lie, *_agreement(a, _warp(b, lie, a.shape, threads)))


def _centres(rows, columns, cell):
    """x and y, (rows, columns), of the middle of each cell."""
    return np.meshgrid((np.arange(columns) + 0.5) * cell - 0.5, (np.arange(rows) + 0.5) * cell - 0.5)


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


def _without_offset(sums):
    """The normal equations of each cell's displacement, after an offset in brightness of the cell's own is taken out."""
    w, gx, gy, r, gxx, gxy, gyy, gxr, gyr = np.moveaxis(sums, 2, 0)[:9]
    w = np.maximum(w, 1e-9)
    return gxx - gx * gx / w, gxy - gx * gy / w, gyy - gy * gy / w, gxr - gx * r / w, gyr - gy * r / w


def _warp(b, lie, shape, threads):
    """Level b on the grid of a level of this shape: (H, W, 2)."""
    warped = _kernels.resample(b, True, np.ascontiguousarray(lie.matrix), lie.bend, lie.pitch, False, (0, 0, shape[1], shape[0]),
                               np.ones(1), np.zeros(1), 0.0, 1.0, threads)
    warped[..., 1] = warped[..., 1] > 0.5
    return warped


def _structured(a):
    """Flat indices of the pixels of a level with the strongest gradients: where a misalignment shows."""
    gradient = np.abs(a[1:-1, 2:, 0] - a[1:-1, :-2, 0]) + np.abs(a[2:, 1:-1, 0] - a[:-2, 1:-1, 0])
    number = max(gradient.size // 12, 1)
    best = np.argpartition(gradient.ravel(), -number)[-number:]
    y, x = np.divmod(best[::max(1, number // 30000)], gradient.shape[1])
    return (y + 1) * a.shape[1] + x + 1


def _equalise(a, warped, structured):
    """Scale `warped` in place to the contrast of a; the residual beyond which a pixel is not believed, or None without overlap."""
    first, second = a.reshape(-1, 2)[structured], warped.reshape(-1, 2)[structured]
    both = (first[:, 1] > 0) & (second[:, 1] > 0)
    if both.sum() < 50:
        return None
    first, second = first[both, 0], second[both, 0]
    limit = np.inf
    # Contrast by the ratio of the sums of squares, not by regression: noise is in both. Twice, the second time without outliers.
    gain = 1.0
    for _ in range(2):
        fits = np.abs(second * gain - first) <= limit
        energy = float(np.sum(second[fits] ** 2))
        gain = (float(np.sum(first[fits] ** 2)) / energy) ** 0.5 if energy > 0 else 1.0
        limit = TUKEY / MEDIAN_OF_ABSOLUTE * float(np.median(np.abs(second * gain - first))) + 1e-4
    warped[..., 0] *= np.float32(gain)
    return limit


def _agreement(a, warped):
    """Cells with details in the overlap, and those of them in which both levels show the same."""
    rows, columns = a.shape[0] // CELL, a.shape[1] // CELL
    cells = lambda plane: plane[:rows * CELL, :columns * CELL].reshape(rows, CELL, columns, CELL)
    data = cells(a[..., 1] * warped[..., 1])
    first, second = cells(a[..., 0]) * data, cells(warped[..., 0]) * data
    number = np.maximum(data.sum(axis=(1, 3)), 1)
    mean = lambda values: values.sum(axis=(1, 3)) / number
    va, vb = mean(first * first) - mean(first) ** 2, mean(second * second) - mean(second) ** 2
    product = mean(first * second) - mean(first) * mean(second)
    covered = number >= 0.7 * CELL * CELL
    alike = product / np.sqrt(np.maximum(va * vb, 1e-16))
    # Details: clearly more variation than the quiet cells have, which is noise.
    energy = np.maximum(va, vb)
    if not covered.any():
        return covered, covered
    quiet, loud = np.quantile(energy[covered], [0.1, 0.9])
    detailed = covered & (energy > max(2 * quiet if loud > 8 * quiet else 0.0, 0.1 * loud, 1e-7))
    return detailed, detailed & (alike > ALIKE)


def _best(matches):
    """The match to believe; the first one is that of a page that did not move.

    Static dust agrees with itself where nothing moved, and nowhere else. So a page that moved is believed
    when it explains details that a still one does not; a still page explains all that any other does.
    """
    still, moved = matches[0], max(matches[1:], key=lambda match: match.support)
    same = np.abs(still.lie.matrix[:2, 2] - moved.lie.matrix[:2, 2]).max() < 0.5
    news, lost = (moved.agree & ~still.agree).sum(), (still.agree & ~moved.agree).sum()
    if not same and moved.support > 0 and news >= max(LEAST_CELLS, 0.25 * lost):
        return moved
    return max(still, moved, key=lambda match: match.support)


# ---- uneven film transport --------------------------------------------------------------------------------------------

# Distance of the knots, px of a level, in a bend that goes along or across the film, and in one that goes both ways.
LINE_PITCH, MESH_PITCH = 8, 64

# Cells of a bend are smaller: they must not reach from one knot over the next.
BEND_CELL = 8

# How smooth a bend may be: weights of its squared second differences, in px between knots, against the cells' chi square.
STIFFNESS = (1e2, 3e3, 1e5)

# A bend is used if it lowers chi square, in the cells that were not used to find it, by this much for each of its unknowns,
LEAST_GAIN = 4.0
# and if it is at least this large (px of a level, rms).
LEAST_BEND = 0.03


def _refine_bend(a, b, match, threads, rounds=3):
    """A match with the bend that a film has when it runs unevenly past the sensor or the camera; the same match if there is none.

    Lines of the scan (rows or columns, whichever run across the film) moved each by its own amount, or a mesh moved.
    Which, and how smoothly, is decided by how well a bend found in one half of the cells explains the other half.
    """
    height, width = a.shape[:2]
    rows, columns = height // BEND_CELL, width // BEND_CELL
    x, y = _centres(rows, columns, BEND_CELL)
    lie, structured = match.lie, _structured(a)
    for _ in range(rounds):
        warped = _warp(b, lie, a.shape, threads)
        limit = _equalise(a, warped, structured)
        if limit is None:
            return match
        sums = _kernels.match_cells(a, warped, BEND_CELL, BEND_CELL, limit, threads)
        hxx, hxy, hyy, bx, by = _without_offset(sums)
        noise = sums[..., 9].sum() / max(sums[..., 0].sum(), 1)
        normal = np.array([[hxx, hxy], [hxy, hyy]]) / max(noise, 1e-12)
        # What is still to be explained is a step from the bend so far; the bend itself, not the step, is to be smooth.
        so_far = -np.linalg.solve(lie.matrix[:2, :2], lie.bend_at(x, y).reshape(2, -1)).reshape(2, rows, columns)
        right = np.array([bx, by]) / max(noise, 1e-12) + np.einsum("abyx,byx->ayx", normal, so_far)
        best = _best_bend(normal, right, x, y, (height, width))
        if best is None:
            return match
        knots, pitch = best
        bend = np.ascontiguousarray(-knots @ lie.matrix[:2, :2].T, np.float32)
        lie = _Lie(lie.matrix, bend, pitch)
    if np.sqrt(np.mean(np.sum(lie.bend_at(x, y) ** 2, axis=0))) < LEAST_BEND:
        return match
    return _Match(lie, *_agreement(a, _warp(b, lie, a.shape, threads)))


def _best_bend(normal, right, x, y, shape):
    """Knots (rows, columns, 2) and pitch of the bend that the data ask for, or None."""
    height, width = shape
    lines = lambda length: int(np.ceil((length - 1) / LINE_PITCH)) + 1
    mesh = (int(np.ceil((height - 1) / MESH_PITCH)) + 1, int(np.ceil((width - 1) / MESH_PITCH)) + 1)
    fold = ((y // 32 + x // 32) % 2).astype(int)
    least, chosen = 0.0, None
    for size, pitch in (((lines(height), 1), LINE_PITCH), ((1, lines(width)), LINE_PITCH), (mesh, MESH_PITCH)):
        model = _Knots(size, pitch, x, y)
        halves = [model.equations(normal, right, fold == k) for k in (0, 1)]
        for stiffness in STIFFNESS:
            cost = 0.0
            for k in (0, 1):
                u = model.solve(*halves[k], stiffness)
                matrix, vector = halves[1 - k]
                cost += u @ matrix @ u - 2 * u @ vector
            if cost < min(least, -LEAST_GAIN * 2 * size[0] * size[1]):
                least, chosen = cost, (model, halves, stiffness)
    if chosen is None:
        return None
    model, halves, stiffness = chosen
    u = model.solve(halves[0][0] + halves[1][0], halves[0][1] + halves[1][1], stiffness)
    return u.reshape(2, *model.size).transpose(1, 2, 0), (float(model.pitch), float(model.pitch))


class _Knots:
    """A displacement that is linear between knots, as unknowns of a least squares problem: all x, then all y."""

    def __init__(self, size, pitch, x, y):
        self.size, self.pitch = size, pitch
        rows, columns = size
        v, u = y.ravel() / pitch, x.ravel() / pitch
        y0, x0 = np.minimum(v.astype(int), max(rows - 2, 0)), np.minimum(u.astype(int), max(columns - 2, 0))
        tv, tu = (v - y0 if rows > 1 else 0 * v), (u - x0 if columns > 1 else 0 * u)
        self.index = np.array([(y0 + j if rows > 1 else y0) * columns + (x0 + i if columns > 1 else x0) for j in (0, 1) for i in (0, 1)])
        self.weight = np.array([(tv if j else 1 - tv) * (tu if i else 1 - tu) for j in (0, 1) for i in (0, 1)])
        self.smoothness = self._second_differences()

    def _second_differences(self):
        rows, columns = self.size
        difference = lambda n: np.diff(np.eye(n), 2, axis=0) if n > 2 else np.zeros((0, n))
        down, across = np.kron(difference(rows), np.eye(columns)), np.kron(np.eye(rows), difference(columns))
        one = down.T @ down + across.T @ across
        return np.kron(np.eye(2), one)

    def equations(self, normal, right, where):
        """Matrix and vector of the normal equations over the cells `where`."""
        number = self.size[0] * self.size[1]
        use = where.ravel()
        index, weight = self.index[:, use], self.weight[:, use]
        matrix, vector = np.zeros((2, number, 2, number)), np.zeros((2, number))
        for c in (0, 1):
            for i in range(4):
                vector[c] += np.bincount(index[i], weight[i] * right[c].ravel()[use], number)
                for d in (0, 1):
                    for j in range(4):
                        products = weight[i] * weight[j] * normal[c, d].ravel()[use]
                        matrix[c, :, d] += np.bincount(index[i] * number + index[j], products, number * number).reshape(number, number)
        return matrix.reshape(2 * number, 2 * number), vector.ravel()

    def solve(self, matrix, vector, stiffness):
        return np.linalg.solve(matrix + stiffness * self.smoothness + 1e-3 * np.eye(len(vector)), vector)
