"""Scans are made alike: quarter turns, other resolutions, negatives."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from dustbust.registration.likeness import (
    ANGLES,
    HIGHEST,
    LOWEST,
    RADII,
    Likeness,
    _log_polar,
    first_guesses,
    is_negative,
    more_guesses,
    stated_ratio,
)
from dustbust.registration.transform import Transform


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_scan_leads_back_to_the_scan(quarters):
    scan = np.arange(35).reshape(5, 7)
    changed = np.rot90(scan, quarters)
    y, x = np.mgrid[: changed.shape[0], : changed.shape[1]]
    for turns in (quarters, quarters + 4):
        back = Transform(Likeness(turns).back(scan.shape)).map_points(x, y).astype(int)
        assert np.array_equal(scan[back[1], back[0]], changed)


@pytest.mark.parametrize("ratio", [0.5, 1.6])
def test_corners_stay_corners_in_another_resolution(ratio):
    """The corner of the first pixel lies half a pixel before its centre."""
    back = Transform(Likeness(ratio=ratio).scale)
    assert back.map_points(-0.5, -0.5) == pytest.approx([-0.5, -0.5])
    assert back.map_points(9.5, 19.5) == pytest.approx([10 * ratio - 0.5, 20 * ratio - 0.5])


def test_a_distortion_is_changed_with_its_scan():
    likeness, shape = Likeness(1, 1.25), (50, 40)
    knots = np.random.default_rng(1).normal(0, 3, (4, 3, 2)).astype(np.float32)
    bent = Transform(np.array([[1, 0.1, 2], [-0.1, 1, 5], [0, 0, 1]]), knots, (9.0, 7.0))
    x, y = np.mgrid[:20:3, :20:3].astype(float)
    there = bent.map_points(x, y)
    expected = Transform(likeness.back(shape)).map_points(*there)
    assert likeness.undone(bent, shape).map_points(x, y) == pytest.approx(expected, abs=1e-4)
    straight = Transform(bent.matrix)
    expected = Transform(likeness.back(shape)).map_points(*straight.map_points(x, y))
    assert likeness.undone(straight, shape).map_points(x, y) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("reference", "other", "stated", "best"),
    [
        ((400, 600), (400, 600), None, (0, 1)),
        ((400, 600), (600, 400), None, (1, 1)),
        ((400, 400), (400, 400), None, (0, 1)),
        ((400, 600), (600, 900), None, (0, 1.5)),
        ((400, 600), (200, 300), None, (0, 0.5)),
        ((400, 600), (900, 600), None, (1, 1.5)),
        ((400, 600), (904, 600), None, (1, 1.5033)),  # 0.7 % apart
        ((400, 600), (916, 600), None, (0, 1)),  # 1.8 % apart: these are no sizes of one page
        ((400, 600), (604, 900), None, (0, 1.505)),
        ((400, 600), (611, 900), None, (0, 1)),
        ((400, 600), (390, 585), None, (0, 0.975)),  # 2.5 % smaller
        ((400, 600), (394, 591), None, (0, 1)),  # 1.5 %: the search finds it itself
        ((400, 600), (820, 1230), None, (0, 2.05)),
        ((400, 600), (880, 1320), None, (0, 1)),  # nobody scans one page so differently
        ((400, 600), (196, 294), None, (0, 0.49)),
        ((400, 600), (180, 270), None, (0, 1)),
        ((400, 400), (600, 600), None, (0, 1.5)),
        ((400, 600), (500, 610), 1.25, (0, 1.25)),
        ((400, 600), (610, 500), 1.25, (1, 1.25)),
        ((600, 400), (500, 610), 1.25, (1, 1.25)),
        # A square one is neither wide nor tall.
        ((400, 400), (500, 610), 1.25, (0, 1.25)),
        ((400, 400), (610, 500), 1.25, (0, 1.25)),
        ((400, 600), (500, 500), 1.25, (0, 1.25)),
        ((600, 400), (500, 500), 1.25, (0, 1.25)),
        ((400, 600), (500, 610), 1.01, (0, 1)),
        ((400, 600), (500, 610), 3.0, (0, 1)),
    ],
)
def test_sizes_and_stated_resolutions_make_the_first_guess(reference, other, stated, best):
    guesses = first_guesses(reference, other, stated)
    assert (guesses[0].quarters, guesses[0].ratio) == pytest.approx(best, rel=1e-3)
    assert guesses[-1] == Likeness()
    assert len(guesses) == (1 if best == (0, 1) else 2)


def test_resolutions_that_differ_down_and_across_are_not_believed():
    assert stated_ratio((300, 300), (452, 450)) == pytest.approx(1.503, abs=1e-3)
    assert stated_ratio((300, 300), (456, 450)) is None
    assert stated_ratio(None, (300, 300)) is None
    assert stated_ratio((300, 300), None) is None


def skewed(share, threshold=0.0, shape=(150, 120)):
    """Details of two values, the larger one in this share of the pixels."""
    drawn = np.random.default_rng(5).random(shape)
    return np.where(drawn < share, 1.0, threshold).astype(np.float32)


def skewness(share):
    """Of a value that is 1 in this share and 0 in the rest."""
    return (1 - 2 * share) / (share * (1 - share)) ** 0.5


def level(details):
    return SimpleNamespace(details=details)


def test_a_negative_has_its_details_skewed_the_other_way():
    """By 0.3 and more in both: the shares give 0.2, 0.4 and more."""
    mild, clear, strong = 0.45, 0.40, 0.1
    assert skewness(mild) < 0.25 < 0.35 < skewness(clear) < 0.5 < 2 < skewness(strong)
    one = skewed(strong)
    assert is_negative(level(one), level(-skewed(clear)))
    assert is_negative(level(-skewed(clear)), level(one))
    assert not is_negative(level(one), level(-skewed(mild)))
    assert not is_negative(level(one), level(skewed(clear)))
    assert not is_negative(level(skewed(clear)), level(skewed(clear)))
    assert is_negative(level(one[:1]), level(-one[-1:]))  # each row counts
    # What is not known does not count, wherever it is.
    hidden = -skewed(clear)
    hidden[:70] = np.nan
    assert is_negative(level(one), level(hidden))
    for nothing in (np.nan, 0.25):
        assert not is_negative(level(-one), level(np.full_like(one, nothing)))
    assert not is_negative(level(one), level(np.full_like(one, 0.25)))


def test_skewness_does_not_depend_on_mean_and_scale():
    """As shares of 2 % and 50 % have means that are far from 0."""
    few = skewed(0.02)
    assert is_negative(level(few * 3 + 5), level(-0.01 * few - 2))
    assert not is_negative(level(few * 3 - 5), level(few + 2))
    even = skewed(0.5)
    assert not is_negative(level(even + 2), level(-few))
    assert not is_negative(level(even - 2), level(few))


def test_spectra_are_read_along_rays_from_the_middle():
    """Of the windowed details, padded to a power of two; each radius without its mean."""
    details = np.random.default_rng(4).normal(size=(50, 90)).astype(np.float32)
    details[10, 20] = np.nan
    known = np.nan_to_num(details) * np.outer(np.hanning(50), np.hanning(90))
    spectrum = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(known, (128, 128)))))
    angle = np.radians(np.linspace(0, 180, ANGLES, endpoint=False))[:, None]
    radius = 128 * np.geomspace(LOWEST, HIGHEST, RADII + 1)[:-1]
    at = 64 + radius * np.sin(angle), 64 + radius * np.cos(angle)
    expected = ndimage.map_coordinates(spectrum, at, order=1, mode="grid-wrap")
    assert _log_polar(level(details)) == pytest.approx(expected - expected.mean(axis=0), abs=1e-9)


def blots(ratio=1.0, quarters=0, shape=(260, 300), move=(0, 0), stretched=1.0):
    """Details of a page of round blots, in a resolution, and turned."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    middle = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    picture = np.zeros(shape)
    for _ in range(110):
        u, v = rng.uniform(-130, 130, 2) * 1.6
        radius, strength = rng.uniform(1.5, 5), rng.uniform(-1, 1)
        for _ in range(quarters):
            u, v = v, -u
        distance = np.hypot(
            x - middle[0] - ratio * u - move[0], y - middle[1] - ratio * stretched * v - move[1]
        )
        picture += strength * np.exp(-0.5 * (distance / (ratio * radius)) ** 2)
    return level(picture.astype(np.float32))


@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize("ratio", [0.55, 0.8, 1.35, 1.9])
def test_spectra_tell_the_resolution_and_the_turn(ratio, quarters):
    """Without a word from the sizes, and wherever the page lies."""
    other = blots(ratio, quarters, move=(6, -9))
    guesses = list(more_guesses(blots(), other))
    assert len(guesses) <= 4
    here = [guess for guess in guesses if guess.quarters == quarters]
    assert here[0].ratio == pytest.approx(ratio, rel=0.025)
    assert len({round(guess.ratio, 6) for guess in here}) == len(here)  # not one peak twice


def test_spectra_of_one_resolution_leave_the_plain_guess_out():
    """It was tried before; turned by a quarter, it is one."""
    guesses = list(more_guesses(blots(), blots()))
    assert all(abs(guess.ratio - 1) > 0.02 for guess in guesses if guess.quarters == 0)
    turned = list(more_guesses(blots(), blots(quarters=1)))
    assert turned[[guess.quarters for guess in turned].index(1)] == Likeness(1, 1.0)


def test_no_resolution_further_apart_than_two_is_guessed():
    for guess in more_guesses(blots(0.5), blots(1.5)):
        assert 1 / 2.11 <= guess.ratio <= 2.11
