"""Sums of readings over a run: their weights, their limits, and frames that are taken out again."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.estimation.background import Surroundings
from dustbust.estimation.candidates import denoise
from dustbust.estimation.opacity import OpacitySums

SHAPE = (60, 80)  # blocks of 4 px: 15 x 20


def level(value=0.5, deviation=0.0):
    blocks = np.full((15, 20), value, np.float32)
    return Surroundings(blocks, blocks, np.full((15, 20), deviation**2, np.float32))


@pytest.mark.parametrize("polarity", ["light", "dark"])
def test_a_frame_counts_by_the_variance_of_its_readings_and_a_constant_part(polarity):
    """0.03, in opacity: a reading that errs by as much has half of the largest weight."""
    background = 0.6 if polarity == "light" else 0.4  # so that the dust has a room of 0.4
    whole = _kernels.WHOLE_WEIGHT
    for error, share in ((0, 1), (0.03, 1 / 2), (0.06, 1 / 5), (0.09, 1 / 10)):
        sums = OpacitySums(SHAPE, polarity)
        sums.add(np.full(SHAPE, background, np.float32), level(background, 0.4 * error))
        assert sums.weights == pytest.approx(share * whole, abs=0.6)


def test_the_opacity_is_the_mean_of_the_readings_by_their_weights():
    sums = OpacitySums(SHAPE, "light")
    for value, deviation in ((0.6, 0.0), (0.8, 0.5 * 0.03), (0.9, 0.5 * 0.06)):
        plane = np.full(SHAPE, 0.5, np.float32)
        plane[30, 40], plane[10, 10] = value, 0
        sums.add(plane, level(0.5, deviation))
    found = sums.opacity()
    assert found[30, 40] == pytest.approx((0.2 + 0.6 / 2 + 0.8 / 5) / 1.7, abs=2e-3)
    assert found[10, 10] == pytest.approx(-0.3, abs=1e-3)  # no reading is lower
    assert found[50, 50] == pytest.approx(0, abs=1e-3)


def test_frames_of_different_depth_are_summed_up_alike():
    plane = np.random.default_rng(1).integers(0, 256, SHAPE).astype(np.uint8)
    deep = plane.astype(np.uint16) * 257
    alike, mixed = OpacitySums(SHAPE, "light"), OpacitySums(SHAPE, "light")
    for frame in (plane, plane, plane, plane):
        alike.add(frame, level())
    for frame in (plane, deep, deep, plane):
        mixed.add(frame, level())
    assert mixed.opacity() == pytest.approx(alike.opacity(), abs=1e-3)
    assert np.array_equal(mixed.weights, alike.weights)


def test_pixels_without_data_count_in_no_part_of_a_run():
    rng = np.random.default_rng(2)
    frames = [
        (np.float32(0.5 + 0.5 * rng.random(SHAPE)), rng.random(SHAPE) < share if share else None)
        for share in (0.8, 0.6, None, 0.7, 0.5, None)
    ]
    whole, first, second = (OpacitySums(SHAPE, "light") for _ in range(3))
    for number, (plane, has_data) in enumerate(frames):
        whole.add(plane, level(), has_data)
        (first if number in (0, 3, 4) else second).add(plane, level(), has_data)
    total = sum(np.where(True if seen is None else seen, 2 * (p - 0.5), 0) for p, seen in frames)
    number = sum(np.ones(SHAPE) if seen is None else seen for _, seen in frames)
    assert whole.opacity() == pytest.approx(total / number, abs=2e-3)
    for one, other in ((first, second), (second, first)):
        joined = OpacitySums(SHAPE, "light")
        joined.merge(one)
        joined.merge(other)
        assert joined.opacity().tobytes() == whole.opacity().tobytes()
    plane, has_data = frames[1]
    whole.add(plane, level(), has_data, sign=-1)
    whole.add(np.ones(SHAPE, np.float32), level(), ~has_data)
    now = total + np.where(has_data, -2 * (plane - 0.5), 1)
    assert whole.opacity() == pytest.approx(now / (number - has_data + ~has_data), abs=2e-3)


def test_sums_take_64_bits_where_32_do_not_hold_them():
    plane, has_data = np.ones(SHAPE, np.float32), np.zeros(SHAPE, bool)
    has_data[:30] = True
    one, other = OpacitySums(SHAPE, "light"), OpacitySums(SHAPE, "light")
    for number in range(_kernels.FRAMES_IN_32_BIT):
        one.add(plane, level(0), has_data)
        if number < 2:
            other.add(plane, level(0), has_data)
    assert one.readings.dtype == np.int32
    one.add(plane, level(0), has_data)
    other.merge(one)
    for sums in (one, other):
        assert sums.readings.dtype == np.int64
        assert sums.unseen.dtype == np.int64
        opacity = sums.opacity()
        assert opacity[:30] == pytest.approx(1)
    assert other.frames == _kernels.FRAMES_IN_32_BIT + 3
    assert np.array_equal(other.weights[0], np.full(20, other.frames * _kernels.WHOLE_WEIGHT))


def test_the_map_without_grain_is_that_of_the_map_with_it():
    rng = np.random.default_rng(3)
    sums = OpacitySums(SHAPE, "light")
    for _ in range(3):
        plane = rng.normal(0.5, 0.02, SHAPE)
        plane[20:24, 30:34] += 0.1
        sums.add(plane.astype(np.float32), level(0.5, 0.02))
    whole = sums.opacity()
    assert sums.denoised() == pytest.approx(denoise(whole), abs=1e-5)
    assert sums.denoised().std() < 0.9 * whole.std()
