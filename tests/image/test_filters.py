"""Blurs, against the Gaussian and against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust.image import filters


@pytest.mark.parametrize("sigma", [1.5, 4, 25])
def test_three_boxes_have_the_width_of_the_gaussian(sigma):
    point = np.zeros((301, 301), np.float32)
    point[150, 150] = 1
    blurred = filters.gaussian_blur(point, sigma).astype(float)
    y = np.arange(301) - 150
    assert blurred.sum() == pytest.approx(1, abs=1e-3)
    # One of three boxes is wider or narrower by 2 px at most: half of that in variance.
    variance = (blurred.sum(axis=1) * y**2).sum()
    assert variance == pytest.approx(sigma**2, abs=(2 * sigma + 1) / 6)
    expected = ndimage.gaussian_filter(point, np.sqrt(variance))
    assert np.abs(blurred - expected).max() < 0.17 * expected.max()


@pytest.mark.parametrize("sigma", [0.3, 0.6, 0.8, 1.2, 1.7, 2.3, 3.3, 4.6, 5.4, 7.7, 10.8, 14.7])
def test_of_three_boxes_of_two_neighbouring_widths_those_of_the_nearest_variance_are_taken(sigma):
    """A box of w px has the variance (w^2 - 1) / 12."""
    boxes = [[low] * (3 - more) + [low + 1] * more for low in range(30) for more in range(3)]
    possible = np.array([sum(((2 * r + 1) ** 2 - 1) / 12 for r in radii) for radii in boxes])
    point = np.zeros((1, 301), np.float32)
    point[0, 150] = 1
    blurred = filters.gaussian_blur(point, sigma).astype(float)[0]
    variance = (blurred * (np.arange(301) - 150) ** 2).sum()
    nearest = np.abs(possible - sigma**2).min()
    assert abs(variance - sigma**2) == pytest.approx(nearest, abs=1e-4 * sigma**2)


def test_a_blur_leaves_a_plain_picture_plain_up_to_the_edges():
    plain = np.full((20, 30), 0.3, np.float32)
    assert filters.gaussian_blur(plain, 9) == pytest.approx(0.3, abs=1e-5)


def test_threads_make_no_difference():
    noise = np.random.default_rng(1).random((90, 70)).astype(np.float32)
    assert np.array_equal(filters.gaussian_blur(noise, 3, 1), filters.gaussian_blur(noise, 3, 5))


def test_soften_is_the_binomial_mean():
    noise = np.random.default_rng(2).random((11, 17)).astype(np.float32)
    weights = np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = ndimage.correlate(noise.astype(float), weights, mode="nearest")
    assert filters.soften(noise) == pytest.approx(expected, abs=1e-6)
