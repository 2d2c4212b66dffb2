"""The median of a window, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels


@pytest.mark.parametrize("radius", range(6))
@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (23, 2), (17, 33), (7, 64), (5, 65), (4, 200)])
def test_the_median_of_a_window_is_exact(radius, shape):
    """Beyond the border the nearest pixel counts."""
    plane = np.random.default_rng(radius).random(shape).astype(np.float32)
    expected = ndimage.median_filter(plane, 2 * radius + 1, mode="nearest")
    for threads in (1, 3):
        assert np.array_equal(_kernels.window_median(plane, radius, threads), expected)
