"""The details of a page, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels


@pytest.mark.parametrize("shape", [(1, 1), (5, 70), (90, 4), (300, 61)])
def test_details_are_what_a_mean_around_leaves(shape):
    """The luminance, blurred by binomial weights, less its mean over 25 px of known pixels."""
    rng = np.random.default_rng(1)
    plane, known = rng.random(shape), np.ones(shape)
    if min(shape) > 50:
        known[140, 30] = known[0, 50:] = 0
    luminance = np.stack([plane, known], axis=2).astype(np.float32)
    fine, total, number, unknown = plane, plane * known, known, 1 - known
    for axis in (0, 1):
        weights = np.array([1, 4, 6, 4, 1]) / 16
        fine = ndimage.convolve1d(fine, weights, axis, mode="nearest")
        total, number = (
            ndimage.convolve1d(each, np.ones(25), axis, mode="constant") for each in (total, number)
        )
        unknown = ndimage.convolve1d(unknown, np.ones(9), axis, mode="constant")
    expected = np.where(unknown > 0, np.nan, fine - total / number)
    for threads in (1, 3):
        found = _kernels.find_details(luminance, 12, threads)
        assert found == pytest.approx(expected, abs=2e-5, nan_ok=True)
