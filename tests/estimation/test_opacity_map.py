"""Maps of opacity, against the same in numpy with 64 bits."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.coarse_grids import blocks_of, grid_shape, linear

SHAPES = [((37, 50), 8), ((1, 23), 4), ((23, 1), 16), ((2, 2), 1), ((40, 3), 7)]


def softened(plane):
    """The mean of 3 x 3 pixels, weighted 1, 2, 1 each way; an edge is beside itself."""
    for axis in (0, 1):
        wide = np.pad(plane, [(1, 1) if k == axis else (0, 0) for k in (0, 1)], "edge")
        one, two, three = (np.take(wide, np.arange(plane.shape[axis]) + k, axis) for k in (0, 1, 2))
        plane = (one + 2 * two + three) / 4
    return plane


def denoised(plane, floor, tile):
    smooth, noise = softened(plane), linear(floor, tile, plane.shape)
    detail = plane - smooth
    return smooth + detail**3 / (detail**2 + noise**2)


def medians(plane, tile, every):
    sizes = np.nan_to_num(np.abs(plane))
    result = np.zeros(grid_shape(plane.shape, tile))
    for place, block in blocks_of(sizes, tile):
        result[place] = np.median(block[::every, ::every])
    return result


def a_map(shape, seed=1):
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def sums_over_a_run(shape, side, sums, seed=2):
    """Sums, weights, what is missing, and the mean readings; some pixels hardly have weight."""
    rng = np.random.default_rng(seed)
    weights = rng.integers(0, 400, grid_shape(shape, side)).astype(np.float32)
    weights.ravel()[:2] = 0
    missing = rng.integers(0, 50, shape).astype(sums)
    readings = rng.integers(-50000, 200000, shape).astype(sums)
    whole = linear(weights, side, shape)
    means = [
        readings / np.maximum(weight * _kernels.READING_STEPS, 1)
        for weight in (whole, whole - missing)
    ]
    return readings, weights, missing, means


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize(("shape", "tile"), SHAPES)
def test_medians_of_tiles_are_those_of_every_few_pixels(shape, tile, every):
    plane = a_map(shape)
    plane[0, 0] = np.nan
    found = _kernels.tile_medians(plane, tile, every, 3)
    assert found == pytest.approx(medians(plane, tile, every), abs=1e-6)
    plane = a_map(shape, 3)
    found = _kernels.detail_medians(plane, tile, every, 2)
    detail = plane.astype(float) - softened(plane.astype(float))
    assert found == pytest.approx(medians(detail, tile, every), abs=1e-6)


@pytest.mark.parametrize(("shape", "tile"), SHAPES)
def test_detail_is_kept_where_it_stands_out_of_the_floor(shape, tile):
    plane = a_map(shape)
    floor = np.random.default_rng(4).uniform(0.01, 0.2, grid_shape(shape, tile)).astype(np.float32)
    found = _kernels.denoise(plane, floor, tile, 3)
    assert found == pytest.approx(denoised(plane.astype(float), floor, tile), abs=1e-5)


@pytest.mark.parametrize("sums", [np.int32, np.int64])
@pytest.mark.parametrize(("shape", "side"), SHAPES)
def test_maps_of_sums_are_those_of_their_mean_readings(shape, side, sums):
    readings, weights, missing, means = sums_over_a_run(shape, side, sums)
    tile = 2 * side
    floor = np.random.default_rng(5).uniform(0.1, 0.5, grid_shape(shape, tile)).astype(np.float32)
    for gaps, mean in zip((None, missing), means, strict=True):
        given = (readings, weights, side, gaps)
        near = {"rel": 1e-4, "abs": 1e-4 * np.abs(mean).max()}
        assert _kernels.mean_readings(*given, 2) == pytest.approx(mean, rel=1e-3, abs=1e-3)
        found = _kernels.denoise_sums(*given, floor, tile, 3)
        assert found == pytest.approx(denoised(mean, floor, tile), **near)
        detail = mean - softened(mean)
        found = _kernels.detail_medians_of_sums(*given, tile, 2, 2)
        assert found == pytest.approx(medians(detail, tile, 2), **near)


def test_what_has_hardly_any_weight_is_divided_by_one_step():
    """There the sum itself is the reading, as if the weight were 1 / READING_STEPS."""
    readings, nothing = np.full((3, 4), 7, np.int32), np.zeros((1, 1), np.float32)
    assert (_kernels.mean_readings(readings, nothing, 16, None, 1) == 7).all()
    missing = np.full((3, 4), 2, np.int32)
    assert (_kernels.mean_readings(readings, nothing + 2, 16, missing, 1) == 7).all()
    assert (_kernels.mean_readings(readings, nothing + 2, 16, None, 1) == 7 / 2048).all()


@pytest.mark.parametrize(("shape", "tile"), SHAPES)
@pytest.mark.parametrize("least", [-0.3, 0.03, 0.5])
def test_pixels_stand_out_above_the_floor_and_the_least(shape, tile, least):
    plane = a_map(shape)
    floor = np.random.default_rng(6).uniform(-0.1, 0.2, grid_shape(shape, tile)).astype(np.float32)
    found = _kernels.stands_out(plane, floor, tile, least, 2)
    limit = np.maximum(linear(floor, tile, shape), least)
    is_clear = np.abs(plane - limit) > 1e-6
    assert np.array_equal(found.view(np.uint8)[is_clear], (plane > limit)[is_clear])


def test_a_pixel_at_the_floor_does_not_stand_out():
    plane, floor = np.full((2, 2), 0.25, np.float32), np.full((1, 1), 0.25, np.float32)
    assert not _kernels.stands_out(plane, floor, 4, 0.1, 1).any()
    assert not _kernels.stands_out(plane, 0 * floor, 4, 0.25, 1).any()
    assert _kernels.stands_out(plane + np.float32(1e-6), floor, 4, 0.25, 1).all()
