"""Values in whole steps: sums that do not depend on their order."""

import numpy as np
import pytest

from dustbust.image import fixed_point


def test_steps_of_a_mask_are_rounded_and_clipped():
    values = [-1, 0, 0.4 / 65535, 0.6 / 65535, 0.5, 1, 7]
    assert fixed_point.to_steps(values).tolist() == [0, 0, 0, 1, 32768, 65535, 65535]


def test_each_step_of_16_bit_survives():
    steps = np.arange(65536)
    assert np.array_equal(fixed_point.to_steps(steps.astype(np.float32) / np.float32(65535)), steps)


def test_sums_do_not_depend_on_the_order():
    values = np.random.default_rng(1).normal(0, 100, 10_000)
    steps = fixed_point.in_fixed_point(values)
    shuffled = np.random.default_rng(2).permutation(steps)
    total = steps.sum()
    assert total == shuffled.sum() == np.cumsum(shuffled)[-1]
    assert total * fixed_point.FIXED_POINT_STEP == pytest.approx(values.sum(), abs=0.1)


def test_a_value_is_off_by_half_a_step_at_most():
    values = np.random.default_rng(3).normal(0, 1, 1000)
    for step in (2.0**-16, 2.0**-20):
        back = fixed_point.in_fixed_point(values, step) * step
        assert np.abs(back - values).max() <= step / 2
