"""Runs: where in a series of frames the dust changes, because somebody cleaned the glass or turned the film holder.

What stands out of a frame's background, block by block and in units of what usually stands out there, is the frame's trace. Traces of two
frames correlate through the dust that they share, and through nothing else: by `g_i * g_j * s`, where `g` is how well a frame shows dust and
`s` is how much of the dust is the same. Between the frames before and those after a place, `s` is the mean correlation across it over the
geometric mean of those on both sides; how well single frames show dust drops out.
"""

from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from ..errors import DustbustError
from ..files.paths import name_of
from ..files.read import read_luminance, read_luminance_and_data
from ..runtime.read_ahead import read_ahead
from .background import Surroundings
from .film_borders import Borders
from .passes import check_frame_size, check_frames

# A run has at least so many frames; so many on each side of a place are compared.
SHORTEST_RUN = 3
FRAMES_COMPARED = 12

# Less of the dust than this is the same on both sides of a change, and so many standard errors less than all of it.
SAME_DUST = 0.9
CHANGE_DEVIATIONS = 4.5

# Frames that show dust much less well than others differ by no more than this: correlations across, as a share of those on the better side.
FAINTEST_CORRELATION = 0.3

# What stands out more than so many deviations is no more dust for that.
LIMIT = 2.0


def find_runs(frames, *, leave_out=False, progress=None, executor=None, threads=None):
    """Split a series of frames into runs: where the dust changes, a new run begins.

    Parameters
    ----------
    frames : as of `estimate_mask`, in the order of scanning.
    leave_out : whether frames that cannot be read, or have another size than the first, say nothing of where a run ends, for `estimate_mask`
        to leave them out; False refuses them.
    progress, executor, threads : as of `estimate_mask`.

    Returns
    -------
    list of lists : all frames, in their order. One list when the dust does not change, or there is none.

    Raises
    ------
    DustbustError
        as `estimate_mask` does.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> frames = [rng.normal(0.3, 0.01, (160, 240)).astype(np.float32) for _ in range(10)]
    >>> for index, frame in enumerate(frames):
    ...     for x in range(20, 200, 40):
    ...         frame[40 + x % 50:48 + x % 50, x + 9 * (index > 5):x + 8 + 9 * (index > 5)] += 0.3
    >>> [len(run) for run in find_runs(frames)]
    [6, 4]
    """
    frames = check_frames(frames)
    found, fit = correlations(frames, leave_out, progress, executor, threads)
    ends = [0, *(fit[place] for place in changes(found)), len(frames)]
    return [frames[begin:end] for begin, end in zip(ends, ends[1:])]


@dataclass(frozen=True)
class Correlations:
    """Of the traces of frames that are near each other in the series.

    Parameters
    ----------
    values : float64 (N, 2 * REACH), [i, k] is that of the frames i and i - k; 0 where there is no such frame.
    error : of one value.
    """

    values: np.ndarray
    error: float

    def pairs(self, later, earlier):
        """Those of some frames with some earlier ones; the numbers of both: int (A,), (B,)."""
        apart = later[:, None] - earlier
        return self.values[
            np.broadcast_to(later[:, None], apart.shape)[apart > 0], apart[apart > 0]
        ]


def look(frame):
    """What stands out of the background of a frame, in units of what usually does, and the background: float32 (rows, columns) of blocks."""
    surroundings = Surroundings.of(*read_luminance_and_data(frame), radius=2, rows=2, threads=1)
    return np.clip(
        (surroundings.mean - surroundings.background) / np.sqrt(surroundings.variance),
        -LIMIT,
        LIMIT,
    ), surroundings.background


def look_if_fit(frame):
    """What `look` gives, or None if the frame cannot be read."""
    try:
        return look(frame)
    except DustbustError:
        return None


def looks(frames, leave_out, progress, executor, threads):
    """Yield the number of each frame that is fit, and what `look` gives for it."""
    shape = None
    for number, seen in enumerate(
        read_ahead(frames, look_if_fit if leave_out else look, threads, executor)
    ):
        name = name_of(frames[number], number)
        if seen:
            shape = shape or seen[0].shape
            if seen[0].shape == shape:
                yield number, *seen
            elif not leave_out:
                check_frame_size(
                    read_luminance(frames[number]), read_luminance(frames[0]).shape, name
                )
        if progress:
            progress((number + 1) / len(frames), name)


def trace(stands_out, inside):
    """What stands out inside the film's borders: float32 (N,), of mean 0 and length 1."""
    stands_out = np.where(inside, stands_out - stands_out[inside].mean(), 0).ravel()
    return stands_out / max(float(np.sqrt(stands_out @ stands_out)), 1e-9)


def correlations(frames, leave_out=False, progress=None, executor=None, threads=None):
    """Those of all pairs of frames that are fewer than 2 * REACH apart, and the numbers of the frames that are fit: all, but for those left out.

    Not more traces than 2 * REACH are held. The first so many tell where the film's borders are, which are not quite in one place.
    """
    values, fit = np.zeros((len(frames), 2 * FRAMES_COMPARED)), []
    seen = looks(frames, leave_out, progress, executor, threads)
    first = list(islice(seen, 2 * FRAMES_COMPARED))
    if not first:
        look(frames[0])  # says why
    borders = Borders(first[0][1].shape)
    for _, _, background in first:
        borders.add(background)
    outside = borders.outside()
    inside = np.ones_like(outside) if outside.all() else ~outside
    held = np.zeros((2 * FRAMES_COMPARED, inside.size), np.float32)
    for index, (number, stands_out, _) in enumerate(chain(first, seen)):
        fit.append(number)
        here = held[index % (2 * FRAMES_COMPARED)] = trace(stands_out, inside)
        back = np.arange(1, min(index, 2 * FRAMES_COMPARED - 1) + 1)
        values[index, back] = (held @ here)[(index - back) % (2 * FRAMES_COMPARED)]
    # Neighbouring blocks are alike: so many of them say as much as a quarter that are independent.
    return Correlations(values[: len(fit)], 2 / np.sqrt(inside.sum())), fit


def changes(found):
    """The numbers of the frames with which a new run begins, rising."""

    def between(begin, end):
        places = range(begin + SHORTEST_RUN, end - SHORTEST_RUN + 1)
        clearest = max(
            (Change.at(found, place, begin, end) for place in places),
            key=lambda change: change.deviations,
            default=None,
        )
        if clearest is None or clearest.deviations < CHANGE_DEVIATIONS:
            return None
        # Pairs across the change correlate less than half way between what is across and what is expected: there are as many such as can be.
        middle = (clearest.across + clearest.expected) / 2
        near = [place for place in places if abs(place - clearest.place) < FRAMES_COMPARED]
        return min(
            near, key=lambda place: (found.pairs(*around(place, begin, end)[::-1]) - middle).sum()
        )

    def split(begin, end):
        place = between(begin, end)
        return [] if place is None else [*split(begin, place), place, *split(place, end)]

    places = split(0, len(found.values))
    # Between two changes there may have seemed to be a third: now that those on both sides are known, is it one still, and where?
    for place in list(places):
        at = places.index(place)
        again = between(*([0, *places, len(found.values)][at + side] for side in (0, 2)))
        places[at : at + 1] = [] if again is None else [again]
    return places


def around(place, begin, end):
    """The numbers of the frames before and after a place that are compared."""
    return np.arange(max(begin, place - FRAMES_COMPARED), place), np.arange(
        place, min(end, place + FRAMES_COMPARED)
    )


@dataclass(frozen=True)
class Change:
    """How the dust before a place differs from that after it.

    Parameters
    ----------
    place : number of the first frame after it.
    across, expected : correlation of frames before with frames after, and what it would be if the dust were the same.
    deviations : by how many standard errors they differ; 0 if they differ less than they may.
    """

    place: int
    across: float
    expected: float
    deviations: float

    @classmethod
    def at(cls, found, place, begin, end):
        before, after = around(place, begin, end)
        across, left, right = (
            found.pairs(after, before),
            found.pairs(before, before),
            found.pairs(after, after),
        )
        error = found.error * np.sqrt(1 / across.size + 0.25 / left.size + 0.25 / right.size)
        across = across.mean()
        # Two pictures may happen to be alike: that makes the mean too high, but not the median.
        left, right = (max(min(side.mean(), np.median(side)), 0) for side in (left, right))
        expected = max(np.sqrt(left * right), FAINTEST_CORRELATION * max(left, right))
        return cls(
            place,
            across,
            expected,
            (expected - across) / error if across < SAME_DUST * expected else 0,
        )
