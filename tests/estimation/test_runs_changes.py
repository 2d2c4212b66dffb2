"""Where the dust of a series changes, from correlations and sizes of frames that are made up."""

import numpy as np
import pytest

from dustbust.estimation import runs
from dustbust.estimation.frames import Frames
from dustbust.estimation.runs import (
    Change,
    Correlations,
    Placed,
    around,
    by_format,
    changes,
    correlations,
    find_runs,
    formats_of,
    look,
    pattern,
    trace,
)


def made(lengths, same=0.0, clarity=1.0, error=0.05, noise=0.0):
    """Correlations of runs of these lengths; `same` of the dust stays from one to the next."""
    run = np.repeat(np.arange(len(lengths)), lengths)
    number = run.size
    clarity = np.broadcast_to(np.asarray(clarity, float), number)
    rng = np.random.default_rng(1)
    values = np.zeros((number, 24))
    for later in range(number):
        for apart in range(1, min(later, 23) + 1):
            shared = float(same) ** abs(run[later] - run[later - apart])
            values[later, apart] = clarity[later] * clarity[later - apart] * shared
    return Correlations(values + noise * rng.normal(size=values.shape), error)


def test_a_run_begins_where_the_dust_changes():
    assert changes(made([7, 9], noise=0.02)) == [7]
    assert changes(made([5, 6, 20], noise=0.02)) == [5, 11]
    assert changes(made([16], noise=0.02)) == []
    assert changes(made([8, 8], same=0.5, noise=0.02)) == [8]
    assert changes(made([4, 3, 4])) == [4, 7]


@pytest.mark.parametrize(("lengths", "found"), [([3, 5], [3]), ([5, 3], [5]), ([2, 6], [])])
def test_a_run_has_at_least_three_frames(lengths, found):
    assert changes(made(lengths)) == found
    assert changes(made([2, 3])) == []


@pytest.mark.parametrize(("same", "found"), [(0.88, [12]), (0.92, [])])
def test_nine_tenths_of_the_dust_are_the_same_dust(same, found):
    assert changes(made([12, 12], same, error=0.001)) == found


def test_twelve_frames_on_each_side_are_compared():
    before, after = around(20, 0, 40)
    assert before.tolist() == list(range(8, 20))
    assert after.tolist() == list(range(20, 32))
    before, after = around(5, 2, 9)
    assert before.tolist() == [2, 3, 4]
    assert after.tolist() == [5, 6, 7, 8]


def test_pairs_of_frames_and_earlier_ones():
    found = Correlations(np.arange(40.0 * 24).reshape(40, 24), 0.1)
    pairs = found.pairs(np.array([10, 11]), np.array([8, 9, 10]))
    assert pairs.tolist() == [10 * 24 + 2, 10 * 24 + 1, 11 * 24 + 3, 11 * 24 + 2, 11 * 24 + 1]


def test_a_change_counts_in_standard_errors():
    """Of means of 3 x 4 pairs, and of 3 and 6 pairs on the sides, of which each counts a half."""
    found = made([3, 4], same=0.25, clarity=[1, 1, 1, 0.5, 0.5, 0.5, 0.5], error=0.1)
    change = Change.at(found, 3, 0, 7)
    assert change.place == 3
    assert change.across == pytest.approx(0.25 * 0.5)
    assert change.expected == pytest.approx(0.5)  # the geometric mean of 1 and 0.25
    error = 0.1 * np.sqrt(1 / 12 + 0.25 / 3 + 0.25 / 6)
    assert change.deviations == pytest.approx((0.5 - 0.125) / error)
    # What is nearly as expected is no change at all.
    alike = Change.at(made([3, 4], same=0.92), 3, 0, 7)
    assert alike.deviations == 0


@pytest.mark.parametrize(("deviations", "found"), [(4.4, []), (4.6, [6])])
def test_a_change_is_four_and_a_half_errors(deviations, found):
    """Of means of 36 pairs across and of 15 on each side."""
    error = 1 / (deviations * np.sqrt(1 / 36 + 0.25 / 15 + 0.25 / 15))
    assert changes(made([6, 6], error=error)) == found


def test_dust_that_hardly_shows_on_one_side_is_expected_to_show_a_little():
    """By 0.3 of the better side: glass that gets dusty."""
    found = made([6, 6], clarity=[0.0] * 6 + [1.0] * 6, error=0.01)
    change = Change.at(found, 6, 0, 12)
    assert change.expected == pytest.approx(0.3)
    assert change.across == 0
    assert changes(found) == [6]


def test_two_pictures_that_are_alike_do_not_raise_what_is_expected():
    """The median of a side counts where the mean is higher; below 0 counts as 0."""
    found = made([5, 5])
    found.values[4, 1] = 6.0
    assert Change.at(found, 5, 0, 10).expected == pytest.approx(1)
    found.values[5:, :] = -0.5
    assert Change.at(found, 5, 0, 10).expected == pytest.approx(0.3)


@pytest.mark.parametrize(("without", "holds"), [(2, True), (3, False)])
def test_a_series_holds_together_if_four_fifths_of_the_frames_correlate(without, holds):
    """Of ten: with three frames before or after, by more than four errors of their sum."""
    clarity = np.ones(10)
    clarity[:without] = 0
    assert made([10], clarity=clarity, error=0.2).holds_together() == holds


def test_how_clear_neighbours_must_be():
    limit = 4 * 3**0.5 * 0.1  # the sum of three
    for factor, holds in ((1.01, True), (0.99, False)):
        clarity = np.full(20, (factor * limit / 3) ** 0.5)
        assert made([20], clarity=clarity, error=0.1).holds_together() == holds
    # The frames before or those after: three each time.
    for number, holds in ((1, False), (2, True)):
        few = made([number], error=0.1)
        assert few.holds_together() == holds


def test_formats_that_were_cropped_or_turned_are_one():
    sizes = {0: (1000, 1500), 1: (1500, 900), 2: (899, 1500), 3: (1000, 1666), 4: (1000, 1668)}
    assert formats_of(sizes) == {0: 0, 1: 0, 2: 1, 3: 0, 4: 2}
    assert formats_of({7: (500, 500)}) == {7: 0}


def test_fewer_than_three_frames_of_another_format_divide_no_series():
    wide, square = (160, 240), (200, 200)

    def segments(*sizes):
        return list(by_format(dict(enumerate(sizes))))

    assert segments(*[wide] * 3, *[square] * 2, *[wide] * 2) == [list(range(7))]
    assert segments(*[wide] * 3, *[square] * 3, *[wide] * 3) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert segments(*[square] * 2, *[wide] * 3) == [list(range(5))]
    assert segments(*[square] * 2, wide) == [[0, 1, 2]]
    assert segments(*[wide] * 3, *[square] * 3, *[wide] * 2) == [[0, 1, 2], list(range(3, 8))]
    assert segments(*[wide] * 3, *[square] * 2, *[wide] * 3) == [list(range(8))]
    assert segments(wide) == [[0]]


def test_a_trace_has_a_mean_of_none_and_a_length_of_one():
    plane = np.random.default_rng(1).normal(3, 2, (6, 8)).astype(np.float32)
    inside = np.ones(plane.shape, bool)
    inside[:, :2] = False
    found = trace(plane, inside).reshape(6, 8)
    assert not found[:, :2].any()
    assert found.sum() == pytest.approx(0, abs=1e-5)
    assert (found**2).sum() == pytest.approx(1, rel=1e-5)
    expected = plane[:, 2:] - plane[:, 2:].mean()
    assert found[:, 2:] == pytest.approx(expected / np.sqrt((expected**2).sum()), abs=1e-5)
    assert not trace(np.ones((6, 8), np.float32), inside).any()


def test_what_stands_out_counts_up_to_two_deviations():
    plane = np.random.default_rng(2).normal(0.5, 0.02, (160, 240)).astype(np.float32)
    plane[40:44, 60:64] = 1
    plane[80:84, 100:104] = 0
    stands_out, background = look(Placed(plane, None, (160, 240)))
    assert (stands_out.shape, background.shape) == ((40, 60), (40, 60))
    assert stands_out[10, 15] == 2
    assert stands_out[20, 25] == -2
    assert np.abs(np.delete(stands_out.ravel(), (10 * 60 + 15, 20 * 60 + 25))).max() < 2
    assert background[10, 15] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("number", "chosen"),
    [(3, [0, 1, 2]), (8, list(range(8))), (29, [0, 4, 8, 12, 16, 20, 24, 28])],
)
def test_a_pattern_is_the_median_of_eight_frames_from_everywhere(number, chosen, monkeypatch):
    frames = [np.full((16, 24), n / 40, np.float32) for n in range(number)]
    frames.insert(1, np.zeros((20, 24), np.float32))  # of another size
    seen = []

    def shown(series, numbers, *others):
        for each in numbers:
            value = round(float(series.sources[each][0, 0]) * 40)
            seen.append(value)
            yield each, np.full((4, 6), value, np.float32), None

    monkeypatch.setattr(runs, "looks", shown)
    assert (pattern(frames) == np.median(chosen)).all()
    assert seen == chosen


def alike(number, shape, seed=1):
    """Frames with the same dust everywhere, and a little grain."""
    rng = np.random.default_rng(seed)
    dust = rng.normal(0.4, 0.05, shape)
    return [np.float32(dust + rng.normal(0, 0.02, shape)) for _ in range(number)]


def test_frames_correlate_with_those_before_them():
    """Each with the 23 before it, by what stands out in its blocks, here of 4 px."""
    frames = alike(27, (48, 64))
    found, numbers = correlations(Frames.of(frames), range(27), threads=1)
    assert numbers == list(range(27))
    expected = np.corrcoef([look(Placed(each, None, (48, 64)))[0].ravel() for each in frames])
    for k in range(24):
        of_pairs = np.diagonal(expected, -k) if k else np.zeros(27)
        assert found.values[k:, k] == pytest.approx(of_pairs, abs=1e-4)
        assert not found.values[:k, k].any()
    # Of 12 x 16 blocks, four count as one.
    assert found.error == pytest.approx(1 / 48**0.5)


def test_a_frame_alone_correlates_with_none():
    found, numbers = correlations(Frames.of(alike(1, (48, 64))), [0], threads=1)
    assert numbers == [0]
    assert found.values.shape == (1, 24)
    assert not found.values.any()


def test_progress_goes_on_from_format_to_format():
    said = []
    frames = [*alike(3, (80, 120)), *alike(4, (96, 96))]
    found = find_runs(frames, progress=lambda fraction, text: said.append(fraction), threads=1)
    assert [len(run) for run in found] == [3, 4]
    assert said == pytest.approx(np.arange(1, 8) / 7)
