"""From the places of maps to the offsets of frames: whole pixels, straight runs, and the grid."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.dust.placement import Placement
from dustbust.errors import DustbustError
from dustbust.estimation.frames import Frames
from dustbust.estimation.placement import ERROR_OF_PEAK, Canvas, Match
from dustbust.estimation.placing import _place, in_whole_pixels, nominal, on_one_grid


class Maps:
    """What the places of frames are found in, as `placement.Roll` has it."""

    def __init__(self, sizes, factor):
        self.factor = factor
        self.maps = {
            number: SimpleNamespace(
                size=size, shape=(size[0] // factor, size[1] // factor), factor=factor
            )
            for number, size in enumerate(sizes)
        }
        longest = max(max(each.shape) for each in self.maps.values())
        self.canvas = Canvas((longest, longest), 8)

    def upright_shape(self, number, turns):
        rows, columns = self.maps[number].shape
        return (columns, rows) if turns % 2 else (rows, columns)

    def is_swapped(self, number):
        rows, columns = self.maps[number].shape
        return rows > columns


def placed(sizes, moves, *, factor=1, z=50.0, turns=None):
    """The frames of a run after their maps were found at (y, x), map px; None was not found."""
    frames = Frames.of([np.zeros(size, np.uint8) for size in sizes], leave_out=True)
    state = {
        number: Match(move, z, 5.0, turns[number] if turns else 0)
        for number, move in enumerate(moves)
        if move is not None
    }
    _place(frames, Maps(sizes, factor), state)
    return frames


def corners(frames):
    return {number: place.corner for number, place in frames.placements.items()}


@pytest.mark.parametrize(
    ("farthest", "is_straight"), [(1.3, True), (1.49, True), (1.51, False), (2.4, False)]
)
def test_frames_within_one_and_a_half_pixels_lie_straight(farthest, is_straight):
    moves = [(0.0, 0.0), (0.4 * farthest, 0.5), (farthest, 0.25), (0.7 * farthest, 0.7)]
    frames = placed([(240, 360)] * 4, moves)
    assert (not frames.placements) is is_straight
    assert not frames.left_out


def test_whole_pixels_lie_straight_only_if_there_are_none_between():
    sizes = [(240, 360)] * 6
    assert not placed(sizes, [(0.02, 3.0), (0.0, 3.01)] * 3).placements
    frames = placed(sizes, [(0.0, 0.0), (1.0, 0.0)] * 3)
    assert corners(frames) == {n: (n % 2, 0) for n in range(6)}
    assert frames.shape == (241, 360)


def test_frames_of_several_sizes_or_turns_do_not_lie_straight():
    frames = placed([(240, 360), (241, 360)] * 3, [(0.0, 0.0), (1.0, 0.0)] * 3)
    assert corners(frames) == dict.fromkeys(range(6), (0, 0))
    frames = placed([(240, 360)] * 6, [(0.0, 0.0)] * 6, turns=[0, 2] * 3)
    assert [place.quarter_turns for place in frames.placements.values()] == [0, 2] * 3


def test_a_place_is_that_of_the_map_in_pixels_of_the_frame():
    moves = [(0.0, 0.0), (3.25, -2.5), (-1.75, 4.0), (2.0, 1.25)]
    frames = placed([(240, 360)] * 4, moves, factor=4, z=20.0)
    assert corners(frames) == {0: (7, 10), 1: (20, 0), 2: (0, 26), 3: (15, 15)}
    assert frames.shape == (240 + 20, 360 + 26)
    for place in frames.placements.values():
        assert place.error == pytest.approx(4 * ERROR_OF_PEAK / 20)
        assert (place.z, place.ratio, place.placed) == (20, 5, True)


def test_an_error_is_never_smaller_than_a_map_can_tell():
    frames = placed([(240, 360)] * 4, [(0.0, 0.0), (9.0, 0.0)] * 2, factor=2, z=5000.0)
    for place in frames.placements.values():
        assert place.error == pytest.approx(2 * 0.03)
        assert place.z == 1000


def test_a_frame_that_was_not_found_stays_at_the_usual_place():
    moves = [(0.0, 0.0), (10.0, 4.0), (20.0, 8.0), None]
    frames = placed([(240, 360)] * 4, moves)
    assert corners(frames) == {0: (0, 0), 1: (10, 4), 2: (20, 8), 3: (10, 4)}
    place = frames.placements[3]
    assert not place.placed
    assert place.error == 64  # as far as any frame may lie from its nominal place


@pytest.mark.parametrize(("rows", "is_left_out"), [(240 + 64, False), (240 + 65, True)])
def test_a_frame_that_was_not_found_is_left_out_if_its_size_cannot_be(rows, is_left_out):
    frames = placed([(240, 360)] * 3 + [(rows, 360)], [(0.0, 0.0), (9.0, 0.0), (4.0, 0.0), None])
    assert (3 in frames.left_out) is is_left_out
    assert (3 not in frames.placements) is is_left_out


def test_the_limit_grows_with_the_frame():
    # 3 % of 3,000 px are more than 64.
    for rows, is_left_out in ((2000 + 90, False), (2000 + 91, True)):
        sizes = [(2000, 3000)] * 3 + [(rows, 3000)]
        frames = placed(sizes, [(0.0, 0.0), (9.0, 0.0), (4.0, 0.0), None], factor=10)
        assert (3 in frames.left_out) is is_left_out


def test_a_frame_that_lies_across_and_was_not_found_is_left_out():
    frames = placed([(340, 360)] * 3 + [(360, 340)], [(0.0, 0.0), (9.0, 0.0), (4.0, 0.0), None])
    assert "shows too little of their dust" in str(frames.left_out[3])


def test_without_any_place_only_the_commonest_size_is_kept():
    frames = placed([(240, 360)] * 3 + [(242, 360)], [None] * 4)
    assert frames.placements == {}
    assert [*frames.left_out] == [3]


@pytest.mark.parametrize(("turns", "before"), [(0, (0, 0)), (1, (0, 2)), (2, (2, 3)), (3, (3, 0))])
def test_rows_that_are_not_in_the_map_lie_before_a_turned_frame(turns, before):
    """A map of factor 4 has no place for the last 2 rows and 3 columns of (242, 363)."""
    roll = Maps([(242, 363)], 4)
    shape = (90, 60) if turns % 2 else (60, 90)
    corner = 4 * roll.canvas.corner(shape)
    assert np.array_equal(corner - nominal(roll, 0, turns), before)


def test_offsets_are_whole_if_their_fractions_agree():
    rng = np.random.default_rng(2)
    whole = rng.integers(-9, 9, (12, 2))
    near = whole + rng.normal((0.45, -0.4), 0.06, (12, 2))
    offsets, is_whole = in_whole_pixels(near, np.full(12, 0.06))
    assert is_whole
    # Relative to a common fraction: the same pixels, up to one for all.
    assert np.array_equal(np.ptp(offsets - whole, axis=0), (0, 0))
    assert near[0, 0] != offsets[0, 0]  # the input stays


def test_offsets_are_not_whole_if_their_fractions_are_spread():
    fractions = np.stack([np.arange(12) / 12, np.full(12, 0.2)], axis=1)
    offsets, is_whole = in_whole_pixels(fractions + 5, np.full(12, 0.05))
    assert not is_whole
    assert np.array_equal(offsets[:, 0], fractions[:, 0] + 5)
    assert np.array_equal(offsets[:, 1], np.full(12, 5))


@pytest.mark.parametrize(("half", "is_whole"), [(0.13, True), (0.16, False)])
def test_fractions_agree_by_the_length_of_their_mean(half, is_whole):
    """Two fractions at +-h have a mean of length cos(2 pi h): .68 and .54, of which .6 counts."""
    offsets = np.zeros((40, 2))
    offsets[::2, 0], offsets[1::2, 0] = half, -half
    assert in_whole_pixels(offsets, np.full(40, 0.1))[1] is is_whole


@pytest.mark.parametrize(("count", "is_whole"), [(3, False), (4, True)])
def test_a_few_frames_cannot_tell_whether_offsets_are_whole(count, is_whole):
    """Frames times the square of the length must exceed 3.5."""
    assert in_whole_pixels(np.zeros((count, 2)), np.full(count, 0.1))[1] is is_whole
    spread = np.zeros((2 * count, 2))  # of length .707: twice as many frames are needed
    spread[::2, 0], spread[1::2, 0] = 0.125, -0.125
    assert in_whole_pixels(spread, np.full(2 * count, 0.1))[1] is is_whole


def test_frames_that_are_placed_badly_count_less():
    offsets = np.zeros((12, 2))
    offsets[6:] = 0.5  # as many, but of ten times the error
    errors = np.where(np.arange(12) < 6, 0.05, 0.5)
    assert in_whole_pixels(offsets, errors)[1]
    assert not in_whole_pixels(offsets, np.full(12, 0.05))[1]
    # Those of no error at all count at most four times as much as a usual one.
    errors = np.where(np.arange(12) < 2, 0.0, 0.05)
    offsets = np.zeros((12, 2))
    offsets[2:] = np.linspace(0, 1, 10, endpoint=False)[:, None]
    assert not in_whole_pixels(offsets, errors)[1]


def test_the_grid_is_the_smallest_that_holds_all_frames():
    places = {
        4: Placement((240, 360), 0, (-3.0, 5.0), 0.1, 9.0, 2.0),
        7: Placement((240, 360), 1, (2.0, -10.0), 0.1, 9.0, 2.0),
    }
    moved, shape = on_one_grid(places)
    assert {number: place.corner for number, place in moved.items()} == {4: (0, 15), 7: (5, 0)}
    assert shape == (5 + 360, 15 + 360)


def test_a_refusal_names_both_sizes():
    sizes = [(240, 360)] * 3 + [(400, 360)]
    frames = Frames.of([np.zeros(size, np.uint8) for size in sizes])
    state = {number: Match((5.0 * number, 0.0), 50.0, 5.0) for number in range(3)}
    with pytest.raises(DustbustError, match=r"frame 3: is 360 x 400, most .* are 360 x 240"):
        _place(frames, Maps(sizes, 1), state)
