"""Round dust is found everywhere once some of it, and so the profile of each frame, is known."""

import numpy as np
import pytest

from dustbust.dust.profiles import RING, RoundDust
from dustbust.estimation.shadow_search import FAINTEST, ShadowSearch
from dustbust.image.block_grid import block_side
from dustbust.image.fixed_point import in_fixed_point
from helpers import film_scans

SHAPE = (240, 320)
CENTRES = np.float32([(y, x) for y in range(25, 220, 38) for x in range(30, 300, 43)])
STRENGTH = np.linspace(0.6, 1, len(CENTRES)).astype(np.float32)
APERTURES = [(5, 0.5), (6, 0.4), (7, 0.3), (5, 0.45), (8, 0.25), (6, 0.35), (7, 0.35), (5, 0.5)]


@pytest.fixture(scope="module")
def frames():
    return [
        (
            film_scans.scene(20 + k, SHAPE, grain=0.008)
            * (1 - film_scans.shadows(SHAPE, CENTRES, STRENGTH, *aperture))
        ).astype(np.float32)
        for k, aperture in enumerate(APERTURES)
    ]


def search(frames, numbers):
    """A search that knows every fourth particle."""
    result = ShadowSearch(RoundDust(CENTRES[::4], STRENGTH[::4], dark=True), SHAPE)
    for number in numbers:
        result.take(number, result.look(frames[number], None))
    return result


def test_the_other_particles_are_among_the_clearest_places(frames):
    found = search(frames, range(len(frames))).found(apart=8, limit=2 * len(CENTRES))
    away = np.hypot(*(CENTRES[:, None] - found.centres[None]).transpose(2, 0, 1)).min(axis=1)
    assert np.count_nonzero(away < 3) >= 0.9 * len(CENTRES)
    assert len(found.centres) <= 2 * len(CENTRES)
    apart = np.hypot(*(found.centres[:, None] - found.centres[None]).transpose(2, 0, 1))
    assert apart[~np.eye(len(apart), dtype=bool)].min() >= 6  # whole px of a reduced map


def test_the_order_of_the_frames_and_their_division_make_no_difference(frames):
    whole = search(frames, range(len(frames)))
    parts = search(frames, (6, 2, 5))
    parts.merge(search(frames, (7, 0, 1, 4, 3)))
    assert np.array_equal(whole.answers, parts.answers)
    assert np.array_equal(whole.weights, parts.weights)


def test_frames_that_do_not_show_the_known_dust_do_not_count():
    clean = film_scans.scene(3, SHAPE, grain=0.008).astype(np.float32)
    hidden = np.zeros(SHAPE, bool)
    empty = search([clean], [])
    assert empty.look(clean, hidden) is None
    assert len(empty.found(apart=8, limit=10).centres) == 0


def with_sums(clearness, weight):
    """A search of (H, W) = 2 x the shape of the sums, in which each place is so clear."""
    shape = tuple(2 * length for length in clearness.shape)
    result = ShadowSearch(RoundDust(CENTRES[:1], STRENGTH[:1], dark=True), shape)
    assert result.factor == 2
    result.weights += in_fixed_point(np.full(clearness.shape, weight))
    result.answers += in_fixed_point(clearness * np.sqrt(weight))
    return result


def test_the_clearest_places_count_in_the_order_of_their_rows():
    clearness = np.zeros((40, 60))
    clearness[30, 7], clearness[5, 50], clearness[20, 20] = 9, 6, 8
    found = with_sums(clearness, 16.0).found(apart=10, limit=2)
    # The middle of a square of 2 px, 30 squares down: 30.5 * 2 - .5.
    assert np.array_equal(found.centres, [(40.5, 40.5), (60.5, 14.5)])
    assert np.allclose(found.strength, [8 / 4, 9 / 4], rtol=1e-4)
    assert found.dark
    assert len(with_sums(clearness, 16.0).found(apart=10, limit=9).centres) == 3


def test_places_below_the_faintest_are_no_candidates():
    clearness = np.zeros((40, 60))
    clearness[10, 10], clearness[30, 30] = FAINTEST + 0.01, FAINTEST - 0.01
    found = with_sums(clearness, 4.0).found(apart=10, limit=9)
    assert np.array_equal(found.centres, [(20.5, 20.5)])
    assert not len(with_sums(np.full((40, 60), -9.0), 4.0).found(apart=10, limit=9).centres)


@pytest.mark.parametrize(("columns", "count"), [(5, 1), (6, 2)])
def test_places_lie_apart(columns, count):
    clearness = np.zeros((40, 60))
    clearness[10, 10], clearness[10, 10 + columns] = 9, 8
    assert len(with_sums(clearness, 4.0).found(apart=10, limit=9).centres) == count


def test_a_particle_answers_with_its_strength_and_a_slope_not_at_all(frames):
    known = RoundDust(CENTRES, STRENGTH, dark=True)
    profile, _ = known.measure(frames[0], None)
    result = ShadowSearch(known, SHAPE)
    side = block_side(SHAPE) / result.factor
    y, x = np.mgrid[: SHAPE[0] // result.factor, : SHAPE[1] // result.factor]
    distance = np.hypot(y - 20, x - 31) * result.factor
    slope = 0.3 + 0.004 * x - 0.002 * y
    density = (slope + 0.6 * profile.at(distance)).astype(np.float32)
    has_data = np.ones(density.shape, bool)
    answer, seen = result._filtered(profile, density, has_data, side)
    assert answer.shape == density.shape
    assert answer[20, 31] == pytest.approx(0.6, rel=1e-3)
    assert np.unravel_index(answer.argmax(), answer.shape) == (20, 31)
    level, _ = result._filtered(profile, slope.astype(np.float32), has_data, side)
    inner = level[15:-15, 15:-15]
    assert np.abs(inner).max() < 1e-5
    assert np.allclose(seen, 1, atol=1e-5)


def test_the_share_with_data_is_that_of_the_disc(frames):
    known = RoundDust(CENTRES, STRENGTH, dark=True)
    profile, _ = known.measure(frames[0], None)
    result = ShadowSearch(known, SHAPE)
    has_data = np.random.default_rng(4).random((60, 80)) < 0.8
    _, seen = result._filtered(profile, np.zeros((60, 80), np.float32), has_data, 2.0)
    radius = profile.radius / result.factor
    y, x = np.mgrid[:60, :80]
    for row, column in ((30, 40), (17, 22), (41, 60)):
        disc = np.hypot(y - row, x - column) <= radius
        assert seen[row, column] == pytest.approx(has_data[disc].mean(), abs=1e-5)


def test_no_place_of_a_frame_counts_for_more_than_four_errors(frames):
    known = RoundDust(CENTRES[::4], STRENGTH[::4], dark=True)
    answers = ShadowSearch(known, SHAPE).look(frames[0], None)
    errors = answers.weighted[answers.weight > 0] / np.sqrt(answers.weight[answers.weight > 0])
    assert np.abs(errors).max() == pytest.approx(4, rel=1e-4)
    assert (np.abs(errors) < 0.99 * 4).mean() > 0.9
    # Half of the answers of noise lie within .67 errors of 0.
    assert 0.3 < np.median(np.abs(errors)) < 0.9


def test_places_without_data_do_not_answer(frames):
    has_data = np.ones(SHAPE, bool)
    has_data[:, 200:] = False
    known = RoundDust(CENTRES[::4], STRENGTH[::4], dark=True)
    result = ShadowSearch(known, SHAPE)
    answers = result.look(frames[1], has_data)
    at = 200 // result.factor
    assert not answers.weight[:, at + 2 :].any()
    assert not answers.weighted[:, at + 2 :].any()
    assert (answers.weight[:, : at - 4] > 0).all()
    # Black film borders have none either.
    dark = frames[1].copy()
    dark[:, 200:] = 0
    assert not result.look(dark, None).weight[:, at + 2 :].any()


def test_light_dust_in_a_negative_is_dark_dust_in_the_positive(frames):
    dark = ShadowSearch(RoundDust(CENTRES[::4], STRENGTH[::4], dark=True), SHAPE)
    light = ShadowSearch(RoundDust(CENTRES[::4], STRENGTH[::4], dark=False), SHAPE)
    positive, negative = dark.look(frames[2], None), light.look(1 - frames[2], None)
    assert np.allclose(positive.weighted, negative.weighted, rtol=0.02, atol=0.5)
    assert np.allclose(positive.weight, negative.weight, rtol=0.02)


def test_the_error_is_the_usual_size_within_six_blocks(frames, monkeypatch):
    known = RoundDust(CENTRES[::4], STRENGTH[::4], dark=True)
    result, block = ShadowSearch(known, SHAPE), block_side(SHAPE)
    profile = known.measure(frames[3], None)
    monkeypatch.setattr(RoundDust, "measure", lambda *_: profile)  # also where it is rough
    rough = frames[3].copy()
    rough[:, :100] += np.random.default_rng(5).normal(0, 0.02, (SHAPE[0], 100)).astype(np.float32)
    quiet, partly = (result.look(frame, None).weight for frame in (frames[3], rough))
    changed = np.abs(partly / quiet - 1).max(axis=0) > 1e-4
    last = np.flatnonzero(changed).max() * result.factor - 100
    reach = profile[0].radius + RING * block
    assert 6 * block + reach / 2 < last < 6 * block + reach + result.factor


def test_what_has_no_data_is_taken_for_what_is_around_it(frames):
    result = ShadowSearch(RoundDust(CENTRES[::4], STRENGTH[::4], dark=True), SHAPE)
    has_data = np.ones(SHAPE, bool)
    has_data[100:104, 150:156] = False  # so little that the places around it answer
    answers = [
        result.look(np.where(has_data, frames[4], np.float32(value)), has_data)
        for value in (0.0, 0.5, 1.0)
    ]
    assert np.array_equal(answers[0].weighted, answers[1].weighted)
    assert np.array_equal(answers[0].weighted, answers[2].weighted)
    near = np.s_[44:58, 68:84]
    assert answers[0].weight[near].all()
    whole = result.look(frames[4], None)
    assert (
        np.abs(answers[0].weighted - whole.weighted)[near].mean()
        < 0.5 * np.abs(whole.weighted)[near].mean()
    )
