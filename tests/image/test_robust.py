"""Constants of robust statistics, checked against what they mean."""

import numpy as np
import pytest
from scipy import integrate, stats

from dustbust.image import robust


def test_the_median_of_absolute_values_of_a_normal_distribution():
    assert pytest.approx(stats.norm.ppf(0.75), abs=1e-4) == robust.MEDIAN_OF_ABSOLUTE
    assert pytest.approx(1 / robust.MEDIAN_OF_ABSOLUTE, abs=1e-4) == robust.DEVIATIONS_PER_MAD


def test_tukeys_biweight_keeps_95_percent_of_the_efficiency():
    c = robust.TUKEY

    def psi(x):
        return x * (1 - (x / c) ** 2) ** 2

    def slope(x):
        return (1 - (x / c) ** 2) * (1 - 5 * (x / c) ** 2)

    mean_slope = integrate.quad(lambda x: slope(x) * stats.norm.pdf(x), -c, c)[0]
    mean_square = integrate.quad(lambda x: psi(x) ** 2 * stats.norm.pdf(x), -c, c)[0]
    assert mean_slope**2 / mean_square == pytest.approx(0.95, abs=1e-3)
    assert np.isclose(psi(c), 0)
