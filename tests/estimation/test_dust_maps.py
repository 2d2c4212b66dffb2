"""Maps of the dust in single frames: what stands out, by how much, and where it counts."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust.estimation import dust_maps
from dustbust.estimation.background import Surroundings
from dustbust.estimation.dust_maps import (
    DustMap,
    MapPass,
    _digest,
    _picture,
    _resized,
    _stand_out,
    factor_for,
)

SHAPE = (120, 160)  # blocks of 4 px: 30 x 40


def test_a_map_has_about_768_px():
    assert [factor_for(side) for side in (100, 768, 1151, 1153, 6000)] == [1, 1, 1, 2, 8]


def test_blocks_at_the_pixels_of_a_map_are_bilinear():
    """Each block lies at its middle; beyond the outermost middles it goes on level."""
    blocks = np.float32([[0, 1, 3], [2, 2, 2]])
    found = _resized(blocks, 2.0, (4, 6))
    # The middles of the columns are at 1, 3 and 5 of the edges of pixels, of the rows at 1 and 3.
    columns = np.interp(np.arange(6) + 0.5, [1, 3, 5], [0, 1, 2])
    rows = np.interp(np.arange(4) + 0.5, [1, 3], [0, 1])
    expected = ndimage.map_coordinates(blocks, np.meshgrid(rows, columns, indexing="ij"), order=1)
    assert found == pytest.approx(expected, abs=1e-6)
    assert (_resized(np.float32([[5]]), 4.0, (3, 9)) == 5).all()
    assert _resized(blocks, 4 / 3, (3, 4)).shape == (3, 4)


def test_borders_and_holes_and_two_blocks_around_are_no_picture():
    background = np.full((20, 30), 0.5, np.float32)
    background[10, 15], background[3, 3] = 0.97, 0.02
    background[3, 25], background[15, 3] = 0.95, 0.04  # still picture
    found = _picture(background)
    for y, x in ((10, 15), (3, 3)):
        assert not found[y, x - 2 : x + 3].any()
        assert not found[y - 2 : y + 3, x].any()
        assert found[y, [x - 3, x + 3]].all()
        assert found[[y - 3, y + 3], x].all()
    assert np.count_nonzero(found == 0) < 2 * 25
    assert _picture(np.full((4, 4), 0.5, np.float32)).all()


def level(value=0.5, deviation=0.05):
    blocks = np.full((30, 40), value, np.float32)
    return Surroundings(blocks, blocks, np.full((30, 40), deviation**2, np.float32))


def stands_out(plane, has_data=None, deviation=0.05, inside=None, factor=1):
    inside = np.ones((30, 40), np.float32) if inside is None else inside
    return _stand_out(np.float32(plane), has_data, level(deviation=deviation), inside, factor)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("deviations", "value"), [(0.9, 0), (1.5, 0.5), (3.5, 2.5), (4.0, 3.0), (8.0, 3.0)]
)
def test_differences_count_from_one_deviation_to_four(sign, deviations, value):
    """Where the picture varies by more than 0.03, they count less: here by 0.03 / 0.05."""
    plane = np.full(SHAPE, 0.5)
    plane[60, 80] += sign * 0.05 * deviations
    found = stands_out(plane)
    if value:  # the mean over 9 x 9 px hardly counts
        assert found[60, 80] == pytest.approx(
            sign * value * 0.6 * (1 / (1 + 1e-3 * 81 / value)) ** 2, rel=0.01
        )
        found[60, 80] = 0
    assert not found.any()


def test_smooth_pictures_count_fully():
    plane = np.full(SHAPE, 0.5)
    plane[60, 80] += 0.02 * 3
    calm = stands_out(plane, deviation=0.02)[60, 80]
    assert calm == pytest.approx(2 * (1 / (1 + 1e-3 * 81 / 2)) ** 2, rel=0.01)
    plane[60, 80] = 0.5 + 0.03 * 3
    assert stands_out(plane, deviation=0.03)[60, 80] == pytest.approx(calm, rel=0.01)
    plane[60, 80] = 0.5 + 0.06 * 3
    assert stands_out(plane, deviation=0.06)[60, 80] == pytest.approx(calm / 2, rel=0.01)


@pytest.mark.parametrize(("away", "alone"), [(4, False), (5, True)])
def test_edges_have_a_counterpart_beside_them_and_dust_has_none(away, alone):
    """Within four px, with the square of what is left."""
    plane = np.full(SHAPE, 0.5)
    plane[60, 80] += 0.2
    without = stands_out(plane)[60, 80]
    plane[60, 80 + away] -= 0.1
    found = stands_out(plane)[60, 80]
    if alone:
        assert found == pytest.approx(without)
    else:  # 3 less 1 of 3 and 1
        assert found == pytest.approx(without * (2 / 4) ** 2, rel=0.05)


def test_edges_of_the_picture_and_of_the_data_are_left_out():
    plane = np.full(SHAPE, 0.5)
    plane[::12, ::12] += 0.2
    plane[2, 36] += 0.2
    plane[3, 60] += 0.2
    found = stands_out(plane)
    assert not found[:3].any()
    assert not found[-3:].any()
    assert not found[:, :3].any()
    assert not found[:, -3:].any()
    assert found[3, 60] > 1
    has_data = np.ones(SHAPE, bool)
    has_data[48 + 3, 48] = False
    near = stands_out(plane, has_data)
    assert near[48, 48] == 0
    has_data[48 + 3, 48], has_data[48 + 5, 48] = True, False
    assert stands_out(plane, has_data)[48, 48] == pytest.approx(found[48, 48])


def test_beside_borders_nothing_counts():
    plane = np.full(SHAPE, 0.5)
    plane[12::12, 12::12] += 0.2
    inside = np.ones((30, 40), np.float32)
    inside[:15] = 0
    found = stands_out(plane, inside=inside)
    assert not found[:62].any()  # to the middle of the first block of the picture
    assert found[72, 72] > 1


def test_a_map_pixel_is_the_mean_of_its_pixels():
    plane = np.full(SHAPE, 0.5)
    plane[60:62, 80:82] = 0.5 + 0.05 * np.array([[1, 2], [3, 4]])
    found = stands_out(plane, factor=2)
    assert found.shape == (60, 80)
    assert found[30, 40] == pytest.approx(1.5 * 0.6 * (1 / (1 + 1e-3 * 81 / 1.5)) ** 2, rel=0.01)
    odd = stands_out(np.full((120, 160), 0.5), factor=7)
    assert odd.shape == (17, 22)  # what is left over is not in the map


@pytest.mark.parametrize("factor", [1, 2, 3])
def test_the_background_of_a_map_pixel_is_that_of_its_place(factor):
    """A slope across the picture does not stand out, whatever the size of a map pixel."""
    slope = np.float32(0.3 + 0.4 * (np.arange(160) + 0.5) / 160)
    plane = np.tile(slope, (120, 1))
    blocks = np.tile(slope.reshape(40, 4).mean(axis=1), (30, 1))
    around = Surroundings(blocks, blocks, np.full((30, 40), 0.002**2, np.float32))
    found = _stand_out(plane, None, around, np.ones((30, 40), np.float32), factor)
    assert not found.any()


def test_borders_are_left_out_at_their_place_in_a_smaller_map():
    plane = np.full(SHAPE, 0.5)
    plane[12::12, 12::12] += 0.4
    inside = np.ones((30, 40), np.float32)
    inside[:15] = 0
    found = stands_out(plane, inside=inside, factor=2)
    assert not found[:31].any()
    assert found[36, 36] > 0.5


def test_maps_are_kept_in_steps_of_a_fortysecond():
    plane = np.random.default_rng(1).normal(0.5, 0.01, SHAPE).astype(np.float32)
    plane[40:43, 50:53] += 0.3
    plane[80:83, 100:103] -= 0.3
    found = DustMap.of(plane, None, 2)
    assert (found.size, found.factor, found.shape) == (SHAPE, 2, (60, 80))
    surroundings = Surroundings.of(plane, None, radius=3)
    values = _stand_out(plane, None, surroundings, np.ones((30, 40), np.float32), 2)
    light, dark = found.values("light"), found.values("dark")
    assert light.mean() == pytest.approx(0, abs=1e-6)
    assert light - light.min() == pytest.approx(np.maximum(values, 0), abs=0.51 / 42)
    assert dark - dark.min() == pytest.approx(np.maximum(-values, 0), abs=0.51 / 42)
    assert np.unravel_index(light.argmax(), light.shape)[0] in (20, 21)
    assert np.unravel_index(dark.argmax(), dark.shape)[0] in (40, 41)
    assert found.levels.shape == (30, 40)


def scene(contrast, shape=(96, 60)):
    """Small details of a background: a chequered pattern of two blocks."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.float32(0.5 + contrast * np.where((y // 2 + x // 2) % 2, 1, -1))


def test_a_digest_is_the_scene_without_slow_changes():
    background = scene(0.05)
    y = np.arange(96)[:, None]
    found = _digest(background, np.ones((96, 60), np.float32))
    assert (found**2).sum() == pytest.approx(1, rel=1e-4)
    assert found.sum() == pytest.approx(0, abs=1e-3)
    pattern = (background - 0.5) / 0.05
    expected = pattern / np.sqrt(pattern.size)
    assert (found * expected).sum() > 0.98
    sloping = _digest(background + np.float32(0.004 * y), np.ones((96, 60), np.float32))
    assert (sloping * expected).sum() > 0.9


@pytest.mark.parametrize("period", [12, 24, 32])
def test_changes_are_slow_if_a_blur_of_four_keeps_them(period):
    """Of a wave, the blur keeps exp(-2 (pi 4 / period)^2), and the digest the rest."""
    y = np.arange(96)
    slow, fast = (np.cos(2 * np.pi * y / each) for each in (period, 6))
    background = np.tile(0.5 + 0.1 * (slow + fast)[:, None], (1, 60)).astype(np.float32)
    found = _digest(background, np.ones((96, 60), np.float32)).mean(axis=1)
    kept = (found @ slow) / (found @ fast)
    assert kept == pytest.approx(1 - np.exp(-2 * (np.pi * 4 / period) ** 2), abs=0.1)


@pytest.mark.parametrize(("contrast", "plain"), [(0.0038, True), (0.0044, False)])
def test_a_scene_of_less_contrast_than_four_thousandths_is_plain(contrast, plain):
    found = _digest(scene(contrast), np.ones((96, 60), np.float32))
    assert (found is None) == plain


@pytest.mark.parametrize(("rows", "enough"), [(9, False), (10, True)])
def test_a_digest_needs_a_tenth_of_picture(rows, enough):
    inside = np.zeros((96, 60), np.float32)
    inside[:rows] = 1
    found = _digest(scene(0.05), inside)
    assert (found is not None) == enough
    if enough:
        assert not found[rows:].any()
        assert found[:rows].sum() == pytest.approx(0, abs=1e-3)
        assert (found**2).sum() == pytest.approx(1, rel=1e-4)


def test_a_digest_has_about_96_numbers():
    for rows, factor in ((143, 1), (145, 2), (240, 2), (241, 3)):
        found = _digest(scene(0.05, (rows, 60)), np.ones((rows, 60), np.float32))
        if found is not None:
            assert found.shape == (-(-rows // factor), -(-60 // factor))
    # Half of a number must be picture.
    inside = np.ones((192, 120), np.float32)
    inside[:20, :2] = 0  # of each number there, all
    inside[20:40:2, :2] = 0  # half
    inside[40:60:2, 0] = 0  # a quarter
    background = np.repeat(np.repeat(scene(0.05), 2, 0), 2, 1)
    found = _digest(background, inside)
    assert found.shape == (96, 60)
    assert not found[:20, 0].any()
    assert found[20:30, 0].all()
    assert np.abs(found[20:30, 0]) == pytest.approx(np.abs(found[20:30, 2]), rel=0.3)


def test_a_pass_keeps_the_map_of_each_frame(monkeypatch):
    monkeypatch.setattr(dust_maps.DustMap, "of", lambda plane, has_data, factor: (plane, factor))
    one, other = MapPass(3), MapPass(3)
    one.take(4, one.look("frame", None))
    other.take(2, other.look("another", None))
    one.merge(other)
    assert one.maps == {4: ("frame", 3), 2: ("another", 3)}
    assert (one.start().factor, one.start().maps) == (3, {})
