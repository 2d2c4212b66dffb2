"""apply_mask: any mask, any method; wrong arguments are named."""

import numpy as np
import pytest

from dustbust import DustbustError, DustMask, apply_mask
from dustbust.restoration.apply import Cleaner
from dustbust.restoration.box_fill import fill_boxes
from helpers import film_scans


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
    assert (
        np.median(np.abs(half - (full + spoiled) / 2)[dusty]) < 0.02
    )  # of a change of about 0.5; grain differs
    assert np.array_equal(apply_mask(spoiled, dusty * np.float32(0)), spoiled)


def test_more_than_all_of_the_opacity_is_all_of_it(frame, dusty):
    full, more, less = (apply_mask(frame, dusty * np.float32(strength)) for strength in (1, 3, -1))
    assert np.array_equal(more, full)
    assert np.array_equal(less, frame)


def test_which_pixels_changed_is_told(frame, dusty):
    colour = np.dstack([frame, frame // 2, 255 - frame])
    colour[dusty, 1] = 250
    clean = colour.copy()
    changed, report = Cleaner(dusty).in_place(clean)
    assert np.array_equal(changed, (clean != colour).any(axis=2))
    assert changed[dusty].mean() > 0.9
    assert report.changed == changed.mean()
    assert report.placed


def test_the_warning_of_pixels_that_cannot_be_filled_points_to_the_caller():
    with pytest.warns(RuntimeWarning, match="1200 pixels could not be filled") as warned:
        apply_mask(np.full((30, 40), 9, np.uint8), np.ones((30, 40), bool))
    assert [each.filename for each in warned] == [__file__]


def test_fill_is_the_original(frame, dusty):
    result, report = apply_mask(frame, dusty, method="fill", box=9, return_report=True)
    assert np.array_equal(result, fill_boxes(frame, dusty, box=9)[0])
    assert report.filled == report.particles == 2


def test_a_dust_mask_of_another_run_is_an_error_that_says_so(frame):
    with pytest.raises(DustbustError, match=r"200 x 160.*64 x 32"):
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
    with pytest.raises(ValueError, match=r"restore, fill.*'magic'"):
        apply_mask(frame, dusty, method="magic")


def test_pixels_that_are_not_finite_say_nothing_and_stay(frame, dusty):
    holes = np.zeros_like(dusty)
    holes[36:43, 60:70] = holes[5, 5] = holes[102, 10:30] = True
    whole = np.where(dusty, np.float32(1), frame / np.float32(255))
    for wrong in (np.nan, np.inf, -np.inf):
        for channels in (None, 1, 3, 4):
            spoiled = np.where(holes, np.float32(wrong), whole)
            if channels:
                spoiled = np.repeat(spoiled[..., None], channels, axis=2)
            if channels == 4:
                spoiled[..., 3] = 1
            result = apply_mask(spoiled, dusty)
            colours = result if channels is None else result[..., 0]
            assert np.array_equal(~np.isfinite(colours), holes)
            assert film_scans.rms(colours * 255, frame, dusty & ~holes) < 15


def test_what_is_no_opacity_in_a_float_mask_is_no_dust(frame, dusty):
    mask = dusty.astype(np.float32)
    assert np.array_equal(apply_mask(frame, np.where(dusty, mask, np.nan)), apply_mask(frame, mask))


@pytest.mark.parametrize("box", [np.s_[:6, :], np.s_[-5:, -7:], np.s_[:, :4], np.s_[60:, 80:]])
def test_dust_at_the_edges_and_in_the_corners_is_filled(frame, box):
    mask = np.zeros(frame.shape, bool)
    mask[box] = True
    assert (
        film_scans.rms(apply_mask(np.where(mask, 255, frame).astype(np.uint8), mask), frame, mask)
        < 40
    )


def test_a_hair_of_one_pixel_across_the_whole_frame():
    y, x = np.mgrid[:700, :700]
    clean = (90 + 40 * np.sin(x / 50 + y / 80)).astype(np.uint8)
    hair = x == y
    assert (
        np.abs(
            apply_mask(np.where(hair, 255, clean).astype(np.uint8), hair).astype(int) - clean
        ).max()
        <= 2
    )


def test_values_beyond_white_stay_beyond_white(frame, dusty):
    bright = np.where(dusty, np.float32(9), frame / np.float32(64))
    clean = apply_mask(bright, dusty)
    assert np.array_equal(clean[:30], bright[:30])
    assert clean.max() <= bright[~dusty].max() + 0.3
    assert film_scans.rms(clean * 64, frame, dusty) < 12


def test_frames_however_they_lie_in_memory(frame, dusty):
    colour = np.dstack([frame, frame // 2, 255 - frame])
    expected = apply_mask(colour, dusty)
    locked = colour.copy()
    locked.flags.writeable = False
    for same in (
        np.asfortranarray(colour),
        np.repeat(colour, 2, axis=1)[:, ::2],
        colour[::-1].copy()[::-1],
        locked,
    ):
        assert np.array_equal(apply_mask(same, dusty), expected)
    assert np.array_equal(colour, locked)
