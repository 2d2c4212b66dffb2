"""Where a search for shadows finds particles: sums of answers that are made up, and one frame."""

import numpy as np
import pytest

from dustbust.dust.profiles import Profile, RoundDust
from dustbust.estimation.shadow_search import Answers, ShadowSearch
from dustbust.image.fixed_point import FIXED_POINT_STEP

SHAPE = (240, 320)  # blocks of 4 px; the search is reduced by 2


def empty(dark=True, fade=0.8, shape=SHAPE):
    dust = RoundDust(np.float32([[50, 60]]), np.ones(1, np.float32), dark, fade)
    return ShadowSearch(dust, shape)


def with_answers(*places, error=0.1):
    """A search that was answered at these (row, column, strength), with one error everywhere."""
    search = empty()
    search.weights[:] = round(1 / error**2 / FIXED_POINT_STEP)
    for row, column, strength in places:
        search.answers[row, column] = round(strength / error**2 / FIXED_POINT_STEP)
    return search


def test_the_search_is_reduced_to_half_blocks():
    for shape, factor, size in (
        (SHAPE, 2, (120, 160)),
        ((241, 319), 2, (121, 160)),
        ((4000, 6000), 8, (500, 750)),
    ):
        search = empty(shape=shape)
        assert search.factor == factor
        assert search.answers.shape == search.weights.shape == size


def test_places_of_three_and_a_half_errors_are_candidates():
    search = with_answers((20, 30, 0.36), (60, 90, 0.34), (90, 40, 0.9))
    found = search.found(apart=6, limit=9)
    # In the middle of the pixels of the frame, in reading order.
    assert found.centres.tolist() == [[40.5, 60.5], [180.5, 80.5]]
    assert found.strength == pytest.approx([0.36, 0.9], rel=1e-3)
    assert (found.dark, found.fade) == (True, 0.8)


def test_the_clearest_ones_come_first_and_lie_apart():
    search = with_answers((20, 30, 0.5), (20, 33, 0.6), (20, 37, 0.4), (50, 50, 0.45))
    found = search.found(apart=6.2, limit=9)  # 3.1 px of the search
    assert found.centres.tolist() == [[40.5, 66.5], [40.5, 74.5], [100.5, 100.5]]
    assert search.found(apart=5.8, limit=9).centres.shape == (4, 2)
    two = search.found(apart=6.2, limit=2)
    assert two.centres.tolist() == [[40.5, 66.5], [100.5, 100.5]]
    assert empty().found(apart=6, limit=3).centres.shape == (0, 2)


def test_a_place_counts_by_its_error():
    search = with_answers((20, 30, 0.36))
    search.weights[20, 30] //= 2
    assert len(search.found(apart=6, limit=9).centres) == 1  # 0.36 of 0.1 is now 0.72 of 0.14
    search.answers[20, 30] //= 2
    assert len(search.found(apart=6, limit=9).centres) == 0


def test_answers_are_summed_where_a_frame_shows_the_dust():
    search, other = empty(), empty()
    plane = np.full((120, 160), 0.25, np.float32)
    search.take(0, Answers(plane, 2 * plane))
    search.take(1, None)
    other.take(2, Answers(plane, plane))
    search.merge(other)
    assert search.answers * FIXED_POINT_STEP == pytest.approx(0.5 * np.ones(plane.shape))
    assert search.weights * FIXED_POINT_STEP == pytest.approx(0.75 * np.ones(plane.shape))
    again = search.start()
    assert (again.dust, again.shape) == (search.dust, SHAPE)
    assert not again.answers.any()


def cone(radius=8.0, middle=0.4):
    return Profile(np.float32(middle * np.linspace(1, 0, 41)), radius / 40, 0.01)


def test_the_answer_of_a_particle_is_its_strength():
    """Whatever the level and the slope of its surroundings."""
    search, profile = empty(), cone()
    y, x = np.mgrid[:120, :160].astype(float)
    density = 0.7 + 0.002 * y - 0.001 * x
    for row, column, strength in ((40, 50, 1.0), (80, 120, 0.5)):
        density += strength * profile.at(2 * np.hypot(y - row, x - column))
    known = np.ones(density.shape, bool)
    known[:, 150:] = False
    answer, seen = search._filtered(profile, np.float32(density), known, 2.0)
    assert answer[40, 50] == pytest.approx(1, rel=1e-3)
    assert answer[80, 120] == pytest.approx(0.5, rel=1e-3)
    assert np.abs(answer[30:60, 80:100]).max() < 1e-3
    assert answer[40, 54] < 0.3
    # The share of the disc of 4 px with data.
    assert seen[60, 100] == pytest.approx(1)
    assert seen[60, 150] == pytest.approx(0.5, abs=0.12)
    assert seen[60, 158] == pytest.approx(0, abs=1e-5)


def test_the_surroundings_of_a_particle_are_a_ring_of_one_and_a_half_blocks():
    search, profile = empty(), cone()
    radius = profile.radius / 2  # px of the search, of which a block has 2
    for away in range(12):
        density = np.zeros((120, 160), np.float32)
        density[60, 80 + away] = 1
        answer = search._filtered(profile, density, np.ones((120, 160), bool), 2.0)[0][60, 80]
        if away < radius:
            assert answer > 1e-4
        elif away <= radius + 3:
            assert answer < -1e-4
        else:
            assert answer == pytest.approx(0, abs=1e-6)


def test_a_frame_answers_by_its_error_and_no_place_counts_for_more_than_four():
    rng = np.random.default_rng(1)
    centres = np.float32([(y, x) for y in range(30, 220, 40) for x in range(30, 300, 45)])
    profile = cone(12.0, 0.5)
    yy, xx = np.mgrid[: SHAPE[0], : SHAPE[1]]
    density = np.zeros(SHAPE)
    for y, x in centres:
        density += profile.at(np.hypot(yy - y, xx - x))
    plane = np.float32(0.6 * np.exp(-density) + rng.normal(0, 0.004, SHAPE))
    for dark in (True, False):
        dust = RoundDust(centres, np.ones(len(centres), np.float32), dark)
        answers = ShadowSearch(dust, SHAPE).look(plane if dark else 1 - plane, None)
        error = 1 / np.sqrt(answers.weight[60, 80])
        for y, x in centres:
            row, column = int(y) // 2, int(x) // 2
            at = 1 / np.sqrt(answers.weight[row, column])
            # Clearer than four errors, and so limited to them.
            assert answers.weighted[row, column] * at == pytest.approx(4, rel=1e-3)
        assert 0.01 < error < 0.5
        # Far from the particles there is only the noise.
        assert np.abs(answers.weighted[60, 70:74] * error).max() < 3
    has_data = np.ones(SHAPE, bool)
    has_data[:, 160:] = False
    dust = RoundDust(centres, np.ones(len(centres), np.float32), True)
    half = ShadowSearch(dust, SHAPE).look(plane, has_data)
    assert not half.weight[:, 84:].any()
    assert half.weight[:, :74].all()
