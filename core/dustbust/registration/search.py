"""The search for the page: the first, coarse registration."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import DustbustError
from ..image.arrays import Mask, Plane
from ..image.linear import product
from ..runtime.read_ahead import read_ahead
from .patches import FEWEST_PATCHES, UNSURE, Doubles, Match, what_stays
from .pyramid import Level, Scan
from .refine import ROUGHLY, refine
from .transform import Transform

# A match needs this many agreeing patches, and this share of the detailed ones. Unrelated pages of
# text, placed at their best, agree in up to a fifth of them; the same page, without what dust
# explains, in nearly all.
LEAST_PATCHES, LEAST_SHARE = FEWEST_PATCHES, 0.35

# The searches for the page, one after the other until one is convincing: by how many degrees the
# second scan is turned, from how many of the possible shifts a match is tried, and longest sides,
# px, of the reduced scans.
SMALL_TURNS = (-1.5, 1.5, -3, 3, -4.5, 4.5, -6, 6)
SEARCHES: tuple[tuple[tuple[float, ...], int, tuple[int, ...]], ...] = (
    ((0,), 6, (320, 640)),
    ((180,), 4, (320, 640)),
    (SMALL_TURNS, 8, (320,)),
    (tuple(180 + turn for turn in SMALL_TURNS), 8, (320,)),
)

# PROMISING matches are refined beyond a similarity. With a share CONVINCING of agreeing patches no
# better match is looked for.
PROMISING, CONVINCING = 4, 0.7

# A page repeats when its correlation with itself, shifted by at least NEAR px of the reduced scan,
# is at least REPEATING. The page is then searched for at this shift, too, ROUNDS times.
NEAR, REPEATING, ROUNDS = 6, 0.4, 3


class RepeatingPageError(DustbustError):
    """The page is at several places alike."""


def search(reference: Scan, other: Scan, fine: int) -> tuple[Match, int, bool]:
    """The match to believe, of levels that are reduced by the factors `fine` and `step`.

    Returns
    -------
    match : Match
    step : int
    moved : bool
        Whether the page moved. Dust agrees with itself without any movement. The page counts as
        moved when most details that dust does not explain agree at a moved place. It counts as
        unmoved only when no such place is found.

    Raises
    ------
    RepeatingPageError
        When the page is at several places alike.
    """
    pages: list[tuple[Match, int, Match | None]] = []
    for turns, number, sides in SEARCHES:
        for step in _steps(reference, other, fine, sides):
            for scan in (reference, other):
                scan.make_levels(fine, (step,))
            still, match, rival = _matches(
                reference.level(fine, step), other.level(fine, step), turns, number
            )
            if match is None or not is_page(match):
                continue
            if rival is None and is_page(match, CONVINCING):
                return match, step, True
            pages.append((match, step, rival))
        if turns != SEARCHES[0][0] and any(is_page(page[0], CONVINCING) for page in pages):
            break  # the page, at one of several places that look alike
        if not pages and still is not None and is_page(still, CONVINCING):
            break
    if not pages:
        assert still is not None  # without a page that moved, that of one that stayed is known
        return still, step, False
    match, step, rival = max(pages, key=lambda page: page[0].support * page[1] ** 2)
    if rival is not None:
        (x, y), (u, v) = (one.transform.scaled(step * fine).matrix[:2, 2] for one in (match, rival))
        raise RepeatingPageError(
            "{scan}: shows what {first} shows at more than one place "
            "({x:+.0f}, {y:+.0f} px and {u:+.0f}, {v:+.0f} px from there), as on a page that "
            "repeats; place it by hand",
            scan=other.name,
            first=reference.name,
            x=x,
            y=y,
            u=u,
            v=v,
        )
    return match, step, True


def coarsest(reference: Scan, other: Scan, fine: int) -> int:
    """The step of the levels with which `search` begins."""
    return _steps(reference, other, fine, SEARCHES[0][2])[0]


def _steps(reference: Scan, other: Scan, fine: int, sides: Iterable[int]) -> list[int]:
    """The steps, the coarsest first, at which the scans have about these longest sides."""
    longest = max(reference.shape + other.shape) / fine
    return sorted({max(1, round(longest / side)) for side in sides}, reverse=True)


def _matches(
    a: Level, b: Level, turns: Sequence[float], number: int
) -> tuple[Match | None, Match | None, Match | None]:
    """(still, moved, rival) of two small levels.

    The match of a page that stayed, the best one of a page that moved, or None, and another one
    that is not clearly worse, or None.
    """
    stays = what_stays(a, b, a.corners)

    def close(matrix: Doubles) -> Match:
        return refine(a, b, Transform(matrix), ("shift", "similarity"), stays, precision=ROUGHLY)

    starts = sorted(
        (start for turn in turns for start in _starts(a, b, turn, number)),
        key=lambda start: start[0],
        reverse=True,
    )
    found: list[Match] = []
    for _, matrix in starts[:number]:
        found.append(close(matrix))
        if is_page(found[-1], CONVINCING) and _is_better(found[-1], stays):
            break
    found = [match for match in _different(found, a.shape) if _is_better(match, stays)]
    still = None
    if not found or not is_page(found[0], CONVINCING):
        still = close(np.eye(3))
        found = [
            match for match in _different([still, *found], a.shape) if _is_better(match, stays)
        ]
        found = [match for match in found[:PROMISING] if match.support >= 0.5 * found[0].support]
        found = _different(
            [
                refine(a, b, match.transform, ("affine",), stays, precision=ROUGHLY)
                for match in found
            ],
            a.shape,
        )
    if not found:
        return still, None, None
    best, repeats = found[0], _repeats(a)
    for _ in range(ROUNDS):
        moved = [product(best.transform.matrix, _shift(*repeat)) for repeat in repeats]
        again = read_ahead(moved, close, a.threads)
        others = _different([best, *found, *again], a.shape)
        others = [
            match
            for match in others
            if match is not best and is_page(match) and match.support >= 0.5 * best.support
        ]
        better = [match for match in others if _is_better(match, best.alike, best.detailed)]
        if not better:
            break
        best = better[0]
    rivals = [match for match in others if not _is_better(best, match.alike, match.detailed)]
    return still, best, rivals[0] if rivals else None


def _is_better(match: Match, alike: Doubles, where: Mask | bool = True) -> bool:
    """Whether a match shows the page clearly better, in some patches, than something else.

    alike : correlation of that in each patch.
    """
    better = np.where(match.detailed & where, match.alike - alike, 0)
    wins, losses = (better > UNSURE).sum(), (better < -UNSURE).sum()
    # If they were equal, wins and losses would differ by chance by less than three standard
    # deviations.
    return bool(wins - losses >= max(LEAST_PATCHES, 3 * (wins + losses) ** 0.5))


def is_page(match: Match, least_share: float = LEAST_SHARE) -> bool:
    """Whether both scans show one page, and not two pages with some similar details."""
    return bool(match.agree.sum() >= LEAST_PATCHES) and match.share >= least_share


def _different(matches: Iterable[Match], shape: tuple[int, int], least: float = 2.0) -> list[Match]:
    """The matches, the best first, without those that are almost a better one.

    least : px by which they have to put a corner of the page elsewhere.
    """
    corners = np.array([[0, 0, 1], [shape[1], 0, 1], [0, shape[0], 1]], float).T
    kept: list[Match] = []
    places: list[Doubles] = []
    for match in sorted(matches, key=lambda match: match.support, reverse=True):
        place = product(match.transform.matrix, corners)[:2]
        if all(np.abs(place - other).max() > least for other in places):
            kept.append(match)
            places.append(place)
    return kept


def _starts(a: Level, b: Level, turn: float, number: int) -> list[tuple[float, Doubles]]:
    """(height, matrix) of a to b at the highest peaks of their phase correlation.

    b is turned by `turn` degrees. The pictures are padded, so that a shift is not
    confused with one that goes around the edge.
    """
    height, width = b.shape
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    turned = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    turned[:2, 2] = (
        np.array([width - 1, height - 1]) / 2 - product(turned[:2, :2], [width - 1, height - 1]) / 2
    )
    first, second = _without_what_stays(a.details, b.details)
    second = np.nan_to_num(b.warped(Transform(turned), second)) if turn else second
    shape = [_fast_length(n + m) for n, m in zip(first.shape, second.shape, strict=True)]
    spectrum = np.fft.rfft2(second, shape)
    spectrum *= np.conj(np.fft.rfft2(first, shape))
    spectrum /= np.maximum(np.abs(spectrum), np.float32(1e-12))
    # Peaks of about a pixel: the finest details are noise. The spectrum stays in single precision,
    # as it and what is made of it take most of the memory of a registration.
    for axis, frequency in enumerate((np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]))):
        passing = np.exp(-2 * (np.pi * frequency) ** 2).astype(np.float32)
        spectrum *= passing[:, None] if axis == 0 else passing
    surface = np.fft.irfft2(spectrum, shape)
    found = []
    for _ in range(number):
        y, x = map(int, np.unravel_index(np.argmax(surface), surface.shape))
        peak = float(surface[y, x])
        rows, columns = np.arange(y - 2, y + 3) % shape[0], np.arange(x - 2, x + 3) % shape[1]
        surface[np.ix_(rows, columns)] = -1
        dx, dy = x if x < width else x - shape[1], y if y < height else y - shape[0]
        found.append((peak, product(turned, _shift(dx, dy))))
    return found


def _shift(dx: float, dy: float) -> Doubles:
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], float)


def _repeats(level: Level) -> list[tuple[int, int]]:
    """The shift (x, y), px, there and back, by which a page looks most like itself.

    A table, staff lines or a screen have one; for other pages the list is empty.
    """
    details = np.nan_to_num(level.details)
    height, width = details.shape
    shape = [_fast_length(2 * n) for n in details.shape]
    surface = np.fft.irfft2(np.abs(np.fft.rfft2(details, shape)) ** 2, shape)
    # Shifts of up to a third, of which one half is enough.
    dy, dx = np.arange(height // 3)[:, None], np.arange(-(width // 3), width // 3)[None]
    surface = surface[dy, dx] / max(float(surface[0, 0]), 1e-12)
    surface[(dy < NEAR) & (np.abs(dx) < NEAR)] = 0
    row, column = np.unravel_index(np.argmax(surface), surface.shape)
    x, y = int(dx[0, column]), int(row)
    return [(x, y), (-x, -y)] if surface.max() >= REPEATING else []


def _without_what_stays(first: Plane, second: Plane) -> tuple[Plane, Plane]:
    """Two pictures of details without what both show at the same place; 0 where not known."""
    rows, columns = (min(n, m) for n, m in zip(first.shape, second.shape, strict=True))
    first, second = np.nan_to_num(first), np.nan_to_num(second)
    one, two = first[:rows, :columns], second[:rows, :columns]
    two *= np.sqrt(np.sum(one**2) / max(np.sum(two**2), 1e-12))
    common = np.where(one * two > 0, np.copysign(np.minimum(np.abs(one), np.abs(two)), one), 0)
    one -= common
    two -= common
    return first, second


def _fast_length(n: int) -> int:
    """The smallest number from n on that is 2^a 3^b 5^c, which the FFT likes."""
    while True:
        rest = n
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1
