"""Which pixels stand out of the noise of a map, and how that noise is measured."""

import numpy as np
import pytest

from dustbust.estimation.candidates import (
    candidates,
    denoise,
    deviation_of_tiles,
    noise_floor,
    noise_of,
    tile_of,
)

SHAPE = (240, 320)  # blocks of 4 px, tiles of 64


def test_a_tile_has_sixteen_blocks_of_which_a_fourth_of_the_rows_is_looked_at():
    assert tile_of(SHAPE) == (64, 1)
    assert tile_of((2000, 3000)) == (128, 2)
    assert tile_of((20, 700)) == (64, 1)


def test_the_deviation_is_that_of_a_normal_distribution_and_never_nothing():
    assert deviation_of_tiles(np.zeros((3, 4), np.float32)) == pytest.approx(1e-6)
    medians = np.full((3, 4), 0.0674490, np.float32)  # of a normal distribution of deviation 0.1
    assert deviation_of_tiles(medians) == pytest.approx(0.1, rel=1e-3)
    noise = np.random.default_rng(1).normal(0, 0.02, SHAPE).astype(np.float32)
    noise[100:104] = 0.9  # dust hardly changes it
    assert noise_floor(noise) == pytest.approx(0.02, rel=0.1)


def test_the_usual_noise_is_the_median_over_the_blocks_that_count():
    floor = np.float32([[0.01, 0.01, 0.01, 0.01, 0.03]] * 4)  # tiles of 16 x 16 blocks
    assert noise_of(floor, SHAPE) == pytest.approx(0.01)
    inside = np.zeros((60, 80), bool)
    inside[:, 72:] = True
    assert noise_of(floor, SHAPE, inside) == pytest.approx(0.03)


@pytest.mark.parametrize(
    ("noise", "options", "limit"),
    [
        (0.02, {}, 0.05),
        (0.001, {}, 0.02),  # dust takes at least 2 % of the light
        (0.02, {"deviations": 4.0}, 0.08),
        (0.02, {"deviations": 0.5}, 0.02),
    ],
)
def test_candidates_stand_out_by_two_and_a_half_deviations(noise, options, limit):
    floor = np.full((4, 5), noise, np.float32)
    opacity = np.zeros(SHAPE, np.float32)
    opacity[50, 60], opacity[200, 300] = 1.01 * limit, 0.99 * limit
    assert np.argwhere(candidates(opacity, floor, **options)).tolist() == [[50, 60]]


@pytest.mark.parametrize("deviations", [1.0, 3.0, 9.0])
def test_detail_of_three_deviations_of_the_noise_of_details_is_half_kept(deviations):
    """Of d deviations, the share d^2 / (d^2 + 9)."""
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.01, SHAPE)
    # A pixel and the 3 x 3 around it, weighted 1, 2, 1 each way, differ by the detail.
    wide = np.pad(noise, 1, "edge")
    three = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    detail = noise - (three[:, :-2] + 2 * three[:, 1:-1] + three[:, 2:]) / 16
    deviation = 1.4826 * np.median(np.abs(detail))
    plane = noise.copy()
    plane[118:123, 158:163] = 0
    plane[120, 160] = deviations * deviation * 4 / 3  # 3/4 of it are detail
    found = denoise(plane.astype(np.float32))
    smooth, own = plane[120, 160] / 4, deviations * deviation
    kept = deviations**2 / (deviations**2 + 9)
    assert found[120, 160] - smooth == pytest.approx(kept * own, rel=0.1)
