"""The grey of a mask in its steps, for every value that there is."""

import numpy as np
import pytest

from dustbust import _kernels

STEPS = 65535
EVERY = np.arange(STEPS + 1, dtype=np.uint16).reshape(256, 256)


def test_beside_the_dust_opacity_stays_below_the_threshold():
    rng = np.random.default_rng(1)
    opacity = rng.uniform(-0.2, 1, (31, 40)).astype(np.float32)
    opacity[3, :5] = np.nan
    dust = rng.random((31, 40)) < 0.5
    lowered = opacity.copy()
    _kernels.lower_beside(lowered, dust, 0.3, 0.9, 2)
    whole = np.fmax(opacity, 0).astype(float)
    expected = np.where(dust, whole, 0.9 * 0.3 * whole / (whole + 0.3))
    assert lowered == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", [0.02, 0.3, 0.5, 0.8])
def test_grey_is_opacity_with_its_odds_multiplied(scale):
    opacity = np.float32(EVERY / STEPS)
    found = _kernels.grey_steps(opacity, scale, 2)
    dust, rest = opacity * (1.0 - scale), (1.0 - opacity) * scale
    assert np.abs(found - dust / (dust + rest) * STEPS).max() <= 0.55
    assert np.array_equal(found >= (STEPS + 1) // 2, opacity >= np.float32(scale))


def test_opacity_that_is_nearly_the_scale_stays_on_its_side_of_one_half():
    for scale in np.float32([0.02, 0.1, 0.25, 0.5, 0.7]):
        below, above = np.nextafter(scale, np.float32(0)), np.nextafter(scale, np.float32(1))
        found = _kernels.grey_steps(np.float32([[below, scale, above]]), float(scale), 1)
        assert found.tolist() == [[32767, 32768, 32768]]


@pytest.mark.parametrize("limit", [1, 200, 32768, 40000, 65535])
@pytest.mark.parametrize("coarse", [1, 2, 64, 256])
def test_grey_below_the_limit_is_rounded_to_coarse_steps(limit, coarse):
    """A half is rounded up, and nothing below the limit reaches it."""
    steps = EVERY.astype(int)
    rounded = np.minimum((steps + coarse // 2) // coarse * coarse, limit - 1)
    expected = np.float32(np.where(steps < limit, rounded, steps)) / np.float32(STEPS)
    assert np.array_equal(_kernels.round_grey(EVERY, limit, coarse, 2), expected)
    grey = np.float32(EVERY / STEPS)
    assert np.array_equal(_kernels.round_grey(grey, limit, coarse, 2), expected)


def test_grey_is_rounded_to_the_nearest_step_and_kept_within_0_and_1():
    grey = np.float32([[0.4 / STEPS, 0.6 / STEPS, 1.4 / STEPS, -3, 1.1, 2, np.nan, np.inf]])
    found = _kernels.round_grey(grey, 1, 1, 1) * STEPS
    assert found[0] == pytest.approx([0, 1, 1, 0, STEPS, STEPS, 0, STEPS], rel=1e-6)
