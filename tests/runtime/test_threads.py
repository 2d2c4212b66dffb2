"""How many threads are used."""

import os

import pytest

from dustbust import DustbustError
from dustbust.runtime.threads import count


def test_a_number_counts_as_it_is():
    assert count(7) == 7


def test_the_environment_counts_where_no_number_is_given(monkeypatch):
    monkeypatch.setenv("DUSTBUST_THREADS", "3")
    assert count() == 3
    assert count(2) == 2


def test_otherwise_the_processors_that_the_process_may_use(monkeypatch):
    monkeypatch.delenv("DUSTBUST_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 4, 9}, raising=False)
    assert count() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert count() == 5


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
