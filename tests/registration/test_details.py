"""The details of a page, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels


@pytest.mark.parametrize("radius", [1, 4, 12, 40])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (2, 3), (3, 5), (5, 70), (90, 4), (127, 9), (129, 30), (300, 61)]
)
def test_details_are_what_a_mean_around_leaves(shape, radius):
    """The luminance, blurred by binomial weights, less its mean over a box of known pixels."""
    rng = np.random.default_rng(1)
    plane, known = rng.random(shape), np.ones(shape)
    if min(shape) > 50:
        known[140, 30] = known[0, 50:] = 0
    elif shape[1] > 20:
        known[-1, 11] = 0
    luminance = np.stack([plane, known], axis=2).astype(np.float32)
    fine, total, number, unknown = plane, plane * known, known, 1 - known
    for axis in (0, 1):
        weights = np.array([1, 4, 6, 4, 1]) / 16
        fine = ndimage.convolve1d(fine, weights, axis, mode="nearest")
        total, number = (
            ndimage.convolve1d(each, np.ones(2 * radius + 1), axis, mode="constant")
            for each in (total, number)
        )
        unknown = ndimage.convolve1d(unknown, np.ones(9), axis, mode="constant")
    expected = np.where(unknown > 0, np.nan, fine - total / np.maximum(number, 1))
    for threads in (1, 3):
        found = _kernels.find_details(luminance, radius, threads)
        assert found == pytest.approx(expected, abs=2e-5, nan_ok=True)
