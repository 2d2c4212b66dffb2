"""Places of frames by the dust that they share: spectra, peaks, and what they tell."""

import numpy as np
import pytest

from dustbust.estimation.placement import Canvas, Match, _fast_length, _peak, _vertex


def test_lengths_are_even_and_quick_to_transform():
    smooth = sorted(2**a * 3**b * 5**c for a in range(1, 11) for b in range(7) for c in range(5))
    for length in (*range(2, 130), 487, 769):
        assert _fast_length(length) == next(n for n in smooth if n >= length)


def test_the_top_of_a_parabola():
    x = np.arange(-1, 2)
    for top in (-0.5, -0.2, 0, 0.45):
        assert _vertex(3 - 0.7 * (x - top) ** 2) == pytest.approx(top)
    assert _vertex(3 - 0.7 * (x - 0.8) ** 2) == 0.5  # it is at most between two pixels
    assert _vertex(3 + 0.7 * (x - 0.2) ** 2) == 0  # a valley
    assert _vertex(np.ones(3)) == 0
    assert _vertex(np.ones(2)) == 0


def surface(*peaks, level=5.0, limit=20):
    """Noise of deviation 1 about a level, with peaks (y, x, height above the level)."""
    rng = np.random.default_rng(1)
    plane = np.clip(rng.normal(0, 1, (2 * limit + 1,) * 2), -3, 3) + level
    for y, x, height in peaks:
        plane[y + limit, x + limit] = level + height
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            plane[y + limit + dy, x + limit + dx] = level + height / 2
    return plane.astype(np.float32)


def test_a_peak_counts_in_deviations_and_over_the_second_one():
    match = _peak(surface((3, -7, 30), (-12, 9, 10)), 2)
    assert match.at == pytest.approx((3, -7), abs=0.01)
    assert match.z == pytest.approx(30, rel=0.06)
    assert match.ratio == pytest.approx(3, rel=0.06)
    assert (match.turns, match.height) == (2, pytest.approx(30, abs=0.2))
    # What lies beside the peak is a part of it.
    near = _peak(surface((3, -7, 30), (3, -5, 20)), 0)
    assert near.ratio > 5


@pytest.mark.parametrize(("dy", "dx"), [(0.3, 0.0), (0.0, -0.3)])
def test_a_peak_is_found_between_pixels(dy, dx):
    y, x = np.mgrid[-20:21, -20:21]
    hill = 30 - 2 * ((y - 4 - dy) ** 2 + (x + 6 - dx) ** 2)
    plane = np.maximum(hill, surface()).astype(np.float32)
    assert _peak(plane, 0).at == pytest.approx((4 + dy, -6 + dx), abs=0.01)


def test_a_level_surface_has_no_peak():
    assert _peak(np.ones((9, 9), np.float32), 3) == Match(turns=3)


def scene(shape, seed=1):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.02, rng.uniform(0.5, 1, shape), 0).astype(np.float32)


@pytest.mark.parametrize("at", [(5, -3), (-8, 0), (0, 9)])
def test_two_frames_match_where_their_dust_does(at):
    glass = scene((100, 120))
    canvas = Canvas((80, 100), 12)
    first = glass[10:80, 12:102]
    second = glass[10 + at[0] : 80 + at[0], 12 + at[1] : 102 + at[1]]
    still, moving = canvas.spectrum(first), canvas.spectrum(second)
    match = canvas.match(still, moving, 1)
    assert match.at == pytest.approx(at, abs=0.1)
    assert match.z > 30
    assert match.ratio > 3
    assert match.turns == 1
    # Moved by this, it lies on the first one.
    again = canvas.match(still, canvas.moved(moving, match.at))
    assert again.at == pytest.approx((0, 0), abs=0.1)
    unrelated = canvas.match(still, canvas.spectrum(scene((70, 90), 2)))
    assert unrelated.z < 0.3 * match.z
    assert canvas.match(still, 0 * moving) == Match()


def test_a_weight_multiplies_a_spectrum():
    canvas = Canvas((40, 50), 6)
    spectrum = canvas.spectrum(scene((40, 50)))
    moved = canvas.moved(spectrum, (2.5, -1.5), 3)
    assert np.abs(moved) == pytest.approx(3 * np.abs(spectrum), rel=1e-4, abs=1e-3)
