"""How many threads are used."""

import os
import threading

import pytest

from dustbust import DustbustError
from dustbust.runtime import threads
from dustbust.runtime.threads import Threads, count


def test_a_number_counts_as_it_is():
    assert count(7) == 7
    assert count(1) == 1


def test_the_environment_counts_where_no_number_is_given(monkeypatch):
    monkeypatch.setenv("DUSTBUST_THREADS", "3")
    assert count() == 3
    assert count(2) == 2


def test_otherwise_the_processors_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("DUSTBUST_THREADS", raising=False)
    of_processes = {0: {0, 4, 9}}  # 0 is the one that asks
    monkeypatch.setattr(os, "sched_getaffinity", of_processes.__getitem__, raising=False)
    assert count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert count() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert count() == 1


@pytest.mark.parametrize("wrong", [0, -2])
def test_less_than_one_is_an_error(wrong):
    with pytest.raises(ValueError, match=f"at least 1, not {wrong}"):
        count(wrong)


@pytest.mark.parametrize("wrong", ["many", "nan", "inf", "1.5", "0", "-1", "\n", "/dev/null"])
def test_a_wrong_environment_is_a_sentence(monkeypatch, wrong):
    monkeypatch.setenv("DUSTBUST_THREADS", wrong)
    with pytest.raises(DustbustError, match="DUSTBUST_THREADS must be a whole number of at least"):
        count()


def test_no_more_threads_are_started_than_make_sense(monkeypatch):
    assert count(10**24) == 1024
    monkeypatch.setenv("DUSTBUST_THREADS", "9" * 30)
    assert count() == 1024


@pytest.mark.parametrize("allowed", [0, 1, 2, 9])
def test_works_are_done_by_the_threads_that_can_be_started(monkeypatch, allowed):
    started = []

    class Limited(threading.Thread):
        def start(self):
            if len(started) == allowed:
                raise RuntimeError("can't start new thread")
            started.append(self)
            super().start()

    monkeypatch.setattr(threads, "Thread", Limited)
    with Threads(3) as pool:
        assert list(pool.map(lambda number: 2 * number, range(20))) == list(range(0, 40, 2))
        failed = pool.submit(lambda: 1 / 0)
    assert isinstance(failed.exception(), ZeroDivisionError)
    assert len(started) == min(allowed, 3)
    assert not any(thread.is_alive() for thread in started)


def test_works_that_are_cancelled_are_not_done():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def wait():
        begun.set()
        go_on.wait(10)

    with Threads(1) as pool:
        pool.submit(wait)
        begun.wait(10)
        others = [pool.submit(done.append, number) for number in range(3)]
        assert others[1].cancel()
        go_on.set()
    assert done == [0, 2]


def test_ending_cancels_what_waits_if_it_is_asked_to():
    begun, go_on = threading.Event(), threading.Event()
    pool = Threads(1)
    first = pool.submit(lambda: (begun.set(), go_on.wait(10)))
    begun.wait(10)
    second = pool.submit(pow, 2, 3)
    pool.shutdown(wait=False, cancel_futures=True)
    go_on.set()
    assert first.result(10)
    assert second.cancelled()
