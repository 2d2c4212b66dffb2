import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels
from dustbust.dust.observation import ExpectedDust, FrameAtDust, observe
from dustbust.dust.response import Response, Responses


@pytest.mark.parametrize("side", [120, 700])
def test_the_shift_of_the_whole_pattern_is_found(side):
    rng = np.random.default_rng(side)
    pattern = np.maximum(ndimage.gaussian_filter(rng.normal(size=(side, side)), 2) * 4, 0)
    where = np.ones(pattern.shape, bool)
    labels, neighbours, _ = _kernels.connected_components(where, where)
    density = pattern.ravel().astype(np.float32)
    response = Response(0.9, 0.8)
    shifted = ndimage.shift(pattern, (0.4, -0.7), order=3).ravel().astype(np.float32)
    filled = np.full(density.size, 0.4, np.float32)
    observed = np.asarray(response.observed(filled, shifted), np.float32)
    observed += rng.normal(0, 0.004, observed.size).astype(np.float32)
    expected = ExpectedDust(
        density,
        labels,
        neighbours,
        np.ones(1, np.float32),
        np.zeros(1, bool),
        Responses(response, response),
    )
    frame = FrameAtDust(observed, filled, np.full(density.size, 0.01, np.float32))
    assert np.allclose(observe(frame, expected).shift, (0.4, -0.7), atol=0.03)
