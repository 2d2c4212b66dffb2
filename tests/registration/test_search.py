"""The parts of the search for the page."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.registration.patches import Match
from dustbust.registration.search import (
    _different,
    _fast_length,
    _is_better,
    _matches,
    _repeats,
    _starts,
    _without_what_stays,
    coarsest,
    is_page,
)
from dustbust.registration.transform import Transform
from helpers.levels import SHAPE, level, shift, soft_noise


def test_lengths_that_the_fft_likes():
    smooth = sorted(2**a * 3**b * 5**c for a in range(11) for b in range(7) for c in range(5))
    for n in (*range(1, 130), 241, 487, 769):
        assert _fast_length(n) == next(length for length in smooth if length >= n)


def cut(picture, dx, dy, shape=SHAPE):
    """A part of a large picture."""
    return np.ascontiguousarray(
        picture[100 + dy : 100 + dy + shape[0], 100 + dx : 100 + dx + shape[1]]
    )


@pytest.mark.parametrize(("dx", "dy"), [(37, -21), (-60, 40), (0, 5)])
def test_the_highest_peak_is_the_shift(dx, dy):
    """Of a page that moved by (dx, dy), though dust stays; the other peaks are elsewhere."""
    large = soft_noise(1, (300, 340))
    dust = np.zeros(SHAPE, np.float32)
    dust[10:90:20, 10:120:20] = dust[11:91:20, 10:120:20] = -0.8
    a, b = level(cut(large, 0, 0) + dust), level(cut(large, -dx, -dy) + dust)
    found = _starts(a, b, 0, 4)
    assert len(found) == 4
    heights = [height for height, _ in found]
    assert heights == sorted(heights, reverse=True)
    places = np.array([matrix[:2, 2] for _, matrix in found])
    assert np.abs(places[0] - (dx, dy)).max() <= 1
    apart = np.abs(places[:, None] - places[None]).max(axis=2)[np.triu_indices(4, 1)]
    assert apart.min() > 2


@pytest.mark.parametrize(("right", "down"), [(3, 0), (-3, 0), (0, 3), (0, -3)])
def test_peaks_three_px_apart_are_two(right, down):
    large = soft_noise(1, (300, 340), sigma=1.0)
    twice = cut(large, -20, 15) + np.float32(0.7) * cut(large, -20 - right, 15 - down)
    places = [matrix[:2, 2] for _, matrix in _starts(level(cut(large, 0, 0)), level(twice), 0, 2)]
    assert np.array(places) == pytest.approx(np.array([(20, -15), (20 + right, -15 + down)]))


@pytest.mark.parametrize("turn", [4.5, -3, 180])
def test_turned_scans_are_turned_back(turn):
    """Half a turn about the middle is exact in pixels; small turns are to a pixel or two."""
    large = soft_noise(3, (400, 440), sigma=4.0)
    angle = np.radians(turn)
    y, x = (
        np.mgrid[: SHAPE[0], : SHAPE[1]]
        - np.array([(SHAPE[0] - 1) / 2, (SHAPE[1] - 1) / 2])[:, None, None]
    )
    u = np.cos(angle) * x - np.sin(angle) * y + 200 + 12
    v = np.sin(angle) * x + np.cos(angle) * y + 180 - 7
    first = large[180 - 48 : 180 + 48, 200 - 64 : 200 + 64]
    second = large[np.rint(v).astype(int), np.rint(u).astype(int)]
    (_, matrix), *_ = _starts(level(first), level(second), turn, 1)
    # What the second scan shows at (x, y) the first one shows at (u, v).
    points = Transform(np.linalg.inv(matrix)).map_points(x + 63.5, y + 47.5)
    expected = np.array([u - (200 - 64), v - (180 - 48)])
    assert np.abs(points - expected).max() < 2.5


def test_what_both_show_at_the_same_place_is_taken_out():
    """Whatever the contrast of the second one is, and as far as both reach."""
    page, dust = soft_noise(4, (96, 128)), np.zeros((96, 128), np.float32)
    dust[40:56, 48:64] = 0.5
    other = soft_noise(5, (90, 140))
    second = other.copy()
    second[:90, :128] += dust[:90]
    for contrast in (1.0, 0.3):
        a, b = _without_what_stays(page + dust, np.float32(contrast) * second)
        inside = dust > 0
        assert np.abs(a[inside]).mean() < 0.45 * 0.5
        assert np.abs(b[:90, :128][inside[:90]]).mean() < 0.45 * 0.5
        # The rest of the second one has the contrast of the first.
        rest = ~inside[:90]
        assert np.std(b[:90, :128][rest]) == pytest.approx(np.std(a[:90][rest]), rel=0.2)
    unknown = page.copy()
    unknown[:5] = np.nan
    a, _ = _without_what_stays(unknown, second)
    assert not a[:5].any()


def test_opposite_details_do_not_stay():
    a, b = _without_what_stays(soft_noise(6), -soft_noise(6))
    assert a == pytest.approx(soft_noise(6))
    assert b == pytest.approx(-soft_noise(6), rel=1e-3)
    a, b = _without_what_stays(soft_noise(6), soft_noise(6))
    assert np.abs(a).max() < 1e-6
    assert np.abs(b).max() < 1e-6


def test_a_page_that_repeats_is_known_by_its_shift():
    tile = soft_noise(7, (24, 30))
    tiled = np.tile(tile, (4, 5))
    noise = soft_noise(8, tiled.shape)
    (x, y), back = _repeats(level(tiled + 0.3 * noise))
    assert (-x, -y) == back
    assert (abs(x) % 30, y % 24) == (0, 0)
    assert abs(x) + abs(y) > 0
    assert _repeats(level(noise)) == []
    (x, y), _ = _repeats(level(np.tile(soft_noise(7, (10, 128), sigma=1.0), (9, 1))))
    assert (x, y % 10) == (0, 0)
    # Shifts of a few pixels are no repetition, but the width of what the page shows.
    assert _repeats(level(soft_noise(9, sigma=2.5))) == []


@pytest.mark.parametrize(("share", "repeats"), [(0.9, True), (1.6, False)])
def test_a_repetition_correlates_by_four_tenths(share, repeats):
    """Without the margins, 1 / (1 + share ** 2) of the page, less what hangs over the edge."""
    tiled = np.tile(soft_noise(7, (24, 30)), (8, 8))
    found = _repeats(level(tiled + np.float32(share) * soft_noise(8, tiled.shape)))
    assert bool(found) == repeats


def match(alike, detailed=None, matrix=None):
    alike = np.asarray(alike, float)
    detailed = np.ones(len(alike), bool) if detailed is None else detailed
    return Match(Transform(np.eye(3) if matrix is None else matrix), None, detailed, alike)


@pytest.mark.parametrize(
    ("agree", "detailed", "page"),
    [(8, 8, True), (7, 7, False), (8, 22, True), (8, 23, False), (35, 100, True), (34, 100, False)],
)
def test_a_page_needs_patches_that_agree(agree, detailed, page):
    alike = np.where(np.arange(detailed) < agree, 0.9, 0.1)
    assert is_page(match(alike)) == page
    assert is_page(match(alike), 0.99) == (page and agree == detailed)


@pytest.mark.parametrize(
    ("wins", "losses", "better"),
    [
        (8, 0, False),
        (9, 0, True),
        (14, 3, False),
        (18, 3, True),
        (100, 60, True),
        (100, 70, False),
    ],
)
def test_a_match_is_better_if_it_wins_by_more_than_chance(wins, losses, better):
    """By eight patches, and by three deviations; a difference of 0.05 may be noise."""
    alike = np.full(300, 0.5)
    mine = alike.copy()
    mine[:wins] += 0.06
    mine[wins : wins + losses] -= 0.06
    mine[200:250] += 0.04
    mine[250:] -= 0.04
    assert _is_better(match(mine), alike) == better
    detailed = np.arange(300) >= wins - 1
    assert not _is_better(match(mine, detailed), alike)
    assert not _is_better(match(mine), alike, detailed)


def test_matches_at_almost_one_place_are_one():
    """Two pixels at a corner make them different; the best ones come first."""
    turned = np.array([[1, 0.05, 0], [0, 1, 0], [0, 0, 1]])
    wider = np.array([[1.04, 0, 0], [0, 1, 0], [0, 0, 1]])
    several = [
        match([0.9] * 10 + [0.1] * 10),
        match([0.9] * 12 + [0.1] * 8, matrix=shift(1.9, 0).matrix),
        match([0.9] * 11 + [0.1] * 9, matrix=turned),
        match([0.9] * 9 + [0.1] * 11, matrix=wider),
        match([0.9] * 8 + [0.1] * 12, matrix=shift(0, 5).matrix),
    ]
    kept = _different(several, SHAPE)
    assert [int(each.agree.sum()) for each in kept] == [12, 11, 9, 8]
    assert [int(each.agree.sum()) for each in _different(several, SHAPE, 3.0)] == [12, 9, 8]


def scan_of(height, width):
    return SimpleNamespace(shape=(height, width))


def test_the_search_begins_with_scans_of_320_px():
    assert coarsest(scan_of(100, 200), scan_of(100, 200), 1) == 1
    assert coarsest(scan_of(960, 700), scan_of(700, 500), 1) == 3
    assert coarsest(scan_of(960, 700), scan_of(700, 1280), 1) == 4
    assert coarsest(scan_of(1920, 700), scan_of(700, 1280), 2) == 3


def test_a_page_that_moved_is_found_beside_the_dust_that_did_not():
    large = soft_noise(1, (400, 440))
    shape = (160, 200)
    dust = np.zeros(shape, np.float32)
    dust[20:70, 30:100] = 2 * soft_noise(2, shape)[20:70, 30:100]
    a, b = level(cut(large, 0, 0, shape) + dust), level(cut(large, 30, -18, shape) + dust)
    still, best, rival = _matches(a, b, (0,), 4)
    assert np.abs(best.transform.matrix[:2, 2] - (-30, 18)).max() < 0.1
    assert rival is None
    # Where only the dust is alike, nothing has moved.
    other = level(soft_noise(3, shape) + dust)
    still, best, rival = _matches(a, other, (0,), 4)
    assert best is None
    assert rival is None
    assert still.alike.reshape(10, 12)[2:4, 2:6].min() > 0.7
