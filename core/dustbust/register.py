"""Register: how a page lies in each of its scans, in spite of dust that does not move with it."""
from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from . import _kernels
from .arrays import alpha_channel, colour_channels, largest
from .bend import refine_bend
from .errors import DustbustError
from .frames import is_path, name_of, read_frame
from .match import FEW, UNSURE, Level, compare, find_dust, refine, what_stays
from .placement import Placement
from .spool import Spool
from .threads import count

# Longest side, px, of the reduced scans in which the page is placed exactly.
REFINE_SIDE = 1640


@dataclass
class Registration(Placement):
    """How the page lies in one scan, as seen from scan 0: a `Placement`, and how far it can be trusted.

    confidence : 0..1, the share of the page's details in the overlap, counted in small patches without those of the scanner's dust,
        that are the same in both scans.
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

    Dust stays with the scanner while the page moves, so plain correlation finds the dust. Here what both scans show at the same place
    is taken out before the phase correlation, its peaks (also with the scan turned by up to 6 or by 180 degrees) are refined, coarse to
    fine, by Gauss-Newton steps with weights that ignore what does not fit, and patches that dust explains better do not count.

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
        when a scan shows no page that scan 0 shows too, or shows it at several places alike: nothing is guessed.

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

    def without(self, dust, fine, step):
        """The same without the `dust`, bool, that was found in its level."""
        dust, clean = dust.repeat(step, axis=0).repeat(step, axis=1), copy(self)
        luminance = self.luminances[fine].copy()
        luminance[:dust.shape[0], :dust.shape[1], 1] *= ~dust
        clean.luminances, clean.levels = {fine: luminance}, {}
        return clean

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
# agree in up to a fifth of them; the same page, without what dust explains, in nearly all.
LEAST_PATCHES, LEAST_SHARE = FEW, 0.35

# The searches for the page, one after the other until one is convincing: by how many degrees the second scan is turned, from how many of
# the possible shifts a match is tried, and longest sides, px, of the reduced scans.
SMALL_TURNS = (-1.5, 1.5, -3, 3, -4.5, 4.5, -6, 6)
SEARCHES = (((0,), 6, (320, 640)), ((180,), 4, (320, 640)),
            (SMALL_TURNS, 8, (320,)), (tuple(180 + turn for turn in SMALL_TURNS), 8, (320,)))

# So many of these are refined beyond a similarity. With this share of agreeing patches there is no need to look for a better match.
PROMISING, CONVINCING = 4, 0.7

# In the end so many have to agree: other pages with the same lines (a form, staves) do in about half.
LEAST_IN_THE_END = 0.6

# A page repeats when it correlates with itself, shifted by at least so many px of the reduced scan, by so much;
# what it shows is looked for there too, so many times.
NEAR, REPEATING, ROUNDS = 6, 0.4, 3

# Where dust has this share of the energy of the details, they are looked at once more without it.
MUCH_DUST = 0.1

# The last step of the refinement moves nothing by more than this, px; in reduced scans, from which finer ones go on, by this.
PRECISION, ROUGHLY = 0.008, 0.1


def _register(reference, other, threads):
    """The registration of one scan, or a DustbustError that says why there is none."""
    fine = max(1, round(max(reference.shape + other.shape) / REFINE_SIDE))
    best, step, moved = _search(reference, other, fine)
    least_share, least_in_the_end = (LEAST_SHARE, LEAST_IN_THE_END) if moved else (CONVINCING, CONVINCING)
    matches = [best]
    for smaller in (2, 1):
        if _is_page(best, least_share) and (smaller < step or step == smaller == 1):
            starts = [match.placement.scaled(step / smaller) for match in matches]
            matches = _refined(reference.level(fine, smaller), other.level(fine, smaller), starts, moved,
                               PRECISION if smaller == 1 else ROUGHLY)
            best, step = matches[-1], smaller
    if moved and step == 1 and _is_page(best, least_share):
        best = _without_dust(reference, other, fine, best)
    if not _is_page(best, least_in_the_end):
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


def _refined(a, b, starts, moved, precision):
    """Matches of two levels from the best of the placements: the affine one, and the bent one if there is one."""
    # What half as large looked bent may have been a pattern of fine lines.
    start = max(starts, key=lambda start: compare(a, b, start).support) if len(starts) > 1 else starts[0]
    # An affine transform that is to explain a bend never settles.
    match = refine(a, b, start, ("affine",), what_stays(a, b, a.corners), iterations=2 if len(start.bend) else 4, precision=precision)
    bent = refine_bend(a, b, match) if moved else match
    return [match] + ([bent] if len(bent.placement.bend) else [])


def _without_dust(reference, other, fine, match):
    """The match; where much of the details is dust, a better one that was found without it."""
    if len(match.placement.bend):
        return match        # where the page is not yet where it should be, it differs as dust does
    # Half as large, dust is found as well in a quarter of the time.
    halves = [scan.level(fine, 2) for scan in (reference, other)]
    dust = find_dust(*halves, match.placement.scaled(0.5), match.contrast)
    energies = [np.nan_to_num(half.details) ** 2 for half in halves]
    of_dust = sum(float(energy[:dust.shape[0], :dust.shape[1]][dust].sum()) for energy in energies)
    if of_dust <= MUCH_DUST * sum(float(energy.sum()) for energy in energies):
        return match
    a, b = (scan.without(dust, fine, 2).level(fine, 1) for scan in (reference, other))
    found = _refined(a, b, [match.placement], True, PRECISION)[-1]
    return found if _is_page(found, LEAST_IN_THE_END) else match


def _search(reference, other, fine):
    """(match, step, moved): the match to believe, of levels that are reduced by the factors `fine` and `step`, and whether the page moved.

    Dust agrees with itself where nothing moved. So a page is believed to have moved when most of what dust does not explain agrees;
    and to have stayed only when no such place is found.
    """
    pages, longest = [], max(reference.shape + other.shape) / fine
    for turns, number, sides in SEARCHES:
        for step in sorted({max(1, round(longest / side)) for side in sides}, reverse=True):
            still, match, rival = _matches(reference.level(fine, step), other.level(fine, step), turns, number)
            if match is None or not _is_page(match):
                continue
            if rival is None and _is_page(match, CONVINCING):
                return match, step, True
            pages.append((match, step, rival))
        if turns != SEARCHES[0][0] and any(_is_page(page[0], CONVINCING) for page in pages):
            break       # the page, at one of several places that look alike
        if not pages and _is_page(still, CONVINCING):
            break
    if not pages:
        return still, step, False
    match, step, rival = max(pages, key=lambda page: page[0].support * page[1] ** 2)
    if rival is not None:
        (x, y), (u, v) = (one.placement.scaled(step * fine).matrix[:2, 2] for one in (match, rival))
        raise DustbustError("{scan}: shows what {first} shows at more than one place "
                            "({x:+.0f}, {y:+.0f} px and {u:+.0f}, {v:+.0f} px from there), as on a page that repeats; place it by hand",
                            scan=other.name, first=reference.name, x=x, y=y, u=u, v=v)
    return match, step, True


def _matches(a, b, turns, number):
    """(still, moved, rival) of two small levels: the match of a page that stayed, the best one of a page that moved, or None,
    and another one of which it cannot be said that it is worse, or None."""
    stays = what_stays(a, b, a.corners)
    close = lambda matrix: refine(a, b, Placement(matrix), ("shift", "similarity"), stays, precision=ROUGHLY)
    starts = sorted((start for turn in turns for start in _starts(a, b, turn, number)), key=lambda start: start[0], reverse=True)
    found = []
    for _, matrix in starts[:number]:
        found.append(close(matrix))
        if _is_page(found[-1], CONVINCING) and _is_better(found[-1], stays):
            break
    found = [match for match in _different(found, a.shape) if _is_better(match, stays)]
    still = None
    if not found or not _is_page(found[0], CONVINCING):
        still = close(np.eye(3))
        found = [match for match in _different([still] + found, a.shape) if _is_better(match, stays)]
        found = [match for match in found[:PROMISING] if match.support >= 0.5 * found[0].support]
        found = _different([refine(a, b, match.placement, ("affine",), stays, precision=ROUGHLY) for match in found], a.shape)
    if not found:
        return still, None, None
    best, repeats = found[0], _repeats(a)
    for _ in range(ROUNDS):
        others = _different([best] + found + [close(best.placement.matrix @ _shift(*repeat)) for repeat in repeats], a.shape)
        others = [match for match in others if match is not best and _is_page(match) and match.support >= 0.5 * best.support]
        better = [match for match in others if _is_better(match, best.alike, best.detailed)]
        if not better:
            break
        best = better[0]
    rivals = [match for match in others if not _is_better(best, match.alike, match.detailed)]
    return still, best, rivals[0] if rivals else None


def _is_better(match, alike, where=True):
    """Whether a match shows the page clearly better, in some patches, than something else that is so much `alike` there."""
    better = np.where(match.detailed & where, match.alike - alike, 0)
    wins, losses = (better > UNSURE).sum(), (better < -UNSURE).sum()
    # If they were equal, wins and losses would differ by chance by less than three standard deviations.
    return wins - losses >= max(LEAST_PATCHES, 3 * (wins + losses) ** 0.5)


def _is_page(match, least_share=LEAST_SHARE):
    """Whether it is one page that both show, not two that look alike here and there."""
    return match.agree.sum() >= LEAST_PATCHES and match.share >= least_share


def _different(matches, shape, least=2.0):
    """The matches, the best first, without those that put the corners of the page within `least` px of where a better one puts them."""
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    kept, places = [], []
    for match in sorted(matches, key=lambda match: match.support, reverse=True):
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
    first, second = _without_what_stays(a.details, b.details)
    second = np.nan_to_num(b.warped(Placement(turned), second)) if turn else second
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
        found.append((peak, turned @ _shift(dx, dy)))
    return found


def _shift(dx, dy):
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)


def _repeats(level):
    """The shift (x, y), px, there and back, by which a page looks most like itself, if it does: a table, staff lines, a screen."""
    details = np.nan_to_num(level.details)
    height, width = details.shape
    shape = [_fast_length(2 * n) for n in details.shape]
    surface = np.fft.irfft2(np.abs(np.fft.rfft2(details, shape)) ** 2, shape)
    # Shifts of up to a third, of which one half is enough.
    dy, dx = np.arange(height // 3)[:, None], np.arange(-(width // 3), width // 3)[None]
    surface = surface[dy, dx] / max(float(surface[0, 0]), 1e-12)
    surface[(dy < NEAR) & (np.abs(dx) < NEAR)] = 0
    y, x = np.unravel_index(np.argmax(surface), surface.shape)
    x, y = int(dx[0, x]), int(y)
    return [(x, y), (-x, -y)] if surface.max() >= REPEATING else []


def _without_what_stays(first, second):
    """Two pictures of details, 0 where they are not known, without what both show at the same place."""
    rows, columns = (min(n, m) for n, m in zip(first.shape, second.shape))
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    one, two = first[:rows, :columns], second[:rows, :columns]
    two *= np.sqrt(np.sum(one ** 2) / max(np.sum(two ** 2), 1e-12))
    common = np.where(one * two > 0, np.copysign(np.minimum(np.abs(one), np.abs(two)), one), 0)
    one -= common
    two -= common
    return first, second


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
