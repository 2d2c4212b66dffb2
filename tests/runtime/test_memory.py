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
