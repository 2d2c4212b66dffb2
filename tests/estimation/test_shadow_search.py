"""Round dust is found everywhere once some of it, and so the profile of each frame, is known."""

import numpy as np
import pytest

from dustbust.dust.profiles import RING, RoundDust
from dustbust.estimation.shadow_search import ShadowSearch
from dustbust.image.block_grid import block_side
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


def test_the_error_is_the_deviation_of_the_answers_but_not_less_than_a_thousandth(
    frames, monkeypatch
):
    known = RoundDust(CENTRES[::4], STRENGTH[::4], dark=True)
    profile = known.measure(frames[3], None)
    monkeypatch.setattr(RoundDust, "measure", lambda *_: profile)
    noise = np.random.default_rng(6).normal(0.5, 0.02, SHAPE).astype(np.float32)
    answers = ShadowSearch(known, SHAPE).look(noise, None)
    deviation = np.std(answers.weighted / answers.weight)
    assert np.median(1 / np.sqrt(answers.weight)) == pytest.approx(deviation, rel=0.1)
    level = ShadowSearch(known, SHAPE).look(np.full(SHAPE, 0.5, np.float32), None)
    assert level.weight == pytest.approx(1e6)


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
