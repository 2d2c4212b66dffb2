"""Runs: where in a series of frames the dust changes, because the glass was cleaned or the film
holder was turned.

The trace of a frame is its difference from its background, block by block, in units of the usual
difference there. Traces of two frames correlate only through the dust that they share: by
`g_i * g_j * s`, where `g` is the clarity with which a frame shows dust and `s` is the share of the
dust that is the same. For the frames before and after a place, `s` is the mean correlation across
the place, divided by the geometric mean of the correlations on both sides. The clarity of single
frames cancels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..dust.placement import Placement, Shape
from ..errors import DustbustError
from ..files.read import Frame, read_luminance_and_data
from ..image.arrays import Mask, Plane
from ..runtime.progress import Progress, part_of
from ..runtime.read_ahead import read_ahead
from .background import Surroundings
from .film_borders import Borders
from .frames import Frames, commonest
from .passes import Runner
from .series_places import place_series

# A run has at least SHORTEST_RUN frames. On each side of a place, up to FRAMES_COMPARED are
# compared.
SHORTEST_RUN = 3
FRAMES_COMPARED = 12

# Across a change, the share of the dust that is the same is below SAME_DUST by at least this many
# standard errors.
SAME_DUST = 0.9
CHANGE_DEVIATIONS = 4.5

# Lower limit of the expected correlation across a place, as a share of the correlations on the
# better side: frames may show dust poorly.
FAINTEST_CORRELATION = 0.3

# Frames lie on each other if, for HELD_SHARE of them, the sum of the correlations with the NEAREST
# ones before or after is above CLEAR_DEVIATIONS standard errors. Otherwise they are placed.
NEAREST, CLEAR_DEVIATIONS, HELD_SHARE = 3, 4.0, 0.8

# Frames of one format may be cropped by this share of a side.
CROPPED = 0.1

# Limit of a difference from the background, in deviations.
LIMIT = 2.0

# `pattern` shows the dust of a run from this number of its frames: enough for the median to be free
# of their scenes, and read in a tenth of the time of 24 frames.
FRAMES_OF_PATTERN = 8

# Radius of the median in blocks, and rows of a block. They are coarser than for a mask, as only
# differences from the background are needed.
RADIUS, ROWS = 2, 2

Numbers = npt.NDArray[np.int64]


def find_runs(
    frames: Iterable[Frame],
    *,
    leave_out: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
) -> list[list[Frame]]:
    """Split a series of frames into runs: where the dust changes, a new run begins.

    Where the format of the frames changes, a new run begins, too.

    Parameters
    ----------
    frames : iterable of path or ndarray
        Frames as of `estimate_mask`, in the order of scanning.
    leave_out : bool
        Whether frames that cannot be read are passed over, so that `estimate_mask` can leave them
        out. False refuses them.
    progress : callable, optional
        Called as progress(fraction, text).
    executor : concurrent.futures.Executor, optional
        As of `estimate_mask`.
    threads : int, optional
        Number of threads, by default one for each processor.

    Returns
    -------
    list of lists
        All frames, in their order. One list if the dust does not change, or there is none.

    Raises
    ------
    DustbustError
        As `estimate_mask` does.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust import find_runs
    >>> rng = np.random.default_rng(1)
    >>> frames = [rng.normal(0.3, 0.01, (160, 240)).astype(np.float32) for _ in range(10)]
    >>> for index, frame in enumerate(frames):
    ...     for x in range(20, 200, 40):
    ...         y, left = 40 + x % 50, x + 9 * (index > 5)
    ...         frame[y:y + 8, left:left + 8] += 0.3
    >>> [len(run) for run in find_runs(frames)]
    [6, 4]
    """
    series = Frames.of(frames, leave_out=leave_out, limited=False)
    starts = [0]
    segments = list(by_format(series.sizes))
    for index, segment in enumerate(segments):
        if index:
            starts.append(segment[0])
        size = commonest(series.sizes[number] for number in segment)
        part = part_of(progress, segment[0], len(segment), len(series))
        alike = [number for number in segment if series.sizes[number] == size]
        found, fit = correlations(series, alike, part, executor, threads)
        if len(alike) < len(segment) or not found.holds_together():
            runner = Runner(series, executor=executor, threads=threads)
            placed = place_series(runner, [n for n in segment if n not in series.left_out])
            if placed is not None:
                series.placements, series.shape = placed
                found, fit = correlations(series, sorted(placed[0]), None, executor, threads)
                series.placements = {}
        starts += [fit[place] for place in changes(found)]
    return [series.sources[begin:end] for begin, end in pairwise([*starts, len(series)])]


def by_format(sizes: Mapping[int, Shape]) -> Iterator[list[int]]:
    """Divide a series of frames where their format changes.

    Frames that were cropped or turned by the scanner program have one format. A few frames of
    another format in between, fewer than SHORTEST_RUN, do not divide a series.

    Parameters
    ----------
    sizes : mapping of int to tuple of int
        (H, W) by the number of the frame.

    Yields
    ------
    list of int
        Numbers of consecutive frames.

    Examples
    --------
    >>> from dustbust.estimation.runs import by_format
    >>> sizes = [(160, 240), (240, 158), (160, 240), (200, 200), (200, 200), (200, 200)]
    >>> list(by_format(dict(enumerate(sizes))))
    [[0, 1, 2], [3, 4, 5]]
    """
    segments: list[tuple[int, list[int]]] = []
    for number, kind in formats_of(sizes).items():
        if segments and segments[-1][0] == kind:
            segments[-1][1].append(number)
        else:
            segments.append((kind, [number]))
    merged: list[tuple[int, list[int]]] = []
    waiting: list[int] = []  # of too short a segment at the beginning
    for kind, numbers in segments:
        if merged and (merged[-1][0] == kind or len(numbers) < SHORTEST_RUN):
            merged[-1][1].extend(numbers)
        elif len(numbers) < SHORTEST_RUN:
            waiting += numbers
        else:
            merged.append((kind, [*waiting, *numbers]))
            waiting = []
    if not merged:
        merged = [(0, waiting)]
    for _, numbers in merged:
        yield numbers


def formats_of(sizes: Mapping[int, Shape]) -> dict[int, int]:
    """Which frames have one format, also if the scanner program cropped or turned them.

    Parameters
    ----------
    sizes : mapping of int to tuple of int
        (H, W) by the number of the frame.

    Returns
    -------
    dict of int to int
        Number of the format by the number of the frame; formats are counted as they come.

    Examples
    --------
    >>> from dustbust.estimation.runs import formats_of
    >>> formats_of({1: (160, 240), 2: (240, 158), 5: (200, 200)})
    {1: 0, 2: 0, 5: 1}
    """
    formats: list[Shape] = []
    found: dict[int, int] = {}
    for number, size in sizes.items():
        sides = (min(size), max(size))
        known = (place for place, other in enumerate(formats) if _one_format(sides, other))
        found[number] = next(known, len(formats))
        if found[number] == len(formats):
            formats.append(sides)
    return found


def _one_format(sides: Shape, other: Shape) -> bool:
    """Whether two frames, (shorter, longer) side each, are of one format."""
    return all(
        abs(one - two) <= CROPPED * max(one, two) for one, two in zip(sides, other, strict=True)
    )


@dataclass(frozen=True)
class Correlations:
    """Correlations of the traces of frames that are near each other in the series.

    Parameters
    ----------
    values : ndarray of float64, shape (N, 2 * FRAMES_COMPARED)
        [i, k] is the correlation of the frames i and i - k; 0 where there is no such frame.
    error : float
        Standard error of one value.
    """

    values: npt.NDArray[np.float64]
    error: float

    def holds_together(self) -> bool:
        """Whether nearly all frames lie on those near them, so that their dust shows.

        Frames without dust do not.
        """
        frames = len(self.values)
        near = np.zeros((2, frames))  # with the frames before and after each
        for apart in range(1, min(NEAREST, frames) + 1):
            same = self.values[apart:, apart]
            near[0, apart:] += same
            near[1, : frames - apart] += same
        clear = near.max(axis=0) > CLEAR_DEVIATIONS * self.error * np.sqrt(NEAREST)
        return bool(np.count_nonzero(clear) >= HELD_SHARE * frames)

    def pairs(self, later: Numbers, earlier: Numbers) -> npt.NDArray[np.float64]:
        """Correlations of some frames with some earlier ones; numbers of both, (A,) and (B,)."""
        apart = later[:, None] - earlier
        pairs: npt.NDArray[np.float64] = self.values[
            np.broadcast_to(later[:, None], apart.shape)[apart > 0], apart[apart > 0]
        ]
        return pairs


class Placed(NamedTuple):
    """A frame, its place, and the (H, W) of the grid on which it lies."""

    source: Frame
    placement: Placement | None
    grid: Shape


def look(frame: Placed) -> tuple[Plane, Plane]:
    """The differences of a frame from its background.

    Returns
    -------
    stands_out : ndarray of float32, shape (rows, columns)
        One number for each block, in units of what usually stands out there.
    background : ndarray of float32, shape (rows, columns)
    """
    plane, has_data = read_luminance_and_data(frame.source)
    if frame.placement is not None:
        plane, has_data = frame.placement.on_grid(plane, has_data, frame.grid)
    surroundings = Surroundings.of(plane, has_data, radius=RADIUS, rows=ROWS, threads=1)
    difference = surroundings.mean - surroundings.background
    deviations = difference / np.sqrt(surroundings.variance)
    stands_out = np.clip(deviations, np.float32(-LIMIT), np.float32(LIMIT))
    return np.asarray(stands_out, np.float32), surroundings.background


def pattern(frames: Iterable[Frame], *, threads: int | None = None) -> Plane:
    """The dust of a run at a glance, from a few of its frames, without a search for it.

    Frames of another size than the commonest one are passed over.

    Parameters
    ----------
    frames : iterable of path or ndarray
        Frames of one run, as of `find_runs`.
    threads : int, optional
        Number of threads, by default one for each processor.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The median difference from the background, one number for each block, as in `look`.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frames = [rng.normal(0.3, 0.01, (160, 240)).astype(np.float32) for _ in range(9)]
    >>> for frame in frames:
    ...     frame[80:88, 120:128] += 0.3
    >>> np.argwhere(pattern(frames) > 1).tolist()  # blocks of 4 px
    [[20, 30], [20, 31], [21, 30], [21, 31]]
    """
    series = Frames.of(frames, leave_out=True, limited=False)
    size = commonest(series.sizes.values())
    alike = [number for number, each in sorted(series.sizes.items()) if each == size]
    last = len(alike) - 1
    chosen = sorted(
        {alike[round(last * n / (FRAMES_OF_PATTERN - 1))] for n in range(FRAMES_OF_PATTERN)}
    )
    seen = [stands_out for _, stands_out, _ in looks(series, chosen, None, None, threads)]
    return np.asarray(np.median(seen, axis=0), np.float32)


def look_if_fit(frame: Placed) -> tuple[Plane, Plane] | DustbustError:
    """The result of `look`, or the error if the frame cannot be read."""
    try:
        return look(frame)
    except DustbustError as error:
        return error


def looks(
    series: Frames,
    numbers: Sequence[int],
    progress: Progress | None,
    executor: Executor | None,
    threads: int | None,
) -> Iterator[tuple[int, Plane, Plane]]:
    """Yield the number of each frame that can be used, and the result of `look` for it."""
    frames = [
        Placed(series.sources[number], series.placements.get(number), series.shape)
        for number in numbers
    ]
    results = read_ahead(frames, look_if_fit, threads, executor)
    for done, (number, result) in enumerate(zip(numbers, results, strict=True), 1):
        if isinstance(result, DustbustError):
            series.leave({number: result})
        else:
            yield number, *result
        if progress:
            progress(done / len(numbers), series.names[number])


def trace(stands_out: Plane, inside: Mask) -> npt.NDArray[np.float32]:
    """What stands out inside the film's borders: float32 (N,), of mean 0 and length 1."""
    flat = np.where(inside, stands_out - stands_out[inside].mean(), 0).ravel()
    return np.asarray(flat / max(float(np.sqrt(flat @ flat)), 1e-9), np.float32)


def correlations(
    series: Frames,
    numbers: Sequence[int],
    progress: Progress | None = None,
    executor: Executor | None = None,
    threads: int | None = None,
) -> tuple[Correlations, list[int]]:
    """Correlations of all pairs of frames, of one size or on one grid, that are near each other.

    At most 2 * FRAMES_COMPARED traces are held. The first of them show where the borders of the
    film are, which move a little.

    Returns
    -------
    correlations : Correlations
        Of the frames that can be used.
    fit : list of int
        Their numbers in the series.
    """
    values, fit = np.zeros((len(numbers), 2 * FRAMES_COMPARED)), list[int]()
    shown = looks(series, numbers, progress, executor, threads)
    first = list(islice(shown, 2 * FRAMES_COMPARED))
    if not first:
        return Correlations(values[:0], 1.0), fit
    borders = Borders(first[0][1].shape)
    for _, _, background in first:
        borders.add(background)
    outside = borders.outside()
    inside = np.ones_like(outside) if outside.all() else ~outside
    held = np.zeros((2 * FRAMES_COMPARED, inside.size), np.float32)
    for index, (number, stands_out, _) in enumerate(chain(first, shown)):
        fit.append(number)
        own = held[index % (2 * FRAMES_COMPARED)] = trace(stands_out, inside)
        back = np.arange(1, min(index, 2 * FRAMES_COMPARED - 1) + 1)
        values[index, back] = (held @ own)[(index - back) % (2 * FRAMES_COMPARED)]
    # Neighbouring blocks are alike: they count as a quarter of their number.
    return Correlations(values[: len(fit)], 2 / np.sqrt(inside.sum())), fit


def changes(found: Correlations) -> list[int]:
    """Numbers of the frames with which a new run begins, rising."""

    def between(begin: int, end: int) -> int | None:
        places = range(begin + SHORTEST_RUN, end - SHORTEST_RUN + 1)
        clearest = max(
            (Change.at(found, place, begin, end) for place in places),
            key=lambda change: change.deviations,
            default=None,
        )
        if clearest is None or clearest.deviations < CHANGE_DEVIATIONS:
            return None
        # Pairs across the change correlate by less than half way between what is measured across
        # and what is expected: the place with the most such pairs.
        middle = (clearest.across + clearest.expected) / 2
        near = [place for place in places if abs(place - clearest.place) < FRAMES_COMPARED]

        def excess(place: int) -> float:
            before, after = around(place, begin, end)
            return float((found.pairs(after, before) - middle).sum())

        return min(near, key=excess)

    def split(begin: int, end: int) -> list[int]:
        place = between(begin, end)
        return [] if place is None else [*split(begin, place), place, *split(place, end)]

    places = split(0, len(found.values))
    # A change between two others may have been found before these were known. It is checked again,
    # and its place is found anew.
    for place in list(places):
        at = places.index(place)
        begin, end = ([0, *places, len(found.values)][at + side] for side in (0, 2))
        again = between(begin, end)
        places[at : at + 1] = [] if again is None else [again]
    return places


def around(place: int, begin: int, end: int) -> tuple[Numbers, Numbers]:
    """The numbers of the frames before and after a place that are compared."""
    return np.arange(max(begin, place - FRAMES_COMPARED), place), np.arange(
        place, min(end, place + FRAMES_COMPARED)
    )


@dataclass(frozen=True)
class Change:
    """How the dust before a place differs from that after it.

    Parameters
    ----------
    place : int
        Number of the first frame after it.
    across, expected : float
        Correlation of frames before with frames after, and its value if the dust were the same.
    deviations : float
        Their difference in standard errors; 0 if it is below the limit.
    """

    place: int
    across: float
    expected: float
    deviations: float

    @classmethod
    def at(cls, found: Correlations, place: int, begin: int, end: int) -> "Change":
        """The change at a place between the frames `begin` and `end`."""
        before, after = around(place, begin, end)
        pairs = found.pairs(after, before)
        sides = found.pairs(before, before), found.pairs(after, after)
        error = found.error * np.sqrt(1 / pairs.size + 0.25 / sides[0].size + 0.25 / sides[1].size)
        across = float(pairs.mean())
        # Two pictures may happen to be alike: that makes the mean too high, but not the median.
        left, right = (max(min(side.mean(), np.median(side)), 0) for side in sides)
        expected = max(np.sqrt(left * right), FAINTEST_CORRELATION * max(left, right))
        return cls(
            place,
            across,
            expected,
            (expected - across) / error if across < SAME_DUST * expected else 0,
        )
