"""Sensor dust: small and dark at f/22, wide and faint at f/4, removed as each frame shows it."""

import numpy as np
import pytest

from dustbust import DustMask, apply_mask, estimate_mask
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
