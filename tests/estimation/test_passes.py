"""Passes over the frames of a run: who is shown what, what is held, and how the work is divided."""

from concurrent.futures import Executor, Future

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.estimation import passes
from dustbust.estimation.frames import Frames
from dustbust.estimation.passes import Numbered, Removal, Runner, go_over_parts, look_at

SHAPE = (4, 6)


def frames(number):
    """Each frame has its number for a value."""
    return [np.full(SHAPE, value, np.uint8) for value in range(number)]


class Total:
    """A pass that adds up the values of the frames, and keeps which ones it was shown."""

    def __init__(self):
        self.total, self.numbers = 0, []

    @property
    def start(self):
        return Total

    def look(self, plane, has_data):
        return int(plane[0, 0])

    def take(self, number, observed):
        self.numbers.append(number)
        self.add(observed)

    def add(self, observed, *, sign=1):
        self.total += sign * observed

    def merge(self, other):
        self.total += other.total
        self.numbers += other.numbers


class AtOnce(Executor):
    """Does each work as it is submitted, and keeps its arguments."""

    def __init__(self):
        self.arguments = []

    def submit(self, function, *arguments):
        self.arguments.append(arguments)
        future = Future()
        future.set_result(function(*arguments))
        return future


def numbered(plane, number=1, size=SHAPE):
    return Numbered(number, "a.png", plane, size, None, None)


def test_each_look_moves_the_progress_by_its_share_of_what_is_left():
    said = []
    runner = Runner(Frames.of(frames(5)), progress=lambda *each: said.append(each))
    one = Total()
    runner.go_over([one], range(5), to_come=5)
    assert [fraction for fraction, _ in said] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [name for _, name in said] == [f"frame {number}" for number in range(5)]
    said.clear()
    runner.show(one, range(3))
    assert not said
    runner.go_over([one], range(2), to_come=2)  # not 5, so that each is worth more now
    assert [fraction for fraction, _ in said] == pytest.approx([0.625, 0.75])
    runner.go_over([one], [4], to_come=0)
    runner.go_over([one], [], to_come=0)
    assert [name for _, name in said] == ["frame 0", "frame 1", "frame 4"]
    assert said[-1][0] == 1
    assert one.numbers == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1, 4]


@pytest.mark.parametrize("number", [3, 7, 11, 49])
def test_in_the_end_the_progress_is_exactly_1(number):
    said = []
    runner = Runner(Frames.of(frames(number)), progress=lambda *each: said.append(each[0]))
    runner.go_over([Total()], range(number), to_come=number)
    runner.go_over([Total()], range(number), to_come=0)
    assert said == pytest.approx(np.arange(1, 2 * number + 1) / (2 * number))
    assert said[-1] == 1


@pytest.mark.parametrize("executor", [None, AtOnce()])
def test_a_removal_takes_frames_out_again(executor):
    runner = Runner(Frames.of(frames(30)), executor=executor)
    one = Total()
    runner.go_over([one], range(30))
    assert one.total == sum(range(30))
    runner.go_over([Removal(one)], range(10, 30))
    assert one.total == sum(range(10))


def test_a_part_has_at_least_eight_frames_and_there_are_at_most_64_parts():
    def sizes(number):
        run = [numbered(np.zeros(SHAPE, np.uint8), each) for each in range(number)]
        one = Total()
        parts = [len(part) for part, _ in go_over_parts([one], run, SHAPE, AtOnce(), 1)]
        assert sorted(one.numbers) == list(range(number))
        return sorted(parts)

    assert sizes(20) == [4, 8, 8]
    assert sizes(512) == [8] * 64
    assert sizes(513) == [9] * 57


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_part_is_done_by_one_thread_unless_it_is_told_otherwise(threads):
    executor = AtOnce()
    Runner(Frames.of(frames(20)), executor=executor, threads=threads).go_over([Total()], range(20))
    assert [arguments[-1] for arguments in executor.arguments] == [threads or 1] * 3


@pytest.mark.parametrize(("room", "held"), [(1.9, 1), (2, 2), (2.1, 2), (9, 3)])
def test_frames_are_held_as_far_as_there_is_room(room, held, monkeypatch):
    monkeypatch.setattr(passes, "LARGEST_HELD", int(room * SHAPE[0] * SHAPE[1]))
    run = Frames.of(frames(5))
    runner = Runner(run, threads=1)
    runner.go_over([Total()], range(5), hold=[1, 3, 4])
    run.sources = [frame + 100 for frame in run.sources]
    after = Total()
    runner.show(after, range(5))
    assert after.total == sum(range(5)) + 100 * (5 - held)
    runner.release()
    again = Total()
    runner.show(again, range(5))
    assert again.total == sum(range(5)) + 100 * 5


def test_a_frame_is_kept_if_it_is_to_be_held_and_has_data_everywhere():
    plane = frames(8)[7]
    half = np.dstack([plane, np.where(np.arange(6) < 3, 255, 0) + 0 * plane]).astype(np.uint8)
    kept, observed = look_at([Total(), Total()], SHAPE, {1}, numbered(plane))
    assert np.array_equal(kept, plane)
    assert observed == [7, 7]
    for frame in (numbered(plane, 2), numbered(half), numbered(half, 2)):
        assert look_at([Total()], SHAPE, {1}, frame) == (None, [7])


@pytest.mark.parametrize("size", [(4, 5), (5, 6)])
def test_a_frame_of_another_size_than_its_header_says_is_an_error(size):
    found = look_at([Total()], SHAPE, {1}, numbered(frames(1)[0], size=size))
    assert isinstance(found, DustbustError)
    assert str(found).startswith(
        f"a.png: is 6 x 4, but most frames of the run are {size[1]} x {size[0]}"
    )
