"""Blocks of pixels: their size, and gaps that are filled from known blocks."""

import numpy as np
import pytest

from dustbust.image import block_grid


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
