"""Which sides of a run show the margin of the film: areas and edges, in blocks."""

import numpy as np
import pytest

from dustbust.estimation.film_borders import (
    _at_edge,
    _ends_near,
    _has_both_levels,
    _ring,
    _straight_sides,
)

SHAPE = (40, 60)
DARK, LIGHT = 1, 2


def frame(depth=6, ragged=0.0, seed=1):
    """A frame whose upper blocks have the levels of a margin; its edge is ragged in a share."""
    rng = np.random.default_rng(seed)
    levels = np.zeros(SHAPE, np.uint8)
    ends = np.where(rng.random(SHAPE[1]) < ragged, depth + 14, depth)
    levels[np.arange(SHAPE[0])[:, None] < ends] = DARK
    return levels


def zone(depth=6, ragged=0.0, deeper=8):
    """The upper blocks, with this share of the columns deeper."""
    result = np.zeros(SHAPE, bool)
    result[:depth] = True
    result[: depth + deeper, : round(ragged * SHAPE[1])] = True
    return result


@pytest.mark.parametrize("turns", range(4))
def test_a_side_with_a_straight_edge_is_the_margin(turns):
    upper = zone()
    sides = _straight_sides(
        np.ascontiguousarray(np.rot90(upper, turns)), [np.rot90(frame(), turns)] * 4
    )
    assert len(sides) == 1
    assert np.array_equal(sides[0], np.rot90(upper, turns))


@pytest.mark.parametrize(("ragged", "found"), [(0.08, True), (0.15, False)])
def test_nine_tenths_of_the_edge_are_straight(ragged, found):
    assert bool(_straight_sides(zone(ragged=ragged), [frame()] * 4)) == found


@pytest.mark.parametrize(("deeper", "found"), [(3, True), (4, False)])
def test_an_edge_may_be_three_blocks_off(deeper, found):
    assert bool(_straight_sides(zone(ragged=0.3, deeper=deeper), [frame()] * 4)) == found
    # What lies deeper is not the margin.
    sides = _straight_sides(zone(ragged=0.05, deeper=9), [frame()] * 4)
    assert np.array_equal(sides[0], zone(ragged=0.05, deeper=4))


@pytest.mark.parametrize(
    ("ragged", "frames", "found"), [(0.3, 4, True), (0.8, 1, True), (0.8, 2, False)]
)
def test_most_frames_end_at_the_edge(ragged, frames, found):
    """Three of four, in half of their columns."""
    shown = [frame(ragged=ragged)] * frames + [frame()] * (4 - frames)
    assert bool(_straight_sides(zone(), shown)) == found


def test_a_picture_is_at_least_half_as_wide_as_the_grid():
    for width, found in ((33, True), (27, False)):
        both = zone()
        both[:, width:] = True  # columns of the margin at the right
        sides = _straight_sides(both, [frame()] * 4)
        assert any(np.array_equal(side[:, :width], zone()[:, :width]) for side in sides) == found


def test_no_side_without_depth():
    assert _straight_sides(np.zeros(SHAPE, bool), [frame(0)] * 4) == []
    half = zone()
    half[:, :30] = False
    assert _straight_sides(half, [frame()] * 4) == []


def test_where_the_picture_of_a_frame_begins():
    levels = frame(20)
    assert _ends_near(levels, 20) == 1
    assert _ends_near(levels, 15) == 1  # up to ten blocks deeper
    assert _ends_near(levels, 9) == 0
    assert _ends_near(levels, 30) == 0  # it has ended before
    levels[18:21, :15] = 0  # dust on a quarter of the edge, or print
    assert _ends_near(levels, 20) == pytest.approx(1, abs=0.01)
    levels[12:21, :15] = 0  # there is no margin above the edge
    assert _ends_near(levels, 20) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("light", "frames", "both"), [(4, 4, True), (2, 4, False), (4, 3, True), (4, 2, False)]
)
def test_a_margin_with_holes_has_two_levels_in_most_frames(light, frames, both):
    """Three in a hundred blocks are enough."""
    side = np.zeros(SHAPE, bool)
    side[:2, :50] = True
    plain = np.full(SHAPE, DARK, np.uint8)
    holes = plain.copy()
    holes[0, :light] = LIGHT
    assert _has_both_levels([holes] * frames + [plain] * (4 - frames), side) == both


def test_the_ring_is_the_outermost_blocks():
    blocks = np.zeros((5, 7), np.uint8)
    blocks[[0, -1]] = 1
    blocks[:, [0, -1]] = 2
    ring = _ring(blocks)
    assert ring.size == 2 * (5 + 7)
    assert (ring > 0).all()
    assert not _ring(np.pad(np.ones((3, 5), np.uint8), 1)).any()


@pytest.mark.parametrize("turns", range(4))
def test_areas_that_touch_the_edge(turns):
    mask = np.zeros((20, 30), bool)
    mask[:4, 5:15] = True  # 40 px at the upper edge
    kept = mask.copy()
    mask[:3, 20:29] = True  # 27 px
    mask[8:18, 3:28] = True  # inside
    turned = np.ascontiguousarray(np.rot90(mask, turns))
    assert np.array_equal(_at_edge(turned, 40), np.rot90(kept, turns))
