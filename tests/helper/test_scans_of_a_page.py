"""Where the page lies in the scans of a window, whose sizes may differ."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.helper.stack import Scans, describe_scans
from dustbust.registration.register import Registration
from dustbust.stacking.stack import StackReport


def scans_of(registrations, *shapes):
    """Scans that are aligned already, with the numbers of their pixels as levels."""
    pictures = [np.arange(np.prod(shape), dtype=np.uint16).reshape(*shape, 1) for shape in shapes]
    names = [f"scan {k}" for k in range(len(shapes))]
    scans = Scans(pictures, np.zeros((len(shapes), 2)), names, 1)
    scans._registrations = registrations
    return scans


def test_a_scan_is_shown_on_the_grid_of_the_first():
    moved = np.array([[1, 0, 3], [0, 1, 2], [0, 0, 1.0]])
    scans = scans_of([Registration(np.eye(3)), Registration(moved)], (20, 30), (25, 28))
    gain, offset = np.array([[1.0], [2.0]]), np.array([[0.0], [100.0]])
    report = StackReport(scans.pictures[0], None, scans.registrations(), gain, offset)
    shown = scans.aligned(1, report)
    assert shown.shape == (20, 30, 2)
    assert np.array_equal(shown[:, :25, 0], 2 * scans.pictures[1][2:22, 3:28, 0] + 100)
    assert (shown[:, :25, 1] == 65535).all()
    assert not shown[:, 26:, 1].any()


def test_the_movement_is_that_of_the_middle_of_the_page():
    """The page is stretched by a tenth across and half a tenth down, about its corner."""
    stretched = np.array([[1.1, 0, 5], [0, 1.05, -7], [0, 0, 1.0]])
    registrations = [Registration(np.eye(3)), Registration(stretched, confidence=0.75, moved=9.0)]
    scans = scans_of(registrations, (101, 201), (80, 90))
    [found] = describe_scans(scans, "mean", True)
    assert found == pytest.approx({"x": 5 + 0.1 * 100, "y": -7 + 0.05 * 50, "confidence": 0.75})
    assert describe_scans(scans, "dust-free", True) == [found]
    assert describe_scans(scans, "mean", False) is None


def test_a_page_that_did_not_move_tells_no_dust():
    scans = scans_of([Registration(np.eye(3))] * 2, (20, 30), (20, 30))
    assert describe_scans(scans, "median", True)[0]["x"] == 0
    with pytest.raises(DustbustError, match="nothing tells dust from page"):
        describe_scans(scans, "dust-free", True)
