"""Means over boxes, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels


@pytest.mark.parametrize("radius", [0, 1, 3, 20, 200, 511, 513])
@pytest.mark.parametrize(
    "shape",
    [(1, 1), (2, 40), (61, 3), (50, 77), (130, 40), (5, 511), (6, 512), (7, 513), (4, 1030)],
)
def test_a_mean_covers_what_lies_inside_the_picture(radius, shape):
    plane = np.random.default_rng(radius).random(shape).astype(np.float32)
    total, number = plane.astype(float), np.ones(shape)
    for axis in (0, 1):
        box = np.ones(2 * radius + 1)
        total = ndimage.convolve1d(total, box, axis, mode="constant")
        number = ndimage.convolve1d(number, box, axis, mode="constant")
    for threads in (1, 3):
        found = _kernels.box_blur(plane, radius, threads)
        assert found == pytest.approx(total / number, abs=1e-5)
