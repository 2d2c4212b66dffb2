"""From the offsets of maps to places on one grid, in whole pixels where frames share one."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.dust.placement import Placement
from dustbust.estimation import placing
from dustbust.estimation.placement import Canvas, Match
from dustbust.estimation.placing import in_whole_pixels, nominal, on_one_grid


def test_offsets_are_whole_pixels_beside_a_common_fraction():
    offsets = np.array([[0.3, 4.02], [7.28, 1.0], [3.33, -2.96], [5.3, 9.02]])
    found, whole = in_whole_pixels(offsets, np.full(4, 0.05))
    assert whole
    assert found.tolist() == [[0, 4], [7, 1], [3, -3], [5, 9]]
    assert offsets[0, 0] == 0.3  # what was given is not changed
    # An axis without a common fraction keeps its offsets.
    offsets[:, 1] = 0.1, 1.35, 2.6, 3.85
    found, whole = in_whole_pixels(offsets, np.full(4, 0.05))
    assert not whole
    assert found[:, 0].tolist() == [0, 7, 3, 5]
    assert found[:, 1].tolist() == offsets[:, 1].tolist()


def spread_fractions(length, number=40):
    """Offsets whose fractions have this mean resultant length: some at 0, some at a half."""
    halves = round(number * (1 - length) / 2)
    fractions = np.repeat([0, 0.5], [number - halves, halves])
    return np.stack([np.arange(number) + fractions, np.arange(number)], 1)


def test_fractions_must_agree():
    """By 0.6, the mean resultant length of their directions."""
    assert not in_whole_pixels(spread_fractions(0.55), np.ones(40))[1]
    assert in_whole_pixels(spread_fractions(0.65), np.ones(40))[1]


@pytest.mark.parametrize(("number", "whole"), [(3, False), (4, True)])
def test_few_frames_may_agree_by_chance(number, whole):
    """It takes more than 3.5 frames that agree perfectly."""
    assert in_whole_pixels(np.arange(2.0 * number).reshape(-1, 2), np.ones(number))[1] == whole
    assert not in_whole_pixels(spread_fractions(2 / 3, 6), np.ones(6))[1]  # 6 times 4/9


def test_frames_count_by_their_errors():
    fractions = np.repeat([0.0, 0.5], [8, 6])
    offsets = np.stack([np.arange(14) + fractions, np.zeros(14)], 1)
    # Eight of weight 1 and six of 1/4: (8 - 1.5) / (8 + 1.5) is 0.68.
    errors = np.repeat([1.0, 2.0], [8, 6])
    assert in_whole_pixels(offsets, errors)[1]
    assert in_whole_pixels(offsets, 1e-3 * errors)[1]
    assert not in_whole_pixels(offsets, np.ones(14))[1]
    # Smaller errors count as a thousandth.
    assert not in_whole_pixels(offsets, 1e-5 * errors)[1]


def test_no_frame_counts_more_than_four_usual_ones():
    """Five of weight 1 and one of 4 are as good as 81 / 21 frames, which is more than 3.5."""
    assert in_whole_pixels(np.zeros((6, 2)), np.array([1e-2, *[1.0] * 5]))[1]
    assert not in_whole_pixels(np.zeros((5, 2)), np.array([1e-2, *[1.0] * 4]))[1]


def roll_of(size, factor, shape=(100, 120)):
    canvas = Canvas(shape, 10)
    maps = {0: SimpleNamespace(size=size)}

    def upright(number, turns):
        rows, columns = (length // factor for length in size)
        return (columns, rows) if turns % 2 else (rows, columns)

    return SimpleNamespace(maps=maps, factor=factor, canvas=canvas, upright_shape=upright)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_the_nominal_place_is_that_of_the_first_pixel_of_the_upright_frame(turns):
    """What is left over at the end of rows and columns is not in the map."""
    size = 241, 302  # of 3 px: 80 rows and 1 px, 100 columns and 2 px
    roll = roll_of(size, 3)
    corner = nominal(roll, 0, turns)
    frame = np.zeros(size, bool)
    frame[:240, :300] = True
    top, left = (int(np.flatnonzero(np.rot90(frame, -turns).any(axis=a))[0]) for a in (1, 0))
    expected = roll.canvas.corner(roll.upright_shape(0, turns)) * 3 - np.array([top, left])
    assert corner.tolist() == expected.tolist()


def straight(offsets, whole=False, turns=0, sizes=((60, 80),) * 3):
    frames = SimpleNamespace(sizes=dict(enumerate(sizes)))
    state = {n: Match(turns=turns if n == 1 else 0) for n in range(3)}
    return placing._lies_straight(frames, state, np.array(offsets), whole)


def test_frames_lie_straight_within_a_pixel_and_a_half():
    assert straight([[0, 0], [1.4, 0], [0.2, 1.4]])
    assert not straight([[0, 0], [1.6, 0], [0.2, 0.4]])
    assert not straight([[0, 0], [0, 1.5], [0, 0]])
    # In whole pixels, none of them may differ.
    assert straight([[2, 1]] * 3, whole=True)
    assert not straight([[2, 1], [2, 1], [2, 2]], whole=True)
    assert not straight([[2, 1]] * 3, turns=2)
    assert not straight([[2, 1]] * 3, sizes=((60, 80), (60, 80), (60, 81)))


@pytest.mark.parametrize(
    ("size", "swapped", "placed"),
    [
        ((600, 800), False, True),
        ((664, 800), False, True),
        ((665, 800), False, False),
        ((600, 735), False, False),
        ((600, 800), True, False),
    ],
)
def test_a_frame_without_dust_lies_at_its_nominal_place(size, swapped, placed):
    """If it differs in size by no more than it may lie elsewhere."""
    roll = roll_of(size, 2, (320, 420))
    roll.is_swapped = lambda number: swapped
    frames = SimpleNamespace(sizes={0: size}, shape=(600, 800))
    place = placing._without_evidence(frames, roll, 0, np.array([3.0, -2]))
    if not placed:
        assert place is None
        return
    assert np.subtract(place.offset, nominal(roll, 0, 0)).tolist() == [3, -2]
    assert (place.size, place.quarter_turns, place.placed, place.error) == (size, 0, False, 64)


def test_a_large_frame_may_lie_farther():
    """By 3 % of the longer side."""
    frames = SimpleNamespace(sizes={0: (2000, 4119)}, shape=(2000, 4000))
    roll = roll_of((2000, 4119), 5, (400, 830))
    roll.is_swapped = lambda number: False
    assert placing._without_evidence(frames, roll, 0, np.zeros(2)).error == 120
    frames.sizes[0] = (2000, 4121)
    assert placing._without_evidence(frames, roll, 0, np.zeros(2)) is None


def test_the_grid_holds_all_frames():
    places = {
        2: Placement((60, 80), 0, (5.0, -3.0), 0.1),
        7: Placement((60, 80), 1, (1.0, 4.0), 0.1),
    }
    moved, shape = on_one_grid(places)
    assert [tuple(moved[n].corner) for n in (2, 7)] == [(4, 0), (0, 7)]
    assert shape == (80, 80)  # the turned one has 80 rows, the other one ends at column 80


def placed(z, offsets, factor=2, without=0):
    """The places that frames get, of these z and offsets; and of frames without evidence."""
    numbers = range(len(z) + without)
    size = (60, 80)
    frames = SimpleNamespace(
        sizes=dict.fromkeys(numbers, size),
        shape=size,
        keep_commonest=lambda: setattr(frames, "straight", True),
        placements=None,
    )
    roll = roll_of(size, factor, (30, 40))
    roll.maps = dict.fromkeys(numbers, SimpleNamespace(size=size))
    roll.is_swapped = lambda number: False
    state = {
        n: Match(tuple(at), each, 2.0 * each)
        for n, (each, at) in enumerate(zip(z, offsets, strict=True))
    }
    placing._place(frames, roll, state)
    return frames


def test_places_have_the_errors_of_their_peaks():
    frames = placed([25.0, 100, 2000, 10], [(0, 0), (4, 1), (8, 3), (2, 6)])
    errors = [frames.placements[n].error for n in range(4)]
    # 1.25 map px of 2 px by z, but not below 0.03 map px.
    assert errors == pytest.approx([0.1, 0.06, 0.06, 0.25])
    assert [frames.placements[n].z for n in range(4)] == [25, 100, 1000, 10]
    assert [frames.placements[n].ratio for n in range(4)] == [50, 200, 1000, 20]
    corners = np.array([frames.placements[n].corner for n in range(4)])
    assert corners.tolist() == [[0, 0], [8, 2], [16, 6], [4, 12]]
    assert frames.shape == (76, 92)


def test_frames_without_evidence_move_as_the_others_usually_do():
    frames = placed([50.0] * 3, [(0, 1), (4, 8), (8, 3)], without=1)
    corners = np.array([frames.placements[n].corner for n in range(4)])
    assert (corners[3] - corners[0]).tolist() == [8, 4]  # by (4, 3) map px, not by (0, 1)
    assert not frames.placements[3].placed


def test_frames_that_lie_on_each_other_get_no_places():
    frames = placed([50.0] * 4, [(3, 1)] * 4)
    assert frames.straight
    assert frames.placements is None
