"""Sensor dust: small and dark at f/22, wide and faint at f/4, removed as each frame shows it."""

import numpy as np
import pytest

from dustbust import DustMask, apply_mask, estimate_mask
from dustbust.dust.profiles import RoundDust
from dustbust.image.morphology import dilate
from helpers import film_scans

SHAPE = (384, 576)
STOPS = (22, 16, 11, 8)


@pytest.fixture(scope="module")
def series():
    """Dusty and clean frames of a series at changing apertures, and the opacity of the dust."""
    rng = np.random.default_rng(4)
    spots = [(rng.uniform(20, 364), rng.uniform(20, 556), rng.uniform(0.6, 1)) for _ in range(25)]
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    dusty, clean, opacity = [], [], []
    for k in range(12):
        stop = STOPS[k % len(STOPS)]
        radius, depth = 5 + 70 / stop, min(0.5, 0.0016 * stop**1.9)
        layer = np.zeros(SHAPE)
        for cy, cx, share in spots:
            edge = np.clip((radius - np.hypot(y - cy, x - cx)) / (radius / 2), 0, 1)
            layer = np.maximum(layer, depth * share * edge)
        scene = film_scans.scene(40 + k, SHAPE, grain=0)
        noise = rng.normal(0, 0.006, SHAPE)
        for frames, picture in ((clean, scene), (dusty, scene * (1 - layer) ** (1 / 2.2))):
            frames.append((np.clip(picture + noise, 0, 1) * 255 + 0.5).astype(np.uint8))
        opacity.append(layer)
    return dusty, clean, opacity


def test_dust_is_removed_with_the_size_it_has_in_each_frame(series, tmp_path):
    dusty, clean, opacity = series
    dust = estimate_mask(dusty, polarity="dark")
    dust.save(tmp_path / "mask.png")
    dust = DustMask.load(tmp_path / "mask.png")
    assert "round_centres" in dust.model
    gains = []
    for frame, truth, layer in zip(dusty, clean, opacity, strict=True):
        result = apply_mask(frame, dust)
        where = layer > 0.05
        before, after = (film_scans.rms(picture, truth, where) for picture in (frame, result))
        gains.append(20 * np.log10(before / after))
        far = ~dilate(layer > 0.01, 16)
        assert (result != frame)[far].mean() < 0.01
    assert np.mean(gains) > 3.3
    assert min(gains) > -0.2


def test_dust_of_one_size_is_left_to_the_model_of_the_run():
    passing, _ = film_scans.particles(3)
    dusty, _ = film_scans.run("slide", 12, passing)
    assert "round_centres" not in estimate_mask(dusty, polarity="dark").model


@pytest.mark.parametrize("also", [False, True])
def test_round_dust_may_be_all_that_is_known(also):
    """Marked pixels away from it are filled."""
    shape = (240, 320)
    centres = np.float32([(y, x) for y in range(25, 220, 38) for x in range(30, 300, 43)])
    strength = np.linspace(0.6, 1, len(centres)).astype(np.float32)
    scene = film_scans.scene(20, shape, grain=0.008)
    layer = film_scans.shadows(shape, centres, strength, 6, 0.4)
    known = RoundDust(centres, strength, dark=True, reach=8.0)
    grey = known.region(shape).astype(np.float32)
    clean, frame = ((scene * (1 - each) * 255).astype(np.uint8) for each in (0, layer))
    other = np.zeros(shape, bool)
    other[42:46, 50:56] = also
    grey[other], frame[other] = 1, 0
    dust = DustMask(grey, 0.5, "dark", model=known.pack())
    result, report = apply_mask(frame, dust, return_report=True)
    assert film_scans.rms(result, clean, layer > 0.05) < 0.3 * film_scans.rms(
        frame, clean, layer > 0.05
    )
    assert report.particles == len(centres) + also
    assert report.restored > 0.9 * len(centres)
    assert (report.filled, report.changed) == (also, pytest.approx((result != frame).mean()))
    if also:
        assert film_scans.rms(result, clean, other) < 20
