"""Keeping freed memory is left out where the system has no such thing."""

import ctypes
import sys

from dustbust.runtime.memory import keep_for_reuse


def test_on_windows_nothing_is_asked_of_the_c_library(monkeypatch):
    def refuse(name):
        raise TypeError("bad argument type for built-in operation")  # as Windows does for None

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    monkeypatch.setattr(sys, "platform", "win32")
    keep_for_reuse()


def test_the_c_library_is_asked_by_the_numbers_of_its_header(monkeypatch):
    """From malloc.h: M_TRIM_THRESHOLD -1, M_MMAP_THRESHOLD -3, M_ARENA_MAX -8."""
    asked = {}

    class Library:
        def __init__(self, name):
            assert name is None

        @staticmethod
        def mallopt(parameter, value):
            asked[parameter] = value

    monkeypatch.setattr(ctypes, "CDLL", Library)
    monkeypatch.setattr(sys, "platform", "linux")
    keep_for_reuse()
    assert asked == {-1: 2**30, -3: 2**30, -8: 1}


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    monkeypatch.setattr(sys, "platform", "linux")
    keep_for_reuse()
