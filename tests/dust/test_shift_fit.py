"""The sums of a step towards the shift of the dust, against the same pixel by pixel in numpy."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.dust_pixels import dust_pixels, effect


@pytest.mark.parametrize("huber", [0.5, 1.5, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_sums_are_those_of_gauss_and_newton(seed, huber):
    dust = dust_pixels(80, 1, seed)
    sample = np.random.default_rng(seed).permutation(80)[:60].astype(np.int64)
    found = _kernels.shift_sums(
        *(dust.observed, dust.filled, dust.spread, dust.density, sample, dust.labels),
        *(dust.neighbours, dust.dark, dust.responses, huber),
    )
    lifts, fades = dust.response()
    sums = np.zeros(5)
    for i in sample:
        value, lift, fade = dust.observed[i, 0], lifts[i], fades[i]
        if value <= np.float32(_kernels.BLACK) or value >= np.float32(_kernels.WHITE):
            continue
        above, left, right, below = (
            float(dust.density[j]) if j >= 0 else 0.0 for j in dust.neighbours[i]
        )
        slope, offset = effect(lift, fade, dust.density[i])
        predicted = offset + slope * dust.filled[i]
        speed = max(lift - fade * predicted, _kernels.SLOWEST * lift)
        # A shift of one pixel brings the density of the neighbour on that side.
        steps = np.array([above - below, left - right]) / 2 * speed
        error = dust.spread[i] * slope + _kernels.VALUE_NOISE
        residual = value - predicted
        weight = 1 / error**2 * min(huber * error / abs(residual), 1)
        products = np.outer(steps, [*steps, residual]) * weight
        sums += products[[0, 0, 1, 0, 1], [0, 1, 1, 2, 2]]
    assert found == pytest.approx(sums, rel=1e-3)
