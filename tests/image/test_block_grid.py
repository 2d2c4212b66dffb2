"""Blocks of pixels: their size, and gaps that are filled from known blocks."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.image import block_grid
from helpers.coarse_grids import blocks_of, grid_shape, linear


@pytest.mark.parametrize(
    ("shape", "side", "grid"),
    [((4000, 6000), 16, (250, 375)), ((1024, 1536), 4, (256, 384)), ((7, 9), 4, (2, 3))],
)
def test_blocks_cover_the_frame(shape, side, grid):
    assert block_grid.block_side(shape) == side
    assert block_grid.grid_shape(shape) == grid
    assert block_grid.on_pixels(np.zeros(grid), shape).shape == shape


def test_values_of_blocks_lie_where_the_blocks_are():
    pixels = block_grid.on_pixels(np.arange(6).reshape(2, 3), (7, 9))
    assert pixels[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert pixels[6, 0] == 3


def test_gaps_are_filled_from_what_is_near_and_known_blocks_stay():
    left, right = 0.2, 0.8
    truth = np.where(np.arange(40) < 20, left, right)[None].repeat(30, axis=0).astype(np.float32)
    share = np.ones((30, 40), np.float32)
    share[10:14, 4:8] = share[10:14, 32:36] = 0.1
    filled = block_grid.fill_gaps(np.where(share < 0.2, 0, truth).astype(np.float32), share)
    assert np.array_equal(filled[share == 1], truth[share == 1])
    assert filled[10:14, 4:8] == pytest.approx(left, abs=1e-4)
    assert filled[10:14, 32:36] == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize("place", list(np.ndindex(3, 4)))
def test_a_single_block_fills_all_gaps(place):
    values, share = np.full((3, 4), 9, np.float32), np.zeros((3, 4), np.float32)
    values[place], share[place] = 0.3, 1
    assert block_grid.fill_gaps(values, share) == pytest.approx(np.full((3, 4), 0.3), abs=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("side", [1, 4, 7, 16])
def test_means_and_spreads_of_blocks_are_those_of_their_known_pixels(dtype, side):
    """Also of those that the picture's edge cuts off; a spread is cut at its limit."""
    rng = np.random.default_rng(side)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture = (rng.random((37, 50)) * white).astype(dtype)
    known = rng.random(picture.shape) < 0.7
    known[:16, :16] = False
    grid = grid_shape(picture.shape, side)
    coarse = rng.random(grid, np.float32)
    background = linear(coarse, side, picture.shape)
    values = picture.astype(float) / white

    def means(plane, every=1):
        result = np.zeros(grid)
        for place, block in blocks_of(plane, side):
            some = block[::every][~np.isnan(block[::every])]
            result[place] = some.mean() if some.size else 0
        return result

    for mask in (known, None):
        of_all = np.ones_like(known) if mask is None else mask
        mean, share = _kernels.block_means(picture, mask, side, 2)
        assert mean == pytest.approx(means(np.where(of_all, values, np.nan)), abs=1e-5)
        assert share == pytest.approx(means(of_all.astype(float)), abs=1e-6)
        off = np.minimum(np.abs(values - background), 0.3) ** 2
        for every in (1, 2, 3):
            spread = _kernels.block_spread(picture, mask, coarse, side, every, 0.3, 2)
            assert spread == pytest.approx(means(np.where(of_all, off, np.nan), every), abs=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_block_of_many_rows_is_summed_up_exactly(dtype):
    """Also where all of it is white: no sum of its columns is too large for its type."""
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture = np.full((1100, 5), white, dtype)
    known = np.ones(picture.shape, bool)
    known[300:400] = False
    picture[300:400] = 0
    level = np.zeros((2, 1), np.float32)
    for every in (1, 2, 3):
        spread = _kernels.block_spread(picture, known, level, 1000, every, 1.0, 1)
        assert spread[:, 0] == pytest.approx(1, abs=1e-6)
    mean, share = _kernels.block_means(picture, known, 1000, 1)
    assert mean[:, 0].tolist() == [1, 1]
    assert share[:, 0] == pytest.approx([0.9, 1])
    mean, _ = _kernels.block_means(picture, None, 1000, 1)
    assert mean[:, 0] == pytest.approx([0.9, 1])


@pytest.mark.parametrize("side", [1, 3, 8])
def test_a_grid_is_linear_between_the_middles_of_its_blocks(side):
    shape = (29, 41)
    coarse = np.random.default_rng(side).random(grid_shape(shape, side), np.float32)
    found = _kernels.interpolate(coarse, side, *shape, 2)
    assert found == pytest.approx(linear(coarse, side, shape), abs=1e-5)
