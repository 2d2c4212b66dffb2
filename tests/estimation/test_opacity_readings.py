"""Readings of opacity and of luminance, against the same in numpy with 64 bits."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.coarse_grids import grid_shape, linear

STEPS = _kernels.READING_STEPS
WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}


def frame(dtype, shape, side, seed):
    """A picture, its coarse background, gain and weight."""
    rng = np.random.default_rng(seed)
    grid = grid_shape(shape, side)
    picture = (rng.uniform(0.1, 0.9, shape) * WHITE[dtype]).astype(dtype)
    background = rng.uniform(0.3, 0.7, grid).astype(np.float32)
    gain = rng.uniform(-6, 6, grid).astype(np.float32)
    weight = rng.integers(0, _kernels.WHOLE_WEIGHT + 1, grid).astype(np.float32)
    return picture, background, gain, weight


def readings_of(dtype, picture, background, gain, side, lowest):
    """Readings in 0..1, where each is clipped to `lowest` and 1."""
    shape = picture.shape
    stands_out = picture / WHITE[dtype] - linear(background, side, shape)
    return np.clip(stands_out * linear(gain, side, shape), lowest, 1)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("sums", [np.int32, np.int64])
@pytest.mark.parametrize(("shape", "side"), [((33, 41), 8), ((1, 30), 4), ((20, 1), 16)])
def test_readings_are_summed_up_in_whole_steps_times_whole_weights(dtype, sums, shape, side):
    frames = [frame(dtype, shape, side, seed) for seed in range(3)]
    rng = np.random.default_rng(9)
    has_data = [None, rng.random(shape) < 0.7, None]
    signs = [1, -1, 1]
    first = rng.integers(-1000, 1000, shape).astype(sums)
    total, missing = first.copy(), np.full(shape, 5, sums)
    pictures, backgrounds, gains, weights = map(list, zip(*frames, strict=True))
    _kernels.add_readings(
        pictures, has_data, backgrounds, gains, weights, signs, side, -0.25, total, missing, 3
    )
    expected, without, is_exact = first.astype(int), np.full(shape, 5), np.ones(shape, bool)
    for (picture, background, gain, weight), known, sign in zip(
        frames, has_data, signs, strict=True
    ):
        steps = readings_of(dtype, picture, background, gain, side, -0.25) * STEPS
        whole = linear(weight, side, shape)
        for values in (steps, whole):  # not where 32 bits may round to the other side
            is_exact &= np.abs((values + 0.5) % 1 - 0.5) < 0.49
        product = np.floor(steps + 0.5).astype(int) * np.floor(whole + 0.5).astype(int)
        known = np.ones(shape, bool) if known is None else known
        expected += sign * np.where(known, product, 0)
        without += sign * np.where(known, 0, np.floor(whole + 0.5).astype(int))
    assert is_exact.mean() > 0.5
    assert np.array_equal(total[is_exact], expected[is_exact])
    assert np.array_equal(missing[is_exact], without[is_exact])


@pytest.mark.parametrize("known", [False, True])
def test_a_reading_between_two_steps_is_rounded_up(known):
    """And one that is not a number is the lowest."""
    half_steps = np.array([[-5, -3, -1, 0, 1, 3, 5, 2048, 3000, -2048, -3000, np.nan]])
    picture = np.float32(half_steps / 2 / STEPS)
    total = np.zeros(picture.shape, np.int32)
    has_data = np.ones(picture.shape, bool) if known else None
    level = [np.full((1, 1), value, np.float32) for value in (0, 1, 3)]
    _kernels.add_readings(
        [picture], [has_data], *([each] for each in level), [1], 16, -1.0, total, 0 * total, 1
    )
    steps = np.array([-2, -1, 0, 0, 1, 2, 3, 1024, 1024, -1024, -1024, -1024])
    assert total[0].tolist() == (3 * steps).tolist()


def test_sums_of_32_bits_hold_as_many_frames_as_they_say():
    largest = _kernels.FRAMES_IN_32_BIT * _kernels.WHOLE_WEIGHT * STEPS
    assert largest < 2**31 <= largest + _kernels.WHOLE_WEIGHT * STEPS * 2


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("shape", "side"), [((33, 41), 8), ((1, 30), 4), ((20, 1), 16)])
def test_readings_of_particles_are_weighted_by_what_is_expected(dtype, shape, side):
    picture, background, gain, _ = frame(dtype, shape, side, 4)
    rng = np.random.default_rng(5)
    variance = rng.random(background.shape, np.float32)
    positions = np.sort(rng.permutation(picture.size)[: picture.size * 2 // 3]).astype(np.int64)
    labels = rng.integers(0, 3, len(positions)).astype(np.int32)
    expected = rng.random(len(positions), np.float32)
    found = _kernels.particle_readings(
        *(picture, background, gain, variance, side, -0.25),
        *(positions, labels, expected, 4),
    )
    y, x = np.divmod(positions, shape[1])
    readings = readings_of(dtype, picture, background, gain, side, -0.25)[y, x]
    of_reading = np.bincount(labels, expected * readings, 4)
    of_variance = np.bincount(labels, expected**2 * variance[y // side, x // side], 4)
    assert found[0] == pytest.approx(of_reading, abs=1e-4)
    assert found[1] == pytest.approx(of_variance, rel=1e-5)


@pytest.mark.parametrize(
    ("dtype", "sums"),
    [
        *[(dtype, sums) for dtype in ("uint8", "uint16") for sums in (np.int32, np.int64)],
        ("float32", np.int64),
    ],
)
def test_luminance_is_summed_up_where_there_is_data(dtype, sums):
    rng = np.random.default_rng(6)
    picture = (rng.random((19, 23)) * WHITE[dtype]).astype(dtype)
    if dtype == "float32":
        picture[0, :4] = [-0.5, 1e9, -1e9, np.nan]
        picture[0, 4:10] = np.float32([1.5, -1.5, 0.6, 0.4, -1.2, -1.6]) / 65535
    known = rng.random((19, 23)) < 0.6
    known[0] = True
    for has_data in (None, known):
        total = np.full((19, 23), 7, sums)
        frames = np.full((19, 23), 2, np.int32)
        _kernels.add_frame(picture, has_data, total, frames, 2)
        values = np.nan_to_num(picture.astype(float), nan=-1e9) / WHITE[dtype]
        expected = np.float32(np.clip(values, -32767, 32767) * _kernels.SUM_STEPS)
        counted = np.ones_like(known) if has_data is None else has_data
        assert np.abs(total - 7 - np.where(counted, expected, 0)).max() <= 0.51
        assert np.array_equal(frames - 2, 0 * known if has_data is None else known)
