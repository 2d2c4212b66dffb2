"""The picture under dust is recovered, compared with scans of the same scenes without dust."""

from functools import lru_cache

import numpy as np
import pytest

from dustbust import DustMask, apply_mask
from dustbust.estimation.density_meter import DensityMeter
from dustbust.restoration.apply import Cleaner
from helpers import film_scans


@lru_cache
def mask_of(film="gamma", frames=10, seed=0, strongest=0.75, share=1.0):
    """(transmittance, its particles, the mask of a run with that dust)"""
    transmittance, masks = film_scans.particles(seed, strongest=strongest)
    dusty = transmittance < 0.94
    meter = DensityMeter(dusty, polarity="dark" if film == "slide" else "light")
    for frame in film_scans.run(film, frames, transmittance)[0]:
        meter.add(frame.astype(np.float32) / 255)
    return (
        transmittance,
        masks,
        DustMask((1 - transmittance).astype(np.float32), 0.06, model=meter.result()),
    )


def one_frame(film, transmittance, seed=3):
    """(dusty, clean): frame `seed` of the run."""
    dusty, clean = film_scans.run(film, 1, transmittance, first=seed)
    return dusty[0], clean[0]


@pytest.mark.parametrize("film", film_scans.FILMS)
@pytest.mark.parametrize("seed", [3, 50], ids=["of the run", "new"])
def test_restored_is_far_nearer_to_the_clean_frame_than_filled(film, seed):
    transmittance, _, dust = mask_of(film)
    dusty, clean = one_frame(film, transmittance, seed)
    here = transmittance < 0.95
    restored, filled = (
        film_scans.rms(apply_mask(dusty, dust, method=method), clean, here)
        for method in ("restore", "fill")
    )
    assert restored < 0.75 * filled
    assert restored < 0.25 * film_scans.rms(dusty, clean, here)


def test_five_frames_are_enough():
    transmittance, _, dust = mask_of("density", 5)
    dusty, clean = one_frame("density", transmittance)
    here = transmittance < 0.95
    assert film_scans.rms(apply_mask(dusty, dust), clean, here) < film_scans.rms(
        apply_mask(dusty, dust, method="fill"), clean, here
    )


def test_away_from_dust_nothing_changes_and_the_frame_is_left_as_it_is():
    transmittance, _, dust = mask_of()
    dusty, _ = one_frame("gamma", transmittance)
    before = dusty.copy()
    clean = apply_mask(dusty, dust)
    assert np.array_equal(dusty, before)
    y, x = np.nonzero(dust.binary())
    far = np.ones(dusty.shape, bool)
    for dy in range(-5, 6):
        for dx in range(-5, 6):
            far[np.clip(y + dy, 0, far.shape[0] - 1), np.clip(x + dx, 0, far.shape[1] - 1)] = False
    assert np.array_equal(clean[far], dusty[far])
    assert not np.array_equal(clean, dusty)


@pytest.mark.parametrize("film", film_scans.FILMS)
def test_clean_pixels_beside_dust_are_left_alone(film):
    transmittance, _, dust = mask_of(film)
    dusty, _ = one_frame(film, transmittance)
    assert (apply_mask(dusty, dust) != dusty)[transmittance > 0.999].sum() < 0.05 * (
        transmittance < 0.94
    ).sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_all_kinds_of_frames(dtype, channels):
    transmittance, _, dust = mask_of()
    dusty, clean = (frame.astype(np.float64) / 255 for frame in one_frame("gamma", transmittance))
    largest = 1 if dtype == np.float32 else np.iinfo(dtype).max
    frame = dusty if channels is None else np.repeat(dusty[..., None], channels, axis=2)
    frame = (frame * largest).astype(dtype)
    if channels in (2, 4):
        frame[..., -1] = largest // 2 if largest > 1 else 0.5
    result = apply_mask(frame, dust)
    assert result.dtype == frame.dtype
    assert result.shape == frame.shape
    colours = result if channels is None else result[..., 0]
    here = transmittance < 0.95
    assert film_scans.rms(colours / largest, clean, here) < 0.3 * film_scans.rms(dusty, clean, here)
    if channels in (2, 4):
        assert np.array_equal(result[..., -1], frame[..., -1])


def test_sixteen_bits_are_not_made_eight():
    transmittance, _, dust = mask_of()
    dusty = (
        film_scans.shown("gamma", film_scans.scene(3), transmittance, film_scans.levels_of(3))
        * 65535
    ).astype(np.uint16)
    clean = apply_mask(dusty, dust)
    assert len(np.unique(clean[clean != dusty])) > 500


def test_transparent_pixels_are_no_data():
    transmittance, masks, dust = mask_of()
    dusty, _ = one_frame("gamma", transmittance)
    hidden = masks[0]
    alpha = np.where(hidden, 0, 255).astype(np.uint8)
    black, white = (
        apply_mask(np.dstack([np.where(hidden, value, dusty).astype(np.uint8), alpha]), dust)
        for value in (0, 255)
    )
    assert np.array_equal(black[~hidden], white[~hidden])
    assert (black[hidden, 0] == 0).all()
    assert (white[hidden, 0] == 255).all()


def test_a_particle_that_is_not_in_the_frame_is_left_alone():
    transmittance, masks, dust = mask_of()
    strong = [mask for mask in masks if transmittance[mask].min() < 0.6]
    without = np.where(strong[0], 1, transmittance)
    dusty, _clean = one_frame("gamma", without)
    result, report = apply_mask(dusty, dust, return_report=True)
    assert np.array_equal(result[strong[0]], dusty[strong[0]])
    assert report.absent == 1
    assert report.particles == len(masks) == report.restored + report.filled + report.absent
    assert report.changed == pytest.approx((result != dusty).mean())


@pytest.mark.parametrize("film", film_scans.FILMS)
@pytest.mark.parametrize("turn", range(4))
def test_dust_is_told_from_none_on_a_busy_picture(film, turn):
    transmittance, masks, dust = mask_of(film)
    y, x = np.mgrid[: transmittance.shape[0], : transmittance.shape[1]]
    stripes = np.sign(np.sin(x * np.cos(turn) / 3 + y * np.sin(turn) / 3))
    scene = np.clip(film_scans.scene(9) + 0.1 * stripes, 0.05, 0.95)
    gone = np.logical_or.reduce(masks[::2])
    dusty = (film_scans.shown(film, scene, np.where(gone, 1, transmittance)) * 255 + 0.5).astype(
        np.uint8
    )
    clean, _report = apply_mask(dusty, dust, return_report=True)
    strong = [mask for mask in masks if transmittance[mask].min() < 0.8]
    right = sum(np.array_equal(clean[mask], dusty[mask]) == (mask & gone).any() for mask in strong)
    assert right == len(strong) > 7


def test_colours_that_were_converted_each_in_its_own_way():
    transmittance, _, dust = mask_of("density")
    scene, here = film_scans.scene(5), transmittance < 0.95
    levels = (0.0, 1.0, 1.0), (0.02, 0.7, 0.9), (0.0, 1.5, 1.25)
    dusty, clean = (
        np.stack(
            [film_scans.shown("density", scene, t, each) * 255 + 0.5 for each in levels], axis=2
        ).astype(np.uint8)
        for t in (transmittance, np.ones_like(transmittance))
    )
    restored = apply_mask(dusty, dust)
    for c in range(3):
        assert film_scans.rms(restored[..., c], clean[..., c], here) < 0.2 * film_scans.rms(
            dusty[..., c], clean[..., c], here
        )


@pytest.mark.parametrize(("down", "right"), [(0.6, -0.4), (-1.3, 0.8)])
def test_a_pattern_that_is_shifted_as_a_whole_is_found(down, right):
    transmittance, _, dust = mask_of()
    y, x = (
        np.fft.fftfreq(transmittance.shape[0])[:, None],
        np.fft.fftfreq(transmittance.shape[1])[None],
    )
    moved = np.fft.ifft2(
        np.fft.fft2(transmittance) * np.exp(-2j * np.pi * (down * y + right * x))
    ).real
    here = moved < 0.95
    dusty, clean = one_frame("gamma", moved)
    error = film_scans.rms(apply_mask(dusty, dust), clean, here)
    in_place = film_scans.rms(
        apply_mask(one_frame("gamma", transmittance)[0], dust), clean, transmittance < 0.95
    )
    assert error < 1.6 * in_place


def test_clipped_pixels_are_filled():
    transmittance, _, dust = mask_of("density")
    flat = np.full(transmittance.shape, 0.6)
    levels = (0.0, 0.55, 1.0)  # the conversion clips whatever takes a third of the light
    dusty, clean = (
        (film_scans.shown("density", flat, t, levels) * 255 + 0.5).astype(np.uint8)
        for t in (transmittance, np.ones_like(transmittance))
    )
    clipped = dusty == 255
    assert clipped.sum() > 100
    assert clean.max() < 240
    assert np.abs(apply_mask(dusty, dust).astype(int) - clean)[clipped].max() <= 6


def test_what_was_clipped_and_is_nearly_white_after_jpeg_is_filled():
    transmittance, _, dust = mask_of("density")
    y, x = np.mgrid[: transmittance.shape[0], : transmittance.shape[1]]
    scene = 0.6 + 0.1 * np.sin(x / 6) * np.sin(y / 7)
    dusty, clean = (
        (film_scans.shown("density", scene, t, (0.0, 0.55, 1.0)) * 255 + 0.5).astype(np.uint8)
        for t in (transmittance, np.ones_like(transmittance))
    )
    clipped = dusty == 255
    dusty[clipped] -= np.random.default_rng(1).integers(0, 8, clipped.sum(), np.uint8)
    assert film_scans.rms(apply_mask(dusty, dust), clean, clipped) < 10


def test_no_halo():
    transmittance, _, dust = mask_of()
    flat = np.full(transmittance.shape, 0.4)
    dusty, clean = (
        (film_scans.shown("gamma", flat, t) * 255 + 0.5).astype(np.uint8)
        for t in (transmittance, np.ones_like(transmittance))
    )
    result = apply_mask(dusty, dust).astype(int)
    assert np.abs(result - clean).max() <= 4  # of an effect of up to 80
    ring = (transmittance < 0.995) & (transmittance > 0.93)
    assert abs(float((result - clean.astype(int))[ring].mean())) < 0.5


def test_dust_painted_into_the_mask_is_filled():
    transmittance, _, dust = mask_of()
    dusty, clean = one_frame("gamma", transmittance)
    y, x = 71, 71  # between the particles
    dusty[y : y + 4, x : x + 4] = 250
    grey = dust.grey.copy()
    grey[y : y + 4, x : x + 4] = 1
    painted = DustMask(grey, dust.threshold, model=dust.model)
    result, report = apply_mask(dusty, painted, return_report=True)
    assert np.abs(result[y : y + 4, x : x + 4].astype(int) - clean[y : y + 4, x : x + 4]).max() < 25
    before, plain = apply_mask(dusty, dust, return_report=True)
    assert np.array_equal(before[y : y + 4, x : x + 4], dusty[y : y + 4, x : x + 4])
    assert (report.filled, report.particles) == (plain.filled + 1, plain.particles + 1)


def test_what_the_threshold_leaves_out_is_left_alone():
    transmittance, masks, dust = mask_of()
    dusty, _ = one_frame("gamma", transmittance)
    strict = DustMask(dust.grey, 0.4, model=dust.model)
    faint = [mask for mask in masks if transmittance[mask].min() > 0.62]
    assert faint
    result, report = apply_mask(dusty, strict, return_report=True)
    for mask in faint:
        assert np.array_equal(result[mask], dusty[mask])
    assert report.particles == len(masks) - len(faint)


def test_a_run_without_dust_changes_nothing():
    nothing = np.zeros(film_scans.SHAPE, bool)
    meter = DensityMeter(nothing)
    frames, _ = film_scans.run("gamma", 3, np.ones(film_scans.SHAPE))
    for frame in frames:
        meter.add(frame.astype(np.float32) / 255)
    result, report = apply_mask(
        frames[0],
        DustMask(nothing.astype(np.float32), 0.5, model=meter.result()),
        return_report=True,
    )
    assert np.array_equal(result, frames[0])
    assert report.particles == report.changed == 0


def test_a_cleaner_that_is_kept_gives_each_frame_what_apply_mask_gives():
    transmittance, _, dust = mask_of()
    clean = Cleaner(dust)
    for seed in (3, 50, 3):
        dusty, _ = one_frame("gamma", transmittance, seed)
        assert np.array_equal(clean(dusty)[0], apply_mask(dusty, dust))


def test_the_same_for_any_number_of_threads_and_each_time():
    transmittance, _, dust = mask_of()
    dusty, _ = one_frame("gamma", transmittance)
    first = apply_mask(dusty, dust, threads=1)
    assert np.array_equal(first, apply_mask(dusty, dust, threads=3))
    assert np.array_equal(first, apply_mask(dusty, dust, threads=1))


@pytest.mark.parametrize("which", range(2))
def test_of_two_fibres_that_touch_the_one_that_is_there_is_taken_off(which):
    y, x = np.mgrid[: film_scans.SHAPE[0], : film_scans.SHAPE[1]]
    fibres = [
        0.5
        * film_scans.blurred(((abs(across) < 1.5) & (abs(along - middle) < 30)).astype(float), 1.0)
        for along, across, middle in ((y, x - 90, 60), (x, y - 92, 115))
    ]
    both = 1 - np.maximum(*fibres)
    meter = DensityMeter(both < 0.94)
    for frame in film_scans.run("density", 10, both)[0]:
        meter.add(frame.astype(np.float32) / 255)
    dust = DustMask((1 - both).astype(np.float32), 0.06, model=meter.result())
    dusty, clean = one_frame("density", 1 - fibres[which])
    result, report = apply_mask(dusty, dust, return_report=True)
    here, gone = (
        (fibre > 0.06) & (other < 0.005)
        for fibre, other in ((fibres[which], fibres[1 - which]), (fibres[1 - which], fibres[which]))
    )
    assert report.particles == 1
    assert report.absent == 0
    assert film_scans.rms(result, clean, here) < 0.3 * film_scans.rms(dusty, clean, here)
    assert (result != dusty)[gone].mean() < 0.15


@pytest.mark.parametrize("film", film_scans.FILMS)
def test_dust_that_was_always_there_and_is_gone_for_the_most_part(film):
    transmittance, masks, dust = mask_of(film)
    dusty, _clean = one_frame(film, np.where(np.logical_or.reduce(masks[1:]), 1, transmittance))
    gone = np.logical_or.reduce([mask for mask in masks[1:] if transmittance[mask].min() < 0.8])
    assert (apply_mask(dusty, dust) != dusty)[gone].mean() < 0.1
