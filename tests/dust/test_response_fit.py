"""The sums of a step towards the response of a scanner, against derivatives by differences."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.dust_pixels import dust_pixels, effect


@pytest.mark.parametrize("response", [(1.0, 0.9), (0.8, 0.002), (0.5, -0.4), (1.2, 1e-6)])
@pytest.mark.parametrize("seed", range(2))
def test_the_sums_are_those_of_gauss_and_newton(seed, response):
    dust = dust_pixels(400, 1, seed)
    lift, fade = np.float32(response).astype(float)
    density = dust.density.astype(float)
    found = _kernels.response_sums(
        dust.observed[:, 0].copy(), dust.filled, dust.density, dust.spread, lift, fade
    )

    def predicted(lift, fade):
        slope, offset = effect(lift, fade, density)
        return offset + slope * dust.filled

    little = 1e-4
    by_lift = (predicted(lift + little, fade) - predicted(lift - little, fade)) / (2 * little)
    by_fade = (predicted(lift, fade + little) - predicted(lift, fade - little)) / (2 * little)
    seen, clean = dust.observed[:, 0], predicted(lift, fade)
    used = (seen > np.float32(_kernels.BLACK)) & (seen < np.float32(_kernels.WHITE))
    used &= (clean > _kernels.BLACK / 2) & (clean < (1 + _kernels.WHITE) / 2)
    slope, _ = effect(lift, fade, density)
    error = dust.spread * np.clip(slope, 0.15, 2) + _kernels.VALUE_NOISE
    residual = seen - clean
    weight = used / error**2 * np.minimum(1.5 * error / np.abs(residual), 1)
    expected = [
        (weight * one * other).sum()
        for one, other in (
            *((by_lift, by_lift), (by_lift, by_fade), (by_fade, by_fade)),
            *((by_lift, residual), (by_fade, residual)),
        )
    ]
    assert found == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("fade", [-8.0, 20.0])
def test_the_error_of_a_fill_passes_dust_between_015_and_2_times(fade):
    """Dust that swallows nearly all, or that makes differences larger."""
    one = np.ones(1, np.float32)
    for density in (0.05, 0.1, 0.2):
        slope, offset = effect(1.0, fade, density)
        filled, spread = np.float32(0.3), np.float32(0.02)
        seen = np.float32(offset + slope * filled)
        if not 0.01 < seen < 0.98:
            continue
        found = _kernels.response_sums(
            seen * one, filled * one, np.float32(density) * one, spread * one, 1.0, fade
        )
        error = spread * np.clip(slope, 0.15, 2) + _kernels.VALUE_NOISE
        assert found[0] == pytest.approx((offset / error) ** 2, rel=1e-3)


@pytest.mark.parametrize("x", [-0.5, -0.0101, -0.0099, -0.001, 0.001, 0.0099, 0.0101, 0.5])
@pytest.mark.parametrize("density", [0.05, 1.3])
def test_the_derivatives_of_thin_and_of_dense_dust(x, density):
    """The observed value of black is lift * (1 - exp(-x)) / fade, with x = fade * density."""
    one, lift = np.ones(1, np.float32), 0.4
    density = float(np.float32(density))
    fade = float(np.float32(x / density))
    by_lift = -np.expm1(-fade * density) / fade
    by_fade = lift * (density * np.exp(-fade * density) - by_lift) / fade
    seen = np.float32(lift * by_lift + 0.001)
    found = _kernels.response_sums(
        seen * one, 0 * one, np.float32(density) * one, np.float32(0.02) * one, lift, fade
    )
    assert found[1] / found[0] == pytest.approx(by_fade / by_lift, rel=1e-3)
    assert found[2] / found[0] == pytest.approx((by_fade / by_lift) ** 2, rel=2e-3)
