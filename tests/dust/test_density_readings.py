"""Densities that turn the fill into what is observed, and their weights, against numpy."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.dust_pixels import dust_pixels, effect


def plain_readings(dust, weight_of_clipped, expected):
    lift, fade = dust.response()
    seen, filled = dust.observed[:, 0].astype(float), dust.filled.astype(float)
    speed = np.maximum(lift - fade * filled, _kernels.SLOWEST * lift)
    used = np.where(np.abs(fade) < _kernels.SMALLEST_FADE, _kernels.SMALLEST_FADE, fade)
    passing = np.maximum(1 - used * (seen - filled) / speed, _kernels.LEAST_PASSING)
    black, white = np.float32(_kernels.BLACK), np.float32(_kernels.WHITE)
    usable = (dust.observed[:, 0] > black) & (dust.observed[:, 0] < white)
    if expected:
        slope, offset = effect(lift, fade, dust.density)
        predicted = offset + slope * filled
        usable &= (predicted > _kernels.BLACK / 2) & (predicted < (1 + _kernels.WHITE) / 2)
    weight = (speed / dust.spread) ** 2 * np.where(usable, 1, weight_of_clipped)
    return -np.log(passing) / used, weight


@pytest.mark.parametrize("expected", [False, True])
@pytest.mark.parametrize("pixels", [1, 50, 1023, 1024, 1025, 3000])
def test_readings_are_the_densities_that_explain_what_is_observed(pixels, expected):
    dust = dust_pixels(pixels, 1, pixels)
    density, weight = _kernels.density_readings(
        *(dust.observed, dust.filled, dust.spread, dust.density if expected else None),
        *(dust.labels, dust.dark, dust.responses, 0.25, 2),
    )
    expected_density, expected_weight = plain_readings(dust, 0.25, expected)
    assert density == pytest.approx(expected_density, rel=1e-4, abs=1e-3)
    assert weight == pytest.approx(expected_weight, rel=1e-4)
