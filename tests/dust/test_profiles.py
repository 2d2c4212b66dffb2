"""Round dust whose size changes: profiles are measured in each frame."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.profiles import Profile, RoundDust, disc, weighted_median
from helpers import film_scans

SHAPE = (240, 320)
CENTRES = np.float32([(y, x) for y in range(40, 220, 40) for x in range(40, 300, 45)])


@pytest.mark.parametrize(("radius", "opacity"), [(5.0, 0.5), (8.0, 0.3), (11.0, 0.15)])
def test_size_and_strength_are_those_of_the_frame(radius, opacity):
    rng = np.random.default_rng(1)
    strength = rng.uniform(0.5, 1, len(CENTRES))
    scene = film_scans.scene(3, SHAPE, grain=0.008)
    frame = (scene * (1 - film_scans.shadows(SHAPE, CENTRES, strength, radius, opacity))).astype(
        np.float32
    )
    profile, around = RoundDust(CENTRES, np.float32(strength), dark=True).measure(frame)
    assert profile.is_significant
    assert profile.half_radius == pytest.approx(0.75 * radius, rel=0.2)
    assert profile.density[0] == pytest.approx(-np.log1p(-opacity), rel=0.3)
    found = RoundDust(CENTRES, np.float32(strength), dark=True).strengths(around, profile)
    assert np.abs(found - strength).mean() < 0.2


def test_a_frame_without_dust_shows_none():
    frame = film_scans.scene(3, SHAPE, grain=0.008).astype(np.float32)
    profile, _ = RoundDust(CENTRES, np.ones(len(CENTRES), np.float32), dark=True).measure(frame)
    assert not profile.is_significant or profile.density[0] < 0.02


def test_a_profile_falls_and_ends():
    profile = Profile(np.float32([1.0, 0.8, 0.4, 0.1, 0.02, 0.01]), 2, 0.01)
    assert profile.at(np.array([0.0, 3.0, 6.0, 9.0])).tolist() == pytest.approx([1, 0.6, 0.1, 0])
    assert profile.half_radius == pytest.approx(3.5)
    assert profile.radius == pytest.approx(2.2 * 3.5)


def test_particles_survive_the_way_through_a_mask():
    dust = RoundDust(CENTRES + 0.25, np.linspace(0.1, 1, len(CENTRES)).astype(np.float32), True)
    again = RoundDust.unpack(dust.pack())
    assert np.array_equal(again.centres, dust.centres)
    assert again.strength == pytest.approx(dust.strength, rel=1e-3)
    assert again.dark
    assert RoundDust.unpack({}) is None


@pytest.mark.parametrize("name", ["round_centres", "round_strength", "round_numbers"])
def test_arrays_that_do_not_fit_are_refused(name):
    packed = RoundDust(CENTRES, np.ones(len(CENTRES), np.float32), True).pack()
    packed[name] = packed[name][:-1]
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        RoundDust.unpack(packed)


def test_small_helpers():
    y, x, distance = disc(np.float32([2, 2]), 1.0, (5, 5))
    assert sorted(zip(y.tolist(), x.tolist(), strict=True)) == [
        (1, 2),
        (2, 1),
        (2, 2),
        (2, 3),
        (3, 2),
    ]
    assert distance.max() == 1
    assert weighted_median(np.array([1.0, 5.0, 9.0]), np.array([1.0, 1.0, 5.0])) == 9
