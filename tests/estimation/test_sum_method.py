"""The sum of the frames: means of what has data, sums that do not overflow, and the mask."""

import numpy as np
import pytest

import dustbust
from dustbust import _kernels
from dustbust.estimation.sum_method import SumPass

SHAPE = (24, 30)


def summed(*frames):
    """A pass that was given frames with or without gaps."""
    result = SumPass(1)
    for number, frame in enumerate(frames):
        result.take(number, result.look(*frame))
    return result


def holed(level, *places):
    """A level frame without data at some places, where its values mean nothing."""
    plane, has_data = np.full(SHAPE, level, np.uint8), np.ones(SHAPE, bool)
    for place in places:
        plane[place], has_data[place] = 255, False
    return plane, has_data


def test_gaps_make_no_difference_to_the_mean():
    """Each pixel is divided by the number of frames that have data there."""
    whole = np.full(SHAPE, 100, np.uint8), None
    one, two, three = holed(100, (3, 4), (5, 6)), holed(100, (3, 4)), holed(100, (3, 4), (7, 8))
    first, second = summed(one, whole, two), summed(three, whole)
    parts = summed(whole)
    parts.merge(first)
    parts.merge(SumPass())
    parts.merge(second)
    for total in (first, second, parts, summed(one, two, three, whole), summed(one, holed(100))):
        assert total.grey(5.0, 0) == pytest.approx(0, abs=1e-5)
    # Where no frame has data it is black.
    assert summed(one, two).grey(5.0, 0)[3, 4] > 0.9


def test_the_brightest_pixel_is_1_and_the_blur_is_subtracted():
    plane = np.full(SHAPE, 50, np.uint8)
    plane[12, 15] = 200
    grey = summed((plane, None), (plane, None)).grey(8.0, 0)
    near = 1 / (2 * np.pi * 8**2)  # what a blur leaves of one pixel there
    assert grey[12, 15] == pytest.approx(0.75 * (1 - near), abs=2e-3)
    assert grey[2, 2] == pytest.approx(0, abs=2e-3)


def test_sums_of_whole_numbers_take_32_bits_as_long_as_they_hold_them():
    white = np.full(SHAPE, 65535, np.uint16)
    total = summed((white, None))
    assert total.total.dtype == np.int32
    limit = _kernels.FRAMES_IN_SUM
    other = SumPass(1)
    other.total = np.full(SHAPE, (limit - 1) * _kernels.SUM_STEPS, np.int32)
    other.added = other.whole = limit - 1
    total.merge(other)
    assert total.total.dtype == np.int32
    total.take(0, (white, None))
    assert total.total.dtype == np.int64
    assert (total.total == (limit + 1) * _kernels.SUM_STEPS).all()
    assert (total.added, total.whole) == (limit + 1, limit + 1)
    # Values of frames of float may be of any size.
    bright = summed((np.full(SHAPE, 16384, np.float32), None))
    assert bright.total.dtype == np.int64
    total = summed((white, None))
    total.merge(bright)
    assert total.total.dtype == np.int64
    assert (total.total == 16385 * _kernels.SUM_STEPS).all()


@pytest.mark.parametrize(
    ("polarity", "kept"), [("auto", "light"), ("light", "light"), ("dark", "dark")]
)
def test_the_mask_says_how_it_was_made(polarity, kept):
    said = []
    frames = [np.full((60, 80), 40 + number, np.uint8) for number in range(4)]
    mask = dustbust.estimate_mask(
        frames, method="sum", polarity=polarity, progress=lambda *each: said.append(each)
    )
    assert (mask.polarity, mask.method) == (kept, "sum")
    assert mask.threshold == pytest.approx(0.5, abs=1e-4)
    assert said == [(0.25 * (number + 1), f"frame {number}") for number in range(4)]
