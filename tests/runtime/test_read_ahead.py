"""Frames are read ahead, in order, and no more than there are threads."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dustbust.runtime.read_ahead import FRAMES_AHEAD, at_once, read_ahead


def test_results_come_in_order_whatever_finishes_first():
    release = threading.Event()

    def read(frame):
        if frame == 0:
            release.wait(5)
        else:
            release.set()
        return frame * frame

    assert list(read_ahead(range(20), read, threads=3)) == [n * n for n in range(20)]


def test_an_error_comes_in_the_turn_of_its_frame():
    def read(frame):
        if frame == 2:
            raise OSError("frame 2")
        return frame

    results = read_ahead(range(5), read, threads=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(OSError, match="frame 2"):
        next(results)


@pytest.mark.parametrize("threads", [1, 4])
def test_no_more_frames_are_taken_than_threads_plus_one(threads):
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield number

    results = read_ahead(frames(), lambda frame: frame, threads=threads)
    assert next(results) == 0
    assert len(taken) == threads + 1
    results.close()


def test_an_executor_gets_more_frames_ahead():
    taken = []

    def frames():
        for number in range(1000):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(1) as executor:
        results = read_ahead(frames(), lambda frame: frame, executor=executor)
        assert next(results) == 0
        assert len(taken) == FRAMES_AHEAD + 1
        results.close()


def test_works_at_once_give_their_results_in_order():
    meet = threading.Barrier(2, timeout=5)

    def work(number):
        meet.wait()  # neither goes on before the other one has begun
        return number

    assert at_once([lambda: work(1), lambda: work(2)], threads=2) == [1, 2]


def test_one_thread_does_all_works_itself():
    assert at_once([threading.get_ident] * 3, threads=1) == [threading.get_ident()] * 3
