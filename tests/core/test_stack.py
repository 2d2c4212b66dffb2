"""Stacking: scans of one page become one page."""
import numpy as np
import pytest

import dustbust


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
