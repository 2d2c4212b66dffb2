"""Stacking: scans of one page become one page."""
import sys
from pathlib import Path

import numpy as np
import pytest

import dustbust
from dustbust import Registration

sys.path.insert(0, str(Path(__file__).parents[1]))
from synthetic_scans import movement, psnr, simulate  # noqa: E402


def test_unaligned_scans_are_combined_where_they_lie():
    rng = np.random.default_rng(1)
    scans = list(rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8))
    assert np.array_equal(dustbust.stack_scans(scans, mode="median", align=False), np.median(scans, axis=0))


def test_positions_place_scans_of_different_size():
    first, second = np.full((10, 12), 100, np.uint8), np.full((5, 6), 200, np.uint8)
    page = dustbust.stack_scans([first, second], mode="maximum", align=False, positions=[(10, 20), (13, 22)])
    expected = first.copy()
    expected[2:7, 3:9] = 200
    assert np.array_equal(page, expected)


def test_one_scan_is_refused():
    with pytest.raises(dustbust.DustbustError, match="one scan.*two scans"):
        dustbust.stack_scans([np.zeros((5, 5), np.uint8)], align=False)


def test_dust_free_page_beats_the_textbook():
    """Of two scans with dark dust the lighter one at each pixel, with the true offsets; dust-free is closer to the page, without a known polarity."""
    case = simulate([movement(17.25, -11.75)])
    page, dust, report = dustbust.stack_scans(case.scans, return_dust=True, return_report=True)
    textbook = dustbust.stack_scans(case.scans, mode="maximum", registrations=[Registration(m) for m in case.matrices])
    assert psnr(page, case.clean) >= psnr(textbook, case.clean) + 0.4
    assert dust.polarity == "dark"
    assert dust.binary()[60:-60, 60:-60][case.dust[60:-60, 60:-60] > 0.4].mean() > 0.9
    assert dust.binary().mean() < 0.25
    assert 0 <= report.filled < 0.01


def test_clean_scans_give_their_mean():
    case = simulate([movement(12.25, -7.75)], coverage=0)
    registrations = [Registration(m, moved=14.5) for m in case.matrices]
    page = dustbust.stack_scans(case.scans, registrations=registrations)
    mean = dustbust.stack_scans(case.scans, mode="mean", registrations=registrations)
    assert psnr(page, case.clean) >= psnr(mean, case.clean) - 0.1


def test_identical_scans_cannot_be_told_from_their_dust():
    scan = simulate([]).scans[0]
    registrations = [Registration(np.eye(3)), Registration(np.eye(3))]
    with pytest.raises(dustbust.DustbustError, match="moved by 0.0 px.*nothing tells dust from page"):
        dustbust.stack_scans([scan, scan], registrations=registrations)
    assert np.array_equal(dustbust.stack_scans([scan, scan], mode="mean", registrations=registrations), scan)
