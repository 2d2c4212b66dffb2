"""apply_mask: any mask, any method; wrong arguments are named."""
import numpy as np
import pytest

import film_scans
from dustbust import DustbustError, DustMask, apply_mask
from dustbust.fill import fill_boxes


@pytest.fixture
def frame():
    return film_scans.run("gamma", 1, np.ones(film_scans.SHAPE))[0][0]


@pytest.fixture
def dusty():
    mask = np.zeros(film_scans.SHAPE, bool)
    mask[40:46, 50:90] = True
    mask[100:104, 20:24] = True
    return mask


def test_a_mask_without_opacity_is_filled(frame, dusty):
    spoiled = np.where(dusty, 255, frame).astype(np.uint8)
    for mask in (dusty, dusty.astype(np.float32), DustMask(dusty.astype(np.float32), 0.5)):
        result, report = apply_mask(spoiled, mask, return_report=True)
        assert film_scans.rms(result, frame, dusty) < 12
        assert (report.particles, report.restored, report.filled, report.absent) == (2, 0, 2, 0)
        assert report.changed == pytest.approx((result != spoiled).mean())


def test_a_float_mask_is_the_opacity_of_the_repair(frame, dusty):
    spoiled = np.where(dusty, 0.9, frame / 255).astype(np.float32)
    full, half = (apply_mask(spoiled, dusty * np.float32(strength)) for strength in (1, 0.5))
    assert np.median(np.abs(half - (full + spoiled) / 2)[dusty]) < 0.02         # of a change of about 0.5; grain differs
    assert np.array_equal(apply_mask(spoiled, dusty * np.float32(0)), spoiled)


def test_fill_is_the_original(frame, dusty):
    result, report = apply_mask(frame, dusty, method="fill", box=9, return_report=True)
    assert np.array_equal(result, fill_boxes(frame, dusty, box=9)[0])
    assert report.filled == report.particles == 2


def test_a_dust_mask_of_another_run_is_an_error_that_says_so(frame):
    with pytest.raises(DustbustError, match="200 x 160.*64 x 32"):
        apply_mask(frame, DustMask(np.zeros((32, 64), np.float32), 0.5))


@pytest.mark.parametrize("method", ["restore", "fill"])
def test_wrong_arguments(frame, dusty, method):
    with pytest.raises(ValueError, match="160 x 200"):
        apply_mask(frame, dusty[:-1], method=method)
    with pytest.raises(TypeError, match="frame"):
        apply_mask(frame.tolist(), dusty, method=method)
    with pytest.raises(TypeError, match="int64"):
        apply_mask(frame, dusty.astype(np.int64), method=method)
    with pytest.raises(TypeError, match="bx"):
        apply_mask(frame, dusty, method=method, bx=3)


def test_an_unknown_method_is_named(frame, dusty):
    with pytest.raises(ValueError, match="restore, fill.*'magic'"):
        apply_mask(frame, dusty, method="magic")
