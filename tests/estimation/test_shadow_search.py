"""Round dust is found everywhere once some of it, and so the profile of each frame, is known."""

import numpy as np
import pytest

from dustbust.dust.profiles import RoundDust
from dustbust.estimation.shadow_search import ShadowSearch
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
