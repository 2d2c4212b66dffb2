"""The background of a frame, and the spread of its pixels about it."""

import numpy as np
import pytest

from dustbust.estimation.background import Surroundings

SHAPE = (120, 160)  # blocks of 4 px: 30 x 40
GRAIN = 0.007**2


def blocks(rows, columns, value=0.8):
    """A level plane with a rectangle of blocks of another level in its middle."""
    plane = np.full(SHAPE, 0.3, np.float32)
    plane[40 : 40 + 4 * rows, 60 : 60 + 4 * columns] = value
    return plane


@pytest.mark.parametrize(
    ("rows", "columns", "options", "level"),
    [
        (5, 5, {}, 0.8),  # 25 of 49 blocks
        (4, 6, {}, 0.3),
        (4, 4, {"radius": 2}, 0.8),  # 16 of 25
        (3, 4, {"radius": 2}, 0.3),
    ],
)
def test_the_background_is_the_median_of_seven_by_seven_blocks(rows, columns, options, level):
    found = Surroundings.of(blocks(rows, columns), **options)
    y, x = 10 + rows // 2, 15 + columns // 2
    assert found.background[y, x] == pytest.approx(level)
    assert found.mean[y, x] == pytest.approx(0.8)
    assert found.background[2, 2] == pytest.approx(0.3)


def test_the_variance_is_that_of_pixels_about_the_background():
    assert Surroundings.of(blocks(0, 0)).variance == pytest.approx(GRAIN)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    chequered = np.where((y + x) % 2, 1, -1)
    for deviation, counted in ((0.1, 0.1), (0.14, 0.14), (0.2, 0.15), (0.4, 0.15)):
        found = Surroundings.of(np.float32(0.5 + deviation * chequered))
        assert found.background == pytest.approx(0.5)
        assert found.variance == pytest.approx(counted**2 + GRAIN, rel=1e-3)


def test_each_row_of_a_small_block_counts():
    plane = np.full(SHAPE, 0.5, np.float32)
    plane[1::4, ::2] += 0.1
    plane[1::4, 1::2] -= 0.1
    assert Surroundings.of(plane).variance == pytest.approx(0.1**2 / 4 + GRAIN, rel=1e-3)


def test_what_is_not_known_makes_no_difference():
    known = np.ones(SHAPE, bool)
    known[20:32, 40:56] = False
    dusty = blocks(0, 0)
    dusty[~known] = 1
    whole, part = Surroundings.of(blocks(0, 0)), Surroundings.of(dusty, known)
    for one, other in zip(vars(whole).values(), vars(part).values(), strict=True):
        assert other == pytest.approx(one)


@pytest.mark.parametrize("radius", [2, 3])
def test_a_background_known_from_one_side_is_less_sure(radius):
    """By the fourth power of the share of blocks that are known, but of no less than a fifth."""
    level = np.full((30, 40), 0.5, np.float32)
    has_data = np.zeros(SHAPE, bool)
    has_data[:, :80] = True  # 20 of 40 columns of blocks
    found = Surroundings(level, level, 2 * level)._less_sure(has_data, radius)
    side = 2 * radius + 1
    for column in range(10, 30):
        known = np.clip(20 - (column - radius), 0, side)
        share = max(known / side, 0.2)
        assert found.variance[8:20, column] == pytest.approx(1 / share**4, rel=1e-4)
    assert found.background is level


def test_data_and_knowledge_of_dust_are_taken_together():
    rng = np.random.default_rng(1)
    plane = rng.random(SHAPE, np.float32)
    has_data, known = rng.random((2, *SHAPE)) < 0.5
    for data, of_dust, both in (
        (None, None, None),
        (has_data, None, has_data),
        (None, known, known),
        (has_data, known, has_data & known),
    ):
        found = Surroundings.in_parts(None, plane, data, of_dust, radius=2)
        expected = Surroundings.of(plane, both, radius=2)
        for one, other in zip(vars(found).values(), vars(expected).values(), strict=True):
            assert np.array_equal(one, other)


def test_the_gain_is_one_over_the_room_to_opaque_dust():
    levels = np.float32([[0, 0.01, 0.02, 0.25, 0.5, 0.98, 0.99, 1]])
    of = Surroundings(levels, levels, levels)
    light = [1, 1 / 0.99, 1 / 0.98, 4 / 3, 2, 50, 50, 50]
    dark = [50, 50, 50, 4, 2, 1 / 0.98, 1 / 0.99, 1]
    assert of.gain("light")[0] == pytest.approx(light, rel=1e-4)
    assert of.gain("dark")[0] == pytest.approx([-each for each in dark], rel=1e-4)
