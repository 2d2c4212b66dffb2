"""The tone curve between two scans, from pairs of their values."""

import numpy as np
import pytest

from dustbust.stacking.tone import KNOTS, STEPS, _fit, _median, _Pairs, _path, _steps


def pairs(x, y, weight=None, number=None):
    ones = np.ones(len(x))
    return _Pairs(
        np.asarray(x, float),
        np.asarray(y, float),
        ones if weight is None else weight,
        ones.astype(np.int64) if number is None else number,
    )


def test_values_lie_in_equal_steps():
    assert _steps(np.array([0, 0.24, 0.26, 0.5, 0.99, 1.0]), 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_the_median_of_values_that_occur_several_times():
    values, number = np.array([3.0, 1, 2, 9]), np.array([2, 4, 1, 3])
    assert _median(values, number) == np.median(np.sort(np.repeat(values, number))[:-1])
    assert _median(values, np.array([1, 1, 1, 6])) == 9
    assert _median(values, np.array([1, 1, 1, 2])) == 3


@pytest.mark.parametrize("above", [0, 3, -5])
def test_the_path_goes_where_the_pixels_are(above):
    """From the first step to the last, and where there are none it waits or rises."""
    middles = (np.arange(STEPS) + 0.5) / STEPS
    y = np.clip(np.arange(STEPS) + above, 0, STEPS - 1)
    path = _path(pairs(middles, middles[y]))
    assert np.array_equal(path, y)
    rng = np.random.default_rng(1)
    astray = rng.random((2, 300))
    x = np.concatenate([np.tile(middles, 20), astray[0]])
    mixed = _path(pairs(x, np.concatenate([np.tile(middles[y], 20), astray[1]])))
    assert np.abs(mixed - y).max() <= 1


def test_the_path_never_falls_and_rises_by_eight_steps_at_most():
    rng = np.random.default_rng(2)
    steep = np.where(np.arange(STEPS) < 30, 2, 60)
    middles = (np.arange(STEPS) + 0.5) / STEPS
    path = _path(pairs(middles, middles[steep]))
    assert (np.diff(path) >= 0).all()
    assert np.diff(path).max() == 8
    path = _path(pairs(rng.random(5000), rng.random(5000)))
    assert (np.diff(path) >= 0).all()
    assert np.diff(path).max() <= 8


CURVES = {
    "gamma": lambda x: x**1.4,
    "lighter": lambda x: x**0.7,
    "an S": lambda x: x - 0.06 * np.sin(2 * np.pi * x),
    "the same": lambda x: x,
}


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_is_found_in_spite_of_noise_and_dust(name):
    rng = np.random.default_rng(3)
    x = rng.uniform(0.05, 0.95, 20_000)
    y = CURVES[name](x) + rng.normal(0, 0.01, x.size)
    y[::8] = rng.uniform(0, 1, x[::8].size)  # dust
    curve = _fit(pairs(x, y))
    knots = np.linspace(0, 1, KNOTS)
    inner = (knots > 0.1) & (knots < 0.9)
    assert np.abs(curve - CURVES[name](knots))[inner].max() < 0.006
    assert (np.diff(curve) >= 0).all()


def test_without_pixels_the_curve_goes_straight_on():
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(0.2, 0.4, 9000), rng.uniform(0.6, 0.8, 9000)])
    y = 0.1 + 0.75 * x + rng.normal(0, 0.004, x.size)
    knots = np.linspace(0, 1, KNOTS)
    assert np.abs(_fit(pairs(x, y)) - (0.1 + 0.75 * knots))[4:-4].max() < 0.01


def test_pairs_count_by_their_weight():
    x = np.tile(np.linspace(0.05, 0.95, 300), 2)
    y = np.concatenate([x[:300], x[300:] + 0.015])
    knots = np.linspace(0, 1, KNOTS)[3:-3]
    for first, second, off in ((3.0, 1.0, 0.00375), (1.0, 3.0, 0.01125), (1.0, 0.0, 0)):
        weight = np.repeat([first, second], 300)
        curve = _fit(pairs(x, y, weight))[3:-3]
        assert (curve - knots).mean() == pytest.approx(off, abs=0.004)
