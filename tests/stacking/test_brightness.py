"""Brightness between scans."""

import numpy as np
import pytest

from dustbust.registration.register import Registration
from dustbust.stacking.brightness import brightened
from dustbust.stacking.tone import KNOTS, evened


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


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_gain_and_curve_in_one_step(dtype, channels):
    rng = np.random.default_rng(2)
    white = 1 if dtype == np.float32 else np.iinfo(dtype).max
    picture = (rng.random((9, 11, channels)) * white).astype(dtype)
    colours = channels - (channels % 2 == 0)
    gain, offset = rng.uniform(0.8, 1.2, colours), rng.uniform(-0.1, 0.1, colours) * white
    curves = np.sort(rng.random((colours, KNOTS)), axis=1)
    before = picture.copy()
    result = evened(picture, gain, offset, curves)
    unit = gain * picture[..., :colours].astype(float) + offset
    if dtype != np.float32:
        unit = np.floor(np.clip(unit, 0, white) + 0.5)
    for c, curve in enumerate(curves):
        expected = np.interp(unit[..., c] / white, np.linspace(0, 1, KNOTS), curve) * white
        assert np.allclose(result[..., c], expected, atol=0.51 if white > 1 else 1e-5)
    assert np.array_equal(result[..., colours:], picture[..., colours:])
    assert np.array_equal(picture, before)
