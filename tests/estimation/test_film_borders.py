"""Which sides of a run show the margin of the film: areas and edges, in blocks."""

import numpy as np
import pytest

from dustbust.dust.placement import Placement
from dustbust.estimation.film_borders import (
    Borders,
    _at_edge,
    _ends_near,
    _has_both_levels,
    _ring,
    _straight_sides,
    find_margin,
    levels_of,
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


@pytest.mark.parametrize(("ragged", "found"), [(0.1, True), (0.12, False)])
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


@pytest.mark.parametrize(("ending", "found"), [(30, True), (29, False)])
def test_a_frame_ends_at_the_edge_in_half_of_its_columns(ending, found):
    levels = frame()
    levels[:20, ending:] = DARK
    assert bool(_straight_sides(zone(), [levels] * 4)) == found


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
    assert _ends_near(levels, 15) == 1
    assert _ends_near(levels, 10) == 1  # ten blocks deeper
    assert _ends_near(levels, 9) == 0
    assert _ends_near(levels, 30) == 0  # it has ended before
    assert _ends_near(frame(1), 1) == 1
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


def test_a_side_that_no_frame_shows_has_no_levels():
    side = np.zeros(SHAPE, bool)
    side[:2, :50] = True
    assert not _has_both_levels([np.zeros(SHAPE, np.uint8)] * 4, side)


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
    mask[0] = False  # one px away from the edge
    assert not _at_edge(np.ascontiguousarray(np.rot90(mask, turns)), 20).any()
    mask[0, 2:] = True  # one px wide
    assert _at_edge(np.ascontiguousarray(np.rot90(mask & ~kept, turns)), 20).any()


def backgrounds(deviation, number=8, shape=(60, 90)):
    """Backgrounds that differ from frame to frame by this much, block by block."""
    rng = np.random.default_rng(4)
    return np.float32(0.5 + deviation * rng.normal(size=(number, *shape)).clip(-2, 2))


@pytest.mark.parametrize(("still", "found"), [(0.15, True), (0.25, False)])
def test_a_border_differs_little_between_the_frames(still, found):
    """By less than a fifth of what blocks usually differ, in 48 blocks and more at the edge."""
    shape = (60, 90)
    deviation = np.full(shape, 0.1)
    deviation[:5, 20:40] = deviation[30:40, 30:50] = 0.1 * still  # a border, and a sky inside
    deviation[50:60, :4] = 0.001  # 40 blocks
    borders = Borders(shape)
    signs = np.array([1, -1, 1, -1])[:, None, None]  # the deviation of all is that
    for background in np.float32(0.5 + signs * deviation):
        borders.add(background)
    expected = np.zeros(shape, bool)
    if found:
        expected[:8, 17:43] = True  # three blocks wider
    outside = borders.outside()
    assert np.count_nonzero(outside != expected) <= (8 if found else 0)  # rounded corners
    assert borders.frames == 4


@pytest.mark.parametrize(("rows", "found"), [(11, False), (12, True)])
def test_a_border_has_48_blocks(rows, found):
    deviation = np.full((60, 90), 0.1)
    deviation[-rows:, -4:] = 0.001
    borders = Borders((60, 90))
    for sign in (1, -1):
        borders.add(np.float32(0.5 + sign * deviation))
    assert borders.outside().any() == found


def test_frames_that_do_not_differ_at_all_have_no_borders():
    borders = Borders((60, 90))
    for _ in range(3):
        borders.add(np.full((60, 90), 0.5, np.float32))
    assert not borders.outside().any()


def test_borders_of_parts_of_a_run_are_those_of_the_run():
    some = backgrounds(0.1)
    whole, one, other = Borders((60, 90)), Borders((60, 90)), Borders((60, 90))
    has_data = np.ones((240, 360), bool)
    has_data[:8] = has_data[8:10, :4] = False  # two rows of blocks, and half of a block
    for number, background in enumerate(some):
        for each in (whole, one if number < 3 else other):
            each.add(background, has_data if number < 6 else None)
    one.merge(other)
    assert np.array_equal(one.outside(), whole.outside())
    assert np.array_equal(one._seen, whole._seen)
    assert one.frames == whole.frames == 8
    assert whole._seen[1:4, 0].tolist() == [2, 2, 8]  # more than half of a block
    assert whole._seen[:2].tolist() == [[2] * 90] * 2
    # Fewer than three frames show them, and fewer than three quarters of all.
    expected = np.zeros((60, 90), bool)
    expected[:2] = expected[2, 0] = True
    assert np.array_equal(whole.unseen(), expected)
    assert np.array_equal(whole.rarely_seen(), expected)


def test_three_frames_are_enough_and_three_quarters_are_often():
    borders = Borders((2, 2))
    for number in range(4):
        seen = np.ones((8, 8), bool)
        seen[:4, :4] = number < 3
        seen[:4, 4:] = number < 2
        borders.add(np.full((2, 2), 0.5, np.float32), seen)
    assert borders.unseen().tolist() == [[False, True], [False, False]]
    assert borders.rarely_seen().tolist() == [[False, True], [False, False]]


def in_type(unit, dtype):
    return unit.astype(dtype) if dtype == "float32" else (unit * np.iinfo(dtype).max).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_blocks_are_level_near_the_darkest_and_the_lightest_values(dtype):
    """Within 0.08 and 0.12 of them, in three quarters of their pixels."""
    plane = np.full((160, 160), 0.5)
    plane[:16], plane[16:32] = 0.1, 0.9
    for row, value in enumerate((0.17, 0.19, 0.79, 0.77)):
        plane[40 + 8 * row : 48 + 8 * row] = value
    plane[80:84, :4].ravel()[:] = 0.1
    plane[80:83, 0:4] = 0.1
    plane[83, 0:4] = 0.5  # 12 of 16 px
    plane[84:88, 0:4] = 0.1
    plane[86:88, 0:4] = 0.5  # 8 of 16 px
    plane[88:90, 0:4], plane[90:92, 0:4] = 0.1, 0.9  # both
    plane[92:94, 0:4], plane[94:95, 0:4] = 0.9, 0.1
    levels = levels_of(in_type(plane, dtype), None)
    assert (levels[:4] == DARK).all()
    assert (levels[4:8] == LIGHT).all()
    assert levels[10:18:2, 5].tolist() == [DARK, 0, LIGHT, 0]
    assert levels[20:24, 0].tolist() == [DARK, 0, DARK, LIGHT]
    assert (levels[24:] == 0).all()


def test_blocks_of_8_bit_are_level_up_to_the_last_value_within_the_tolerance():
    """0.08 of white are 20.4 above the darkest value, 0.12 are 30.6 below the lightest one."""
    plane = np.full((160, 160), 128, np.uint8)
    for row, value in enumerate((0, 20, 21, 255, 225, 224)):
        plane[4 * row : 4 * row + 4] = value
    assert levels_of(plane, None)[:6, 7].tolist() == [DARK, DARK, 0, LIGHT, LIGHT, 0]


def test_darkest_and_lightest_are_of_where_there_are_data_and_not_of_specks():
    plane = np.full((160, 160), 0.5, np.float32)
    plane[:16], plane[16:32], plane[32:48] = 0.1, 0.9, 0
    plane.ravel()[::300] = 0  # a third of a per cent
    plane.ravel()[150::300] = 1
    has_data = np.ones(plane.shape, bool)
    has_data[32:48] = False
    levels = levels_of(plane, has_data)
    assert (levels[:4] == DARK).all()
    assert (levels[4:8] == LIGHT).all()
    assert not levels[8:].any()
    assert levels_of(plane, np.zeros(plane.shape, bool)).shape == (40, 40)
    more = plane.copy()
    more[48:] = 0.5
    more.ravel()[::150] = 0.0  # two thirds of a per cent
    assert not (levels_of(more, has_data)[:4] == DARK).any()


SIZE = (160, 240)  # blocks of 4 px


def film(hole, depth=10, shape=(40, 60)):
    """Levels of a frame whose upper rows of blocks are the margin, dark with a light hole."""
    levels = np.zeros(shape, np.uint8)
    levels[:depth] = DARK
    levels[2:5, hole : hole + 8] = LIGHT
    return levels


def found_margin(levels, sizes=None, places=None, shape=SIZE, polarity="light"):
    sizes = sizes or dict.fromkeys(range(len(levels)), SIZE)
    return find_margin(dict(enumerate(levels)), sizes, places or {}, shape, polarity)


def test_a_margin_with_holes_along_one_side_is_found():
    frames = [film(4 * n + 2) for n in range(8)]
    margin = found_margin(frames)
    assert (margin.side, margin.polarity) == (4, "light")
    expected = np.zeros(SIZE, bool)
    expected[:40] = True
    assert np.array_equal(margin.zone, expected)
    # Gaps of up to four blocks, such as dust and the edges of holes, are closed.
    for frame_of in frames:
        frame_of[3:7, 20:24] = 0
    assert np.array_equal(found_margin(frames).zone, expected)
    for frame_of in frames:
        frame_of[2:7, 20:25] = 0
    assert not np.array_equal(found_margin(frames).zone, expected)


def test_a_margin_needs_three_frames():
    frames = [film(4 * n + 2) for n in range(3)]
    assert found_margin(frames) is not None
    assert found_margin(frames[:2]) is None


@pytest.mark.parametrize(("with_margin", "found"), [(6, True), (5, False)])
def test_three_quarters_of_the_frames_show_the_margin(with_margin, found):
    frames = [film(4 * n + 2) for n in range(with_margin)]
    frames += [np.zeros((40, 60), np.uint8)] * (8 - with_margin)
    for each in frames[with_margin:]:
        each[-1] = DARK  # something at the edge
    assert (found_margin(frames) is not None) == found


@pytest.mark.parametrize(("depth", "found"), [(8, True), (7, False)])
def test_a_fifth_of_the_outermost_blocks_are_level(depth, found):
    """36 or 34 of 180."""
    frames = [film(n, depth, (70, 20)) for n in range(8)]
    size = 280, 80
    assert (found_margin(frames, dict.fromkeys(range(8), size), shape=size) is not None) == found


def test_a_margin_of_one_level_is_a_border():
    plain = np.zeros((40, 60), np.uint8)
    plain[:10] = DARK
    assert found_margin([plain] * 8) is None


def test_frames_are_put_at_their_places():
    """Turned ones are upright."""
    frames = [film(4 * n + 2) for n in range(8)]
    frames[3] = np.ascontiguousarray(np.rot90(frames[3]))
    sizes = dict.fromkeys(range(8), SIZE)
    sizes[3] = SIZE[::-1]
    places = {n: Placement(sizes[n], 1 if n == 3 else 0, (8.0, 0.0)) for n in range(8)}
    margin = found_margin(frames, sizes, places, (SIZE[0] + 8, SIZE[1]))
    assert margin.zone[8:48].all()
    assert not margin.zone[48:].any()


def test_corners_of_the_grid_that_no_frame_shows_do_not_end_a_side():
    """One of the frames lies 12 px lower and 32 px further right than the others."""
    frames = [film(4 * n + 2) for n in range(8)]
    places = {n: Placement(SIZE, 0, (12.0, 32.0) if n == 7 else (0.0, 0.0)) for n in range(8)}
    grid = SIZE[0] + 12, SIZE[1] + 32
    expected = np.zeros(grid, bool)
    expected[:40, :240] = expected[12:52, 240:] = True
    zone = found_margin(frames, places=places, shape=grid).zone
    away = np.abs(np.arange(grid[1]) - 240) > 8  # within two blocks gaps are closed
    assert np.array_equal(zone[:, away], expected[:, away])
