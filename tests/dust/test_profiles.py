"""Round dust whose size changes: profiles are measured in each frame."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.profiles import (
    Around,
    Profile,
    RoundDust,
    _falling,
    _fitted_plane,
    disc,
    shown_strengths,
    weighted_median,
)
from dustbust.dust.response import VALUE_NOISE
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
    # Files have 256 steps for a px.
    packed = RoundDust(np.float32([(1.5, 2)]), np.ones(1, np.float32), True).pack()
    assert packed["round_centres"].tolist() == [[384, 512]]


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


def test_the_radius_is_where_four_percent_are_left():
    profile = Profile(np.float32([1.0, 0.9, 0.8, 0.55, 0.05, 0.03, 0.0]), 3, 0.01)
    assert profile.radius == 15  # five bins of 3 px are above 0.04
    assert profile.at(np.array([12.0, 14.9, 15.0])).tolist() == pytest.approx(
        [0.05, 0.0306, 0], rel=0.02
    )
    assert profile.half_radius == pytest.approx(3 * 3.1)
    # Of the maximum, not of the density beside it; and of nothing nothing is left.
    assert Profile(np.float32([1.0, 0.5, 0.03, 0.03]), 1, 0.01).radius == 2
    assert Profile(np.zeros(3, np.float32), 1, 0.01).radius == 0
    level = Profile(np.float32([0.5, 0.5, 0.5]), 2, 0.01)
    assert level.half_radius == level.radius == 6


def test_a_profile_counts_by_how_far_it_is_from_its_error():
    def share(density, error):
        return Profile(np.float32([density]), 1, error).certain_share

    assert Profile(np.float32([0.6]), 1, 0.15).significance == pytest.approx(4)
    assert not Profile(np.float32([0.39]), 1, 0.1).is_significant
    assert Profile(np.float32([0.41]), 1, 0.1).is_significant
    # 1 - (3 / significance)^2, and below 4 errors as at 4.
    assert share(0.6, 0.1) == pytest.approx(0.75)
    assert share(3, 0.1) == pytest.approx(0.99)
    assert share(0.1, 0.1) == pytest.approx(1 - 9 / 16)


def test_particles_are_made_of_pixels():
    """Three particles in a picture of 10 columns; of two, the strongest in all are kept."""
    opacity = np.zeros((8, 10), np.float32)
    opacity[1, 1:4] = 0.2, 0.4, 0.2
    opacity[4:6, 6] = 0.1, 0.3
    opacity[7, 0] = 0.35
    labels = np.array([0, 0, 0, 1, 1, 2], np.int32)
    positions = np.flatnonzero(opacity)
    dust = RoundDust.of((positions, labels, 3), opacity.ravel()[positions], 10, dark=False)
    assert dust.centres == pytest.approx(np.array([(1, 2), (4.75, 6), (7, 0)]))
    assert dust.strength == pytest.approx([0.4, 0.3, 0.35])
    assert not dust.dark
    two = RoundDust.of((positions, labels, 3), opacity.ravel()[positions], 10, dark=True, limit=2)
    assert two.centres == pytest.approx(np.array([(1, 2), (4.75, 6)]))
    assert two.dark
    only = two.part(np.array([False, True]))
    assert (only.centres.tolist(), only.strength.tolist()) == (
        [[4.75, 6]],
        two.strength[1:].tolist(),
    )


def test_the_region_is_made_of_discs():
    dust = RoundDust(np.float32([(5, 5), (20, 29.5)]), np.ones(2, np.float32), True, reach=4.2)
    y, x = np.mgrid[:24, :30]
    expected = (np.hypot(y - 5, x - 5) <= 4.2) | (np.hypot(y - 20, x - 29.5) <= 4.2)
    assert np.array_equal(dust.region((24, 30)), expected)
    y, x, distance = disc(np.float32([10, 10]), 6.5, (24, 30), step=3)
    assert set(np.diff(np.unique(y))) == set(np.diff(np.unique(x))) == {3}
    assert distance == pytest.approx(np.hypot(y - 10, x - 10))
    assert distance.max() <= 6.5


@pytest.mark.parametrize(
    ("numbers", "fits"),
    [
        ((1, 1.1, 1990), True),
        ((1, -1.9, 0), True),
        ((1, 1.3, 10), False),
        ((1, -2.1, 10), False),
        ((1, 1, 2010), False),
        ((1, 1, -1), False),
        ((1, 1, np.nan), False),
        ((1, np.inf, 1), False),
    ],
)
def test_numbers_of_a_stranger_must_make_sense(numbers, fits):
    packed = RoundDust(CENTRES, np.ones(len(CENTRES), np.float32), True).pack()
    packed["round_numbers"] = np.array(numbers, np.float16)
    if fits:
        again = RoundDust.unpack(packed)
        assert (again.dark, again.fade, again.reach) == pytest.approx(numbers, rel=1e-3)
    else:
        with pytest.raises(DustbustError, match="knows of its dust is damaged"):
            RoundDust.unpack(packed)


@pytest.mark.parametrize("strength", [-1.0, np.nan])
def test_strengths_of_a_stranger_must_make_sense(strength):
    packed = RoundDust(CENTRES, np.ones(len(CENTRES), np.float32), True).pack()
    packed["round_strength"][3] = strength
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        RoundDust.unpack(packed)
    packed["round_strength"] = packed["round_strength"][:, None]
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        RoundDust.unpack(packed)


def sloping(opacity=0.4, radius=9, noise=0.01, shape=(80, 90), centre=(41.5, 43)):
    """A tilted background with a level disc of dust, float32, and the disc's particle."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    plain = 0.55 + 0.003 * (y - centre[0]) - 0.002 * (x - centre[1])
    plain += np.random.default_rng(1).normal(0, noise, shape)
    distance = np.hypot(y - centre[0], x - centre[1])
    frame = np.where(distance < radius, plain * (1 - opacity), plain).astype(np.float32)
    return frame, RoundDust(np.float32([centre]), np.float32([1]), dark=True), distance


@pytest.mark.parametrize("dark", [True, False])
def test_readings_are_densities_above_a_tilted_background(dark):
    frame, dust, _ = sloping()
    dust.dark = dark
    (around,) = dust.readings(frame if dark else 1 - frame, None, 12.0, 1)
    inside = around.distance() < 8.5
    assert np.median(around.reading[inside]) == pytest.approx(-np.log(0.6), abs=0.01)
    assert np.abs(np.median(around.reading[around.distance() > 9.5])) < 0.01
    # The error of a reading is that of the light, grain and rounding, as a share of the light.
    assert around.deviation == pytest.approx((0.01 + VALUE_NOISE) / 0.55, rel=0.05)
    assert around.distance().max() <= 12
    assert around.distance((3, -4))[inside] == pytest.approx(
        np.hypot(around.down - 3, around.right + 4)[inside]
    )
    # As many readings for each unit of area as pixels, or with a step as rows and columns.
    assert around.reading.size == pytest.approx(np.pi * 12**2, rel=0.05)
    (coarser,) = dust.readings(frame if dark else 1 - frame, None, 12.0, 3)
    assert coarser.reading.size == pytest.approx(np.pi * 12**2 / 9, rel=0.1)


def test_the_background_is_a_ring_of_a_block_and_a_half():
    """Of 4 px: what lies farther away than the dust and 6 px is not looked at."""
    frame, dust, distance = sloping()
    (around,) = dust.readings(frame, None, 12.0, 1)
    beyond = np.where(distance > 18, np.float32(0.9), frame)
    (same,) = dust.readings(beyond, None, 12.0, 1)
    assert np.array_equal(around.reading, same.reading)
    beyond = np.where(distance > 17, np.float32(0.5), frame)
    (other,) = dust.readings(beyond, None, 12.0, 1)
    assert not np.array_equal(around.reading, other.reading)


def test_in_nearly_white_surroundings_readings_err_by_a_limited_amount():
    """Light dust hardly changes a value of 0.96; its speed counts as 0.05, not as 0.04."""
    frame = np.full((80, 90), 0.96, np.float32)
    (around,) = RoundDust(np.float32([(41, 43)]), np.ones(1, np.float32), dark=False).readings(
        frame, None, 12.0, 1
    )
    assert around.deviation == pytest.approx(VALUE_NOISE / 0.05, rel=1e-3)


@pytest.mark.parametrize(
    ("outer", "inner", "read"), [(24, 12, True), (23, 12, False), (24, 11, False)]
)
def test_a_particle_is_read_from_24_px_around_it_and_12_px_inside(outer, inner, read):
    frame, dust, distance = sloping()
    has_data = np.zeros(frame.shape, bool)
    beside, within = (distance > 12.5) & (distance < 17.5), distance < 11.5
    for where, number in ((beside, outer), (within, inner)):
        places = np.flatnonzero(where)
        has_data.ravel()[places[:: places.size // number][:number]] = True
    (around,) = dust.readings(frame, has_data, 12.0, 1)
    assert (around is not None) == read
    if read:
        assert around.reading.size == inner


def test_what_does_not_belong_to_the_background_does_not_count():
    frame, dust, distance = sloping(noise=0.004)
    (sound,) = dust.readings(frame, None, 12.0, 1)
    beside = frame.copy()
    beside[60:, :] = np.where(distance[60:] > 12, 0.9, frame[60:])  # another object, in the ring
    (around,) = dust.readings(beside, None, 12.0, 1)
    assert np.abs(around.reading - sound.reading).max() < 0.03
    for value in (0.02, 0.98):  # black or white is clipped
        spotted = frame.copy()
        spotted[::3, ::3] = value
        (around,) = dust.readings(spotted, None, 12.0, 1)
        assert around.reading.size < 0.95 * sound.reading.size
        assert np.abs(np.median(around.reading) - np.median(sound.reading)) < 0.02
    has_data = np.ones(frame.shape, bool)
    has_data[:, 30:36] = False
    spotted = np.where(has_data, frame, np.float32(0.7))
    (around,) = dust.readings(spotted, has_data, 12.0, 1)
    assert not ((around.right > 30 - 43 - 0.5) & (around.right < 35 - 43 + 0.5)).any()
    assert np.abs(np.median(around.reading) - np.median(sound.reading)) < 0.02


def test_a_particle_without_surroundings_is_not_read():
    frame, dust, distance = sloping()
    few = distance < 12  # no ring
    assert dust.readings(frame, few, 12.0, 1) == [None]
    assert dust.readings(frame, ~few, 12.0, 1) == [None]
    assert dust.readings(frame, few | (distance > 12), 12.0, 1) != [None]


def made_around(profile, strength, noise, seed, reach=20, step=1):
    """Readings of a particle of a known profile with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-reach : reach + 1 : step, -reach : reach + 1 : step].reshape(2, -1)
    near = np.hypot(y, x) <= reach
    y, x = y[near].astype(np.float32), x[near].astype(np.float32)
    reading = strength * profile(np.hypot(y, x)) + rng.normal(0, noise, y.size)
    return Around(y, x, reading.astype(np.float32), noise)


def hill(distance):
    return 0.3 * np.exp(-0.5 * (distance / 6) ** 2)


def test_the_profile_is_that_of_the_particles():
    strengths = np.float32([0.5, 1, 1.5, 0.8, 0, 1.2])
    around = [made_around(hill, s, 0.02, n) for n, s in enumerate(strengths)]
    around.insert(2, None)
    dust = RoundDust(
        np.zeros((7, 2), np.float32), np.float32(np.insert(strengths, 2, 1)), dark=True
    )
    profile = dust.profile(around, 2)
    places = 2 * np.arange(profile.density.size)
    assert profile.density == pytest.approx(hill(places), abs=0.025)
    assert (np.diff(profile.density) <= 0).all()
    assert profile.half_radius == pytest.approx(6 * (2 * np.log(2)) ** 0.5, rel=0.1)
    # None of the readings errs by much, but at most a tenth of them err independently.
    weights = (strengths / 0.02) ** 2
    assert profile.error == pytest.approx((np.pi / 2 * 0.1 / weights.sum()) ** 0.5, rel=0.05)
    nothing = dust.profile([None] * 7, 2)
    assert (nothing.density.tolist(), nothing.is_significant) == ([0], False)


def test_each_distance_has_a_density_of_its_own():
    """Also the centre, which is one pixel."""
    around = [made_around(hill, 1, 0, n)._replace(deviation=0.01) for n in range(2)]
    profile = RoundDust(np.zeros((2, 2), np.float32), np.ones(2, np.float32), True).profile(
        around, 1
    )
    assert profile.density == pytest.approx(hill(np.arange(21.0)), abs=0.006)
    assert profile.density[0] == pytest.approx(0.3)
    assert RoundDust._bins_within(np.array([1, 0.6, 0.4, 0.2])) == 2


def test_particles_disagree_in_their_middle():
    """In three tenths of the half radius, which is 7 px here: in two bins of a px."""
    around = []
    for n, strength in enumerate(np.tile([0.6, 1, 1.4], 6)):
        middle, other = (made_around(hill, s, 0, n) for s in (1, strength))
        inside = middle.distance() < 1.5
        reading = np.where(inside, middle.reading, other.reading)
        around.append(middle._replace(reading=reading, deviation=0.01))
    dust = RoundDust(np.zeros((18, 2), np.float32), np.ones(18, np.float32), dark=True)
    # What is left is the error of a tenth of the readings.
    error = 0.01 * (np.pi / 2 * 0.1 / 18) ** 0.5
    assert dust.profile(around, 1).error == pytest.approx(error, rel=1e-3)


def without_middle(around):
    """The readings that are at least 15 px from the centre."""
    far = around.distance() >= 15
    return around._replace(
        down=around.down[far], right=around.right[far], reading=around.reading[far]
    )


def test_particles_whose_middle_is_hidden_tell_nothing_of_it():
    strengths = [0.8, 0.9, 1, 1.1, 1.2]
    around = [made_around(hill, s, 0, n)._replace(deviation=0.01) for n, s in enumerate(strengths)]
    around += [without_middle(around[2])] * 6
    dust = RoundDust(np.zeros((11, 2), np.float32), np.ones(11, np.float32), dark=True)
    profile = dust.profile(around, 1)
    assert profile.density == pytest.approx(hill(np.arange(21.0)), abs=0.006)
    # Half of the others are off by a tenth: the error of a median of all 11.
    assert profile.error == pytest.approx(1.4826 * 0.1 * 0.29 * (np.pi / 2 / 11) ** 0.5, rel=0.1)


def test_particles_that_disagree_make_a_profile_uncertain():
    strengths = np.float32(np.tile([0.4, 1, 1.6], 6))
    around = [made_around(hill, s, 0.01, n) for n, s in enumerate(strengths)]
    dust = RoundDust(np.zeros((18, 2), np.float32), np.ones(18, np.float32), dark=True)
    profile = dust.profile(around, 1)
    # Most are off by 0.6 of about 0.3: the error of a median of 18.
    middle = 0.6 * 0.29
    assert profile.error == pytest.approx(1.4826 * middle * (np.pi / 2 / 18) ** 0.5, rel=0.15)


def test_the_strength_lies_between_the_measured_and_the_usual_one():
    """With equal errors in the middle; where nothing is measured, it is the usual one."""
    flat = Profile(np.float32([1.0] * 12), 1, 0.01)
    dust = RoundDust(np.zeros((4, 2), np.float32), np.ones(4, np.float32), dark=True)
    size = made_around(hill, 1, 0.01, 1, reach=10).reading.size
    # The errors are those of a tenth of the readings; the usual spread is 0.15.
    error = 0.15
    deviation = error * (0.1 * size) ** 0.5

    def read(value):
        around = made_around(lambda distance: 0 * distance + value, 1, 0, 1, reach=10)
        return around._replace(deviation=deviation)

    around = [read(1.2), read(0.9), None, read(1.05)]
    shown, errors = shown_strengths(around, flat)
    assert shown == pytest.approx([1.2, 0.9, 0, 1.05])
    assert errors == pytest.approx([error, error, np.inf, error])
    assert dust.strengths(around, flat) == pytest.approx([1.1, 0.95, 1, 1.025], abs=1e-3)


def test_the_strength_of_a_few_pixels_errs_as_one_reading():
    around = made_around(lambda distance: 0 * distance + 0.8, 1, 0, 1, reach=1)
    assert around.reading.size == 5
    shown, errors = shown_strengths(
        [around._replace(deviation=0.2)], Profile(np.float32([1.0] * 12), 1, 0.01)
    )
    assert (shown[0], errors[0]) == pytest.approx((0.8, 0.2))


@pytest.mark.parametrize(("value", "found"), [(0.55, 0.55), (0.35, 0)])
def test_a_particle_that_is_much_weaker_than_usual_is_absent(value, found):
    """By four errors, here of 0.15 without an error of the spread."""
    profile = Profile(np.float32([1.0] * 12), 1, 0.01)
    number = 9
    dust = RoundDust(np.zeros((number, 2), np.float32), np.full(number, 1, np.float32), dark=True)
    size = made_around(hill, 1, 0.01, 1, reach=10).reading.size
    deviation = 0.15 * (0.1 * size) ** 0.5

    def read(reading):
        around = made_around(lambda distance: 0 * distance + reading, 1, 0, 1, reach=10)
        return around._replace(deviation=deviation)

    strengths = dust.strengths([read(value), *[read(1.0)] * (number - 1)], profile)
    assert strengths[0] == pytest.approx((found + 1) / 2 if found else 0, abs=1e-3)
    assert strengths[1:] == pytest.approx(np.ones(number - 1))


def test_busy_surroundings_err_as_much_as_the_particles_disagree():
    profile = Profile(np.float32([1.0] * 12), 1, 0.01)
    dust = RoundDust(np.zeros((6, 2), np.float32), np.ones(6, np.float32), dark=True)

    def read(reading):
        around = made_around(lambda distance: 0 * distance + reading, 1, 0, 1, reach=10)
        return around._replace(deviation=0.3)

    def changes(off):
        found = dust.strengths([read(1 + sign * off) for sign in (-1, 1) * 3], profile)
        return np.abs(found - 1) / off

    # Readings with errors far below the spread are believed, but not where they all disagree.
    assert changes(0.1) == pytest.approx(0.89, abs=0.02)
    assert changes(0.2) == pytest.approx(0.4, abs=0.05)
    assert changes(0.6) == pytest.approx(0, abs=0.02)


def test_the_plane_through_values():
    down, right = np.mgrid[-8:9, 3:20].reshape(2, -1).astype(float)
    values = (0.4 + 0.01 * down - 0.02 * right).astype(np.float32)
    assert _fitted_plane(down, right, values, 10) == pytest.approx((0.4, 0.01, -0.02), abs=1e-6)
    on_a_line = _fitted_plane(down, 2 * down + 1, values, 10)
    assert on_a_line == pytest.approx((values.mean(), 0, 0), abs=1e-6)


def test_values_fall_by_the_least_change():
    """Neighbours that rise take their weighted mean."""
    falling = _falling(np.array([5.0, 1, 4, 3, 3.5, 0]), np.array([1.0, 1, 2, 1, 1, 1]))
    assert falling == pytest.approx([5, 3.1, 3.1, 3.1, 3.1, 0])
    kept = np.array([3.0, 2, 2, -1])
    assert np.array_equal(_falling(kept, np.ones(4)), kept)
    risen = _falling(np.array([0.0, 1, 5]), np.array([1.0, 1, 1]))
    assert risen == pytest.approx([2, 2, 2])
    assert _falling(np.array([0.0, 9, 1]), np.array([1.0, 0, 1])) == pytest.approx([0.5] * 3)


def test_half_of_the_weight_is_below_the_weighted_median():
    values, weights = np.array([4.0, np.nan, 1, 2, 8]), np.array([1.0, 50, 1.5, 1.5, 1.9])
    assert weighted_median(values, weights) == 2
    assert weighted_median(values, np.array([4, 50, 1.5, 1.5, 1.9])) == 4
    assert weighted_median(np.array([np.nan, np.inf]), np.ones(2)) == 0
