"""Register: how a page lies in each of its scans, in spite of dust that does not move with it."""
from dataclasses import dataclass, replace

import numpy as np

from . import _kernels
from .arrays import alpha_channel, colour_channels, largest
from .bend import refine_bend
from .errors import DustbustError
from .frames import is_path, name_of, read_frame
from .match import Level, refine
from .placement import Placement
from .spool import Spool
from .threads import count

# Longest side, px, of the reduced scans in which the page is searched for, and in which it is refined.
SEARCH_SIDE, REFINE_SIDE = 320, 1640


@dataclass
class Registration(Placement):
    """How the page lies in one scan, as seen from scan 0: a `Placement`, and how far it can be trusted.

    confidence : 0..1, the share of the page's details in the overlap, counted in small patches, that are the same in both scans.
    overlap : share of scan 0 that this scan shows.
    moved : px, how far the page moved on the scanner between the two scans: rms over the overlap.
    """
    confidence: float = 1.0
    overlap: float = 1.0
    moved: float = 0.0

    def scaled(self, factor):
        """The same for scans that are `factor` times as large."""
        return replace(super().scaled(factor), moved=self.moved * factor)

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
    (the peaks of the phase correlation, also with the scan turned by up to 6 or by 180 degrees) are refined, coarse to fine, by Gauss-Newton steps
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
    scans = scans if isinstance(scans, Spool) else list(scans)
    names, threads = names_of_scans(scans, names), count(threads)
    reference = _Scan(read_frame(scans[0]), names[0], threads)
    found = [Registration(np.eye(3))]
    for index in range(1, len(scans)):
        other = _Scan(read_frame(scans[index]), names[index], threads)
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
    """A scan, and its details at several reductions."""

    def __init__(self, image, name, threads):
        self.name, self.threads, self.shape = name, threads, image.shape[:2]
        self.image, self.luminances, self.levels = np.ascontiguousarray(image), {}, {}

    def level(self, fine, step):
        """Reduced by the factors `fine` and `step`."""
        if (fine, step) not in self.levels:
            self.levels[fine, step] = Level(self._reduced(fine, step), self.threads)
            if self.levels[fine, step].has_many_patches:
                self.levels[fine, step].look_only_at_best(self.level(fine, 2 * step))
        return self.levels[fine, step]

    def _reduced(self, fine, step):
        if fine not in self.luminances:
            image = self.image
            self.luminances[fine] = _kernels.reduce_luminance(image, alpha_channel(image) is not None, fine, largest(image.dtype), self.threads)
        whole = self.luminances[fine]
        return whole if step == 1 else _kernels.reduce_luminance(whole, True, step, 1.0, self.threads)


# A match needs this many agreeing patches, and this share of the detailed ones. Unrelated pages of text, placed at their best,
# agree in up to a fifth of them; the same page under much dust in two thirds.
LEAST_PATCHES, LEAST_SHARE = 8, 0.35

# By how many degrees the second scan is turned when the page is searched for, one group after the other until a match is convincing;
# and from how many of the possible shifts a match is tried.
TURNS = (((0,), 6), ((180,), 4), ((-1.5, 1.5, -3, 3, -4.5, 4.5, -6, 6), 8), ((178.5, 181.5, 177, 183, 175.5, 184.5, 174, 186), 8))

# So many of these are refined beyond a similarity. With this share of agreeing patches there is no need to look for a better match.
PROMISING, CONVINCING = 4, 0.7

# The last step of the refinement moves nothing by more than this, px.
PRECISION = 0.008


def _register(reference, other, threads):
    """The registration of one scan, or a DustbustError that says why there is none."""
    longest = max(reference.shape + other.shape)
    fine = max(1, round(longest / REFINE_SIDE))
    step = max(1, round(longest / fine / SEARCH_SIDE))
    best = _search(reference.level(fine, step), other.level(fine, step))
    for smaller in (2, 1):
        if _is_page(best) and (smaller < step or step == smaller == 1):
            a, b = reference.level(fine, smaller), other.level(fine, smaller)
            best = refine(a, b, best.placement.scaled(step / smaller), ("affine",), precision=PRECISION * smaller)
            best, step = refine_bend(a, b, best), smaller
    if not _is_page(best):
        raise DustbustError("{scan}: no place on it shows what {first} shows ({share:.0%} of the details agree where most do); "
                            "leave it out if it is another page, or place it by hand",
                            scan=other.name, first=reference.name, share=best.share)
    placement = best.placement.scaled(fine)
    height, width = reference.shape
    x, y = np.meshgrid(np.linspace(0, width - 1, 33), np.linspace(0, height - 1, 33))
    at = placement.map_points(x, y)
    inside = (at[0] >= 0) & (at[1] >= 0) & (at[0] <= other.shape[1] - 1) & (at[1] <= other.shape[0] - 1)
    moved = float(np.sqrt(np.mean((at[0] - x)[inside] ** 2 + (at[1] - y)[inside] ** 2))) if inside.any() else 0.0
    return Registration(placement.matrix, placement.bend, placement.pitch, best.share, float(inside.mean()), moved)


def _search(a, b):
    """The best match of two small levels."""
    matches = [refine(a, b, Placement(np.eye(3)), ("shift", "similarity"), iterations=3)]
    for turns, number in TURNS:
        starts = [start for turn in turns for start in _starts(a, b, turn, number)]
        starts = [start for _, start in sorted(starts, key=lambda start: start[0], reverse=True)[:number]]
        for start in starts:
            matches.append(refine(a, b, Placement(start), ("shift", "similarity"), iterations=3))
            if _is_page(matches[-1], CONVINCING):
                break
        still, *others = matches
        others = _different(sorted(others, key=lambda match: match.support, reverse=True), a.shape)
        promising = others[:1] + [match for match in others[1:PROMISING] if match.support >= 0.5 * others[0].support]
        best = _best([refine(a, b, match.placement, ("affine",)) for match in [still] + promising])
        if _is_page(best, CONVINCING):
            break
    return best


def _is_page(match, least_share=LEAST_SHARE):
    """Whether it is one page that both show, not two that look alike here and there."""
    return match.agree.sum() >= LEAST_PATCHES and match.share >= least_share


def _different(matches, shape, least=2.0):
    """The matches without those that put the page, within `least` px, where an earlier one puts it."""
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    kept, places = [], []
    for match in matches:
        place = (match.placement.matrix @ corners)[:2]
        if all(np.abs(place - other).max() > least for other in places):
            kept.append(match)
            places.append(place)
    return kept


def _starts(a, b, turn, number):
    """(height, matrix) of a to b, turned by so many degrees, at the highest peaks of their phase correlation.

    The pictures are padded, so that a shift is not confused with one that goes around the edge.
    """
    height, width = b.shape
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    turned = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    turned[:2, 2] = np.array([width - 1, height - 1]) / 2 - turned[:2, :2] @ np.array([width - 1, height - 1]) / 2
    first, second = np.nan_to_num(a.details), np.nan_to_num(b.warped(turned) if turn else b.details)
    shape = [_fast_length(n + m) for n, m in zip(first.shape, second.shape)]
    spectrum = np.conj(np.fft.rfft2(first, shape)) * np.fft.rfft2(second, shape)
    spectrum /= np.maximum(np.abs(spectrum), 1e-12)
    # Peaks of about a pixel: the finest details are noise.
    fy, fx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    surface = np.fft.irfft2(spectrum * np.exp(-2 * (np.pi * 1.0) ** 2 * (fx ** 2 + fy ** 2)), shape)
    found = []
    for _ in range(number):
        y, x = np.unravel_index(np.argmax(surface), surface.shape)
        peak = float(surface[y, x])
        rows, columns = np.arange(y - 2, y + 3) % shape[0], np.arange(x - 2, x + 3) % shape[1]
        surface[np.ix_(rows, columns)] = -1
        dx, dy = x if x < width else x - shape[1], y if y < height else y - shape[0]
        found.append((peak, turned @ np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)))
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


def _best(matches):
    """The match to believe; the first one is that of a page that did not move.

    Static dust agrees with itself where nothing moved, and nowhere else. So a page that moved is believed
    when it explains details that a still one does not; a still page explains all that any other does.
    """
    still, moved = matches[0], max(matches[1:], key=lambda match: match.support)
    same = np.abs(still.placement.matrix[:2, 2] - moved.placement.matrix[:2, 2]).max() < 0.5
    news, lost = (moved.agree & ~still.agree).sum(), (still.agree & ~moved.agree).sum()
    if not same and moved.support > 0 and news >= max(LEAST_PATCHES, 0.25 * lost):
        return moved
    return max(still, moved, key=lambda match: match.support)
