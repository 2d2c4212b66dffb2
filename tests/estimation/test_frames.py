"""The frames of a run: which are left out, when there are too few, and what is said of it."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.placement import Placement
from dustbust.errors import Sentence
from dustbust.estimation.frames import Frames, commonest, grouped, shape_of, spread_over


def run(number, **options):
    return Frames.of([np.zeros((20, 30, 3), np.uint8)] * number, **options)


def unfit(*numbers):
    return {number: DustbustError("{name} is empty.", name=f"frame {number}") for number in numbers}


def test_frames_are_not_left_out_unless_that_is_asked():
    with pytest.raises(DustbustError, match="frame 2 is empty"):
        run(9).leave(unfit(2, 3))
    frames = run(9, leave_out=True)
    frames.leave(unfit(3, 2))
    assert frames.usable == [0, 1, 4, 5, 6, 7, 8]
    assert frames.used == tuple(f"frame {number}" for number in frames.usable)
    assert frames.reasons == [["frame 2", "frame 2 is empty."], ["frame 3", "frame 3 is empty."]]


def test_half_of_the_frames_may_be_left_out_but_not_more():
    frames = run(6, leave_out=True)
    frames.leave(unfit(0, 1))
    frames.leave(unfit(2))
    with pytest.raises(DustbustError, match=r"4 of 6 frames cannot be used. frame 0 is empty. \(3"):
        frames.leave(unfit(5))
    frames.leave({})  # nothing new, and so nothing to say


def test_without_a_limit_one_frame_is_enough():
    frames = run(4, leave_out=True, limited=False)
    frames.leave(unfit(0, 1, 3))
    assert frames.usable == [2]
    with pytest.raises(DustbustError, match="4 of 4 frames"):
        frames.leave(unfit(2))


def test_what_was_left_out_and_not_placed_is_said():
    frames = run(5, leave_out=True)
    assert frames.warnings() == []
    frames.leave(unfit(1))
    (left,) = frames.warnings()
    assert left == "1 of 5 frames cannot be used and were left out. frame 1 is empty."
    assert frames.places_of_used == ()
    frames.placements = {n: Placement((20, 30), placed=n != 2) for n in range(5)}
    assert frames.places_of_used == tuple(frames.placements[n] for n in (0, 2, 3, 4))
    first, second = frames.warnings()
    assert first == left
    assert second.startswith("1 of 4 frames show too little dust to find where they lie")


def test_frames_of_other_sizes_than_the_commonest_are_left_out():
    sizes = [(20, 30), (22, 30), (20, 30), (20, 31), (20, 30)]
    frames = Frames.of([np.zeros(size, np.uint8) for size in sizes], leave_out=True)
    frames.keep_commonest()
    assert frames.used == ("frame 0", "frame 2", "frame 4")
    assert str(frames.reasons[0][1]).startswith(
        "frame 1: is 30 x 22, but most frames of the run are 30 x 20"
    )
    assert str(frames.reasons[1][1]).startswith("frame 3: is 31 x 20")
    assert commonest([(5, 6), (7, 8), (7, 8), (9, 9)]) == (7, 8)
    assert shape_of(np.zeros((7, 9, 4), np.uint16)) == (7, 9)


def test_reasons_of_one_kind_are_one_sentence():
    empty = [Sentence("{frame} is empty.", frame=name) for name in "ab"]
    dark = Sentence("{frame} is dark.", frame="c")
    assert grouped(empty[:1]) == "a is empty."
    assert grouped(empty) == "a is empty. (1 more like this)"
    assert grouped([empty[0], dark, empty[1]]) == "a is empty. (1 more like this) c is dark."


@pytest.mark.parametrize(
    ("number", "count", "places"),
    [
        (5, 9, [0, 1, 2, 3, 4]),
        (5, 5, [0, 1, 2, 3, 4]),
        (11, 3, [0, 5, 10]),
        (7, 2, [0, 6]),
        (4, 1, [0]),
    ],
)
def test_frames_are_spread_from_the_first_to_the_last(number, count, places):
    assert spread_over(range(100, 100 + number), count) == [100 + place for place in places]
