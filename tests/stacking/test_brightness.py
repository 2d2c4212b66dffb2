"""Brightness between scans."""

import numpy as np
import pytest

from dustbust.registration.register import Registration
from dustbust.stacking.brightness import brightened


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_brightness_is_rounded_as_in_resampling(dtype):
    """A registration that moves nothing gives the same pixels."""
    rng = np.random.default_rng(3)
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    picture = (rng.random((40, 60, 3)) * white).astype(dtype)
    gain, offset = np.array([0.5, 1.25, 2.5]), np.array([0.0, 0.5, -3.0]) * white / 255
    resampled = Registration(np.eye(3)).resample(picture, (0, 0, 60, 40), gain=gain, offset=offset)[
        ..., :3
    ]
    assert np.array_equal(brightened(picture, gain, offset), resampled)
