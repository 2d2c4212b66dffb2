"""The line that says what was done with the scans of a page."""

from argparse import Namespace

import numpy as np

from dustbust.command_line.stack import summary
from dustbust.registration.register import Registration
from dustbust.stacking.stack import StackReport


def line_of(*moves, mode="mean", align=True, **more):
    """The summary of scans; each is (how far the page moved, what else is known of it)."""
    registrations = [Registration(np.eye(3), moved=moved, **known) for moved, known in moves]
    page = np.zeros((2, 2), np.uint8)
    ones = np.ones((len(moves), 1))
    report = StackReport(page, None, registrations, ones, 0 * ones, **more)
    return summary(report, Namespace(mode=mode, align=align))


FIRST = (0.0, {})


def test_how_far_the_page_moved_in_each_scan_but_the_one_that_gives_the_grid():
    moves = [(3.14, {}), (0.0, {}), (25.96, {})]
    assert line_of(FIRST, (3.14, {})) == "2 scans, mean; the page moved by 3.1 px"
    assert line_of(*moves, reference=1) == (
        "3 scans, mean; the page moved by 3.1, 26.0 px; on the grid of scan 1, the finest"
    )
    assert line_of(FIRST, FIRST, align=False) == "2 scans, mean"


def test_negatives_white_and_what_was_filled():
    negative = (4.0, {"negative": True})
    assert line_of(FIRST, negative, (5.0, {}), negative).endswith(
        "; inverted as negatives: scan 1, scan 3"
    )
    assert line_of(FIRST, FIRST, align=False, mode="range", white=42.5) == (
        "2 scans, range; white is 42.5"
    )
    assert line_of(FIRST, FIRST, align=False, mode="dust-free", filled=0.00123) == (
        "2 scans, dust-free; 0.123 % was dusty in all scans and was filled"
    )


def test_colours_that_lie_beside_each_other():
    """Their distance is that of the two that are farthest apart, across and down."""
    unknown = [np.nan, np.nan]

    def said(*channels):
        _, *parts = line_of(
            FIRST, (1.0, {"channels": np.array(channels, float)}), align=False
        ).split("; ")
        return parts

    assert said([0, 0], [3, 0], [1, -4]) == [
        "the colours of scan 1 lay 5.0 px apart and were aligned"
    ]
    assert said([0, 0], unknown, [0.6, 0.8]) == [
        "the colours of scan 1 lay 1.0 px apart and were aligned",
        "not aligned: green of scan 1",
    ]
    assert said(unknown, [1, 1], unknown) == ["not aligned: red and blue of scan 1"]
