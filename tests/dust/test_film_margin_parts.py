"""The margin of the film in one frame: its levels, its areas, and the edge of the picture."""

from dataclasses import replace

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.film_margin import (
    FilmMargin,
    _areas,
    _extend,
    _Levels,
    _sums_along,
    without_margin,
)


def values(dark, light, deviation=0.005, number=4000):
    """A third of a margin is light."""
    rng = np.random.default_rng(1)
    level = np.where(np.arange(number) % 3 == 0, light, dark)
    return (level + rng.normal(0, deviation, number)).astype(np.float32)


def test_a_margin_has_two_levels():
    levels = _Levels.of(values(0.1, 0.9, 0.03))
    assert (levels.dark, levels.light) == pytest.approx((0.1, 0.9), abs=0.01)
    assert levels.within == pytest.approx((0.12, 0.12), rel=0.15)  # four deviations
    # At least 4 %, and specks do not change the levels.
    quiet = values(0.1, 0.9, 0.002)
    quiet[::150] = 0.5
    levels = _Levels.of(quiet)
    assert (levels.dark, levels.light) == pytest.approx((0.1, 0.9), abs=0.005)
    assert levels.within == pytest.approx((0.04, 0.04))


@pytest.mark.parametrize(("step", "two"), [(0.16, False), (0.24, True)])
def test_levels_that_are_nearly_the_same_are_one(step, two):
    levels = _Levels.of(values(0.3, 0.3 + step, 0.001))
    assert (levels.dark != levels.light) == two
    assert levels.dark == pytest.approx(0.3, abs=0.01)


def test_of_many_values_a_sample_is_looked_at():
    levels = _Levels.of(values(0.2, 0.8, number=99_999))
    assert (levels.dark, levels.light) == pytest.approx((0.2, 0.8), abs=0.01)
    assert _Levels.of(np.zeros(0, np.float32)) == _Levels(0.0, 1.0, (0.0, 0.0))


LEVELS = _Levels(0.2, 0.6, (0.05, 0.1))
RAMP = np.linspace(0, 1, 101, dtype=np.float32)[None]


@pytest.mark.parametrize(
    ("at_edge", "like"),
    [(0.2, RAMP < 0.25), (0.39, RAMP < 0.25), (0.41, RAMP > 0.5), (0.6, RAMP > 0.5)],
)
def test_the_margin_goes_on_where_pixels_are_like_it(at_edge, like):
    found = LEVELS.like_margin(RAMP, np.full(9, at_edge, np.float32))
    assert np.count_nonzero(found != like) <= 1  # at the limit itself
    # One bright speck at the edge does not make it light.
    speck = np.float32([at_edge] * 8 + [1 - at_edge])
    assert np.array_equal(LEVELS.like_margin(RAMP, speck), found)
    one = _Levels(0.2, 0.2, (0.05, 0.05))
    assert np.count_nonzero(one.like_margin(RAMP, np.float32([0.2])) != (RAMP < 0.25)) <= 1


def test_pixels_at_the_tolerance_are_not_like_the_margin():
    levels = _Levels(0.25, 0.75, (0.125, 0.0625))
    dark, light = np.float32([[0.374, 0.375]]), np.float32([[0.688, 0.6875]])
    assert levels.like_margin(dark, np.float32([0.25])).tolist() == [[True, False]]
    assert levels.like_margin(light, np.float32([0.75])).tolist() == [[True, False]]


def test_light_dust_shows_on_the_dark_level():
    assert np.count_nonzero(LEVELS.shows_dust(RAMP, "light") != (RAMP <= 0.4)) <= 1
    assert np.count_nonzero(LEVELS.shows_dust(RAMP, "dark") != (RAMP > 0.4)) <= 1
    for level, shows in ((0.3, "light"), (0.49, "light"), (0.51, "dark"), (0.9, "dark")):
        one = _Levels(level, level, (0.05, 0.05))
        for polarity in ("light", "dark"):
            assert (one.shows_dust(RAMP, polarity) == (polarity == shows)).all()


def test_sums_along_rows():
    plane = np.random.default_rng(1).random((5, 12)).astype(np.float32)
    expected = [np.convolve(row, np.ones(4), "valid") for row in plane]
    assert _sums_along(plane, 4) == pytest.approx(np.array(expected), abs=1e-5)
    assert _sums_along(plane, 4).shape == (5, 9)


def test_areas_keep_their_corners_and_lose_their_dust():
    mask = np.zeros((60, 70), bool)
    mask[15:45, 20:60] = True
    dusty = mask.copy()
    dusty[25:28, 30:33] = dusty[14:16, 40] = False
    dusty[5:7, 5:8] = dusty[45:47, 50] = True
    assert np.array_equal(_areas(dusty, 4), mask)
    # An area that is cut off by the frame goes on beyond it.
    edge = np.zeros((40, 50), bool)
    edge[:12, :20] = True
    assert np.array_equal(_areas(edge, 4), edge)


@pytest.mark.parametrize("moved", [-6, 0, 9])
@pytest.mark.parametrize("slope", [0.0, 0.008, -0.008])
def test_the_edge_of_the_picture_is_moved_to_its_place(moved, slope):
    """The margin is dark; the picture begins elsewhere in this frame, and is tilted."""
    shape, side, depth = (120, 200), 4, 30
    rng = np.random.default_rng(1)
    zone = np.zeros(shape, bool)
    zone[:depth] = True
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    edge = depth + moved + slope * (columns - 100)
    plane = np.where(rows < edge, 0.05, rng.uniform(0.3, 0.8, shape)).astype(np.float32)
    plane[10:30:7, 20:180:31] = 0.9  # dust on the margin
    margin = zone.copy()
    _extend(plane, zone, margin, _Levels(0.05, 0.05, (0.04, 0.04)), side)
    off = np.count_nonzero(margin != (rows < edge), axis=0)
    assert off.max() <= 1
    assert off.mean() < 0.55


def test_without_an_edge_the_zone_stays():
    """A picture as dark as the margin, or one that is too near the other side."""
    zone = np.zeros((120, 200), bool)
    zone[:30] = True
    levels = _Levels(0.05, 0.05, (0.04, 0.04))
    for plane in (np.full(zone.shape, 0.05, np.float32), np.full(zone.shape, 0.5, np.float32)):
        margin = zone.copy()
        _extend(plane, zone, margin, levels, 4)
        assert np.array_equal(margin, zone)
    full = np.ones(zone.shape, bool)
    _extend(plane, full, full, levels, 4)
    assert full.all()


def test_the_edge_in_the_lower_half_is_left_alone():
    zone = np.zeros((120, 200), bool)
    zone[:90] = True
    plane = np.where(np.arange(120)[:, None] < 80, 0.05, np.full(zone.shape, 0.5))
    margin = zone.copy()
    _extend(plane.astype(np.float32), zone, margin, _Levels(0.05, 0.05, (0.04, 0.04)), 4)
    assert np.array_equal(margin, zone)


def test_only_columns_of_the_zone_are_moved():
    """The margin begins at the edge of the frame; what lies beside it is another part."""
    zone = np.zeros((120, 200), bool)
    zone[:30, 40:] = zone[1:30, :40] = True
    plane = np.where(np.arange(120)[:, None] < 36, 0.05, np.full(zone.shape, 0.5))
    margin = zone.copy()
    _extend(plane.astype(np.float32), zone, margin, _Levels(0.05, 0.05, (0.04, 0.04)), 4)
    assert np.array_equal(margin[:, :40], zone[:, :40])
    assert margin[:36, 40:].all()
    assert not margin[36:].any()


def frame_with_margin():
    """The picture is the lower part; of the dark margin a hole is light."""
    frame = np.full((160, 240), 0.05, np.float32)
    frame[70:] = np.random.default_rng(1).uniform(0.3, 0.7, (90, 240))
    frame[20:44, 90:150] = 0.95
    zone = np.zeros(frame.shape, bool)
    zone[:62] = True
    return frame, FilmMargin(zone, 4, "dark")


def test_parts_do_not_touch_each_other():
    frame, margin = frame_with_margin()
    for polarity, inside in (("dark", np.s_[22:42, 92:148]), ("light", np.s_[2:18])):
        margin = replace(margin, polarity=polarity)
        picture, level = margin.parts(frame, None)
        assert picture[72:].all()
        assert not picture[:70].any()
        assert level[inside].all()
        assert not level[69:].any()
        assert level[20:44, 90:150].any() == (polarity == "dark")
        assert not (picture & level).any()
        # Only pixels with data belong to a part.
        has_data = np.ones(frame.shape, bool)
        has_data[:, 100:110] = False
        picture, level = margin.parts(frame, has_data)
        assert not picture[:, 100:110].any()
        assert picture[72:, :100].all()


def test_a_hole_that_is_the_smaller_part_of_the_margin_keeps_its_corners():
    frame, margin = frame_with_margin()
    frame[:62], frame[10:50, 40:189] = 0.05, 0.95  # two fifths
    frame[62:70] = 0.5
    _, level = margin.parts(frame, None)
    assert level[11:49, 41:188].all()
    assert not level[[9, 50]].any()
    assert not level[:, [39, 189]].any()


@pytest.mark.parametrize(("height", "found"), [(6, False), (7, True)])
def test_print_that_is_thinner_than_a_block_and_a_half_is_not_an_area(height, found):
    """Of 4 px: the larger part of 13 rows around it is of the other level."""
    frame, margin = frame_with_margin()
    frame[:62], frame[62:70] = 0.05, 0.5
    frame[20 : 20 + height] = 0.95
    _, level = margin.parts(frame, None)
    assert level.any() == found
    assert level[21 : 19 + height].all() == found


def test_data_are_inside_both_parts():
    frame, margin = frame_with_margin()
    data = margin.data(frame, None)
    _, level = margin.parts(frame, None)
    assert np.array_equal(data[:62], level[:62])
    assert not data[62:70].any()
    first = int(np.argmax(data[62:, 120])) + 62
    assert 70 + 3 <= first <= 70 + 9  # scans fall off beside the margin for a block and a half
    assert data[first:].all()


def test_the_zone_in_blocks_and_in_a_part():
    _, margin = frame_with_margin()
    blocks = margin.blocks()
    assert blocks.shape == (40, 60)
    assert blocks[:15].all()
    assert not blocks[15:].any()  # half of a block is not enough
    part = margin.part(slice(50, 70), slice(10, 30))
    assert np.array_equal(part.zone, np.arange(50, 70)[:, None] + np.zeros((1, 20), int) < 62)
    assert (part.side, part.polarity) == (4, "dark")


def test_the_margin_survives_the_way_through_a_mask():
    _, margin = frame_with_margin()
    packed = margin.pack()
    again = FilmMargin.unpack(packed, margin.zone.shape, "dark")
    assert np.array_equal(again.zone, margin.zone)
    assert (again.side, again.polarity) == (4, "dark")
    assert FilmMargin.unpack({}, margin.zone.shape, "dark") is None
    assert without_margin({**packed, "other": packed["margin_side"]}).keys() == {"other"}


@pytest.mark.parametrize(("side", "fits"), [(0, False), (1, True), (13, True), (14, False)])
def test_the_side_of_a_stranger_must_make_sense(side, fits):
    zone = np.ones((7, 13), bool)
    packed = {**FilmMargin(zone, 4, "dark").pack(), "margin_side": np.array([side], np.uint16)}
    if fits:
        assert FilmMargin.unpack(packed, zone.shape, "dark").side == side
    else:
        with pytest.raises(DustbustError, match="is damaged"):
            FilmMargin.unpack(packed, zone.shape, "dark")
    packed["margin_zone"] = packed["margin_zone"][:-1]
    with pytest.raises(DustbustError, match="is damaged"):
        FilmMargin.unpack(packed, zone.shape, "dark")


@pytest.mark.parametrize(("number", "moves"), [(20, True), (19, False)])
def test_a_tenth_of_the_columns_must_agree_on_an_edge(number, moves):
    """Of 200; elsewhere the picture is as dark as the margin."""
    zone = np.zeros((120, 200), bool)
    zone[:30] = True
    plane = np.full(zone.shape, 0.05, np.float32)
    plane[37:, 7 : 7 + 9 * number : 9] = 0.5
    margin = zone.copy()
    _extend(plane, zone, margin, _Levels(0.05, 0.05, (0.04, 0.04)), 4)
    expected = np.zeros_like(zone)
    expected[: 37 if moves else 30] = True
    assert np.array_equal(margin, expected)


@pytest.mark.parametrize(("depth", "moves"), [(16, False), (17, True), (79, True), (80, False)])
def test_an_edge_is_looked_for_where_there_is_room(depth, moves):
    """Four blocks outside of the zone's edge and ten inside, here of 4 px."""
    zone = np.zeros((120, 200), bool)
    zone[:depth] = True
    plane = np.full(zone.shape, 0.05, np.float32)
    plane[depth + 5 :] = 0.5
    margin = zone.copy()
    _extend(plane, zone, margin, _Levels(0.05, 0.05, (0.04, 0.04)), 4)
    # In the upper half of the frame, as the edge below is looked for from there.
    end = min(depth + 5, 60) if moves and depth < 60 else depth
    assert np.array_equal(margin[:60], np.arange(60)[:, None] + np.zeros(200, int) < end)


def test_at_the_middle_of_the_levels_the_margin_is_light():
    middle = np.full(3, 0.4, np.float32)
    assert np.array_equal(LEVELS.like_margin(RAMP, middle), np.float32(0.5) < RAMP)
    one = _Levels(0.5, 0.5, (0.05, 0.05))
    assert one.shows_dust(RAMP, "dark").all()
    assert not one.shows_dust(RAMP, "light").any()


def test_how_far_parts_lie_from_the_edges_of_large_frames():
    """With blocks of 16 px: a quarter of a block, and for data a block and a half."""
    small, margin = frame_with_margin()
    frame = np.kron(small, np.ones((4, 4), np.float32))
    zone = np.kron(margin.zone, np.ones((4, 4), bool))
    large = FilmMargin(zone, 16, "dark")
    picture, level = large.parts(frame, None)
    column = picture[:, 480]
    assert int(np.argmax(column)) == pytest.approx(280 + 4, abs=1)
    rows = np.flatnonzero(level[:, 480])
    assert (rows[0], rows[-1]) == (pytest.approx(80 + 4, abs=1), pytest.approx(175 - 4, abs=1))
    data = large.data(frame, None)[248:, 480]
    assert 248 + int(np.argmax(data)) == pytest.approx(280 + 24, abs=1)
