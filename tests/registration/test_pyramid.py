"""Levels of a scan: patches, steep points, and the best patches of many."""

import numpy as np
import pytest

from dustbust.registration import pyramid
from dustbust.registration.pyramid import PATCH, Level, Scan, _largest, centres, of_patches
from helpers.levels import level, shift, soft_noise


def test_patches_have_16_px_and_lie_inside():
    made = level(soft_noise(1, (50, 35)))
    assert made.corners.tolist() == [[x, y] for y in (0, 16, 32) for x in (0, 16)]
    assert made.corners.dtype == np.int32
    assert level(soft_noise(1, (50, 20))).corners.tolist() == [[0, 0], [0, 16], [0, 32]]
    assert level(soft_noise(1, (15, 200))).corners.shape == (0, 2)
    assert level(soft_noise(1, (200, 15))).corners.shape == (0, 2)


def test_the_cells_of_a_patch_have_their_middles():
    x, y = centres(np.int32([[64, 32]]))
    side = PATCH // 2
    assert sorted(zip(x, y, strict=True)) == [
        (64 + dx + (side - 1) / 2, 32 + dy + (side - 1) / 2) for dx in (0, side) for dy in (0, side)
    ]
    assert of_patches(np.arange(8.0)).tolist() == [6, 22]
    assert of_patches(np.arange(16.0).reshape(2, 8)).tolist() == [[6, 22], [38, 54]]


def test_the_steepest_points_of_each_patch():
    details = np.zeros((32, 48), np.float32)
    details[20:, :] = 0.5  # an edge that lies in the lower patches
    details[6, 21] = details[6, 47] = 1.0  # dots
    made = level(details)
    x, y, gradient = made.steepest
    assert x.shape == y.shape == gradient.shape == (6, 8)
    # Every second row and column is examined; the edge is seen from the row 20.
    assert (y[3:] == 20).all()
    assert set(x[4]) == set(range(16, 32, 2))
    assert gradient[3:] == pytest.approx(0.5)
    beside = {(int(a), int(b)) for a, b in zip(x[1], y[1], strict=True) if details[b, a] == 0}
    assert {(20, 6), (22, 6)} <= beside
    assert gradient[1].max() == gradient[2].max() == 1
    assert (gradient[0] == 0).all()
    # At the edges of the level there is no point.
    assert x.min() >= 1
    assert y.min() >= 1


@pytest.mark.parametrize(("period", "kept"), [(16, True), (24, True), (48, False), (80, False)])
def test_details_are_smaller_than_24_px(period, kept):
    """Of larger ones less than half is left."""
    wave = 0.2 * np.cos(2 * np.pi * np.arange(300) / period)
    luminance = np.ones((200, 300, 2), np.float32)
    luminance[..., 0] = 0.5 + wave
    left = Level(luminance, 1).details[50:-50, 50:-50].std() / wave.std()
    assert (left > 0.9) if kept else (left < 0.5)


def test_unknown_details_are_not_steep():
    details = np.zeros((16, 32), np.float32)
    details[:, :18] = np.nan
    details[10, 27] = 1
    x, _, gradient = level(details).steepest
    assert not gradient[0].any()
    assert gradient[1].max() == 1
    assert set(x[1, gradient[1] > 0]) == {26, 28}


def test_contrasts_are_compared_at_the_two_thousand_steepest_points(monkeypatch):
    made = level(soft_noise(2, (96, 128)))
    whole = made.whole
    assert whole.used.all()
    assert np.array_equal(whole.corners, made.corners)
    assert len(whole.points) == 48 * 8
    used = np.arange(48) % 3 == 0
    part = made.part(used)
    assert np.array_equal(part.corners, made.corners[used])
    x, y, gradient = (plane[used].ravel() for plane in made.steepest)
    assert np.array_equal(part.points, np.stack([x, y], axis=1))
    monkeypatch.setattr(pyramid, "POINTS", 10)
    few = made.part(used).points
    assert len(few) == 10
    steep = np.sort(gradient)[-10:]
    chosen = {tuple(point) for point in few}
    kept = [g for g, a, b in zip(gradient, x, y, strict=True) if (a, b) in chosen]
    assert sorted(kept) == pytest.approx(steep)
    monkeypatch.setattr(pyramid, "POINTS", len(x))
    assert len(made.part(used).points) == len(x)


def test_of_equal_values_the_first_ones_are_chosen():
    values = np.float32([[1, 3, 3, 3, 0], [5, 4, 3, 2, 1], [2, 2, 2, 2, 2]])
    assert _largest(values, 2).tolist() == [[1, 2], [0, 1], [0, 1]]
    assert _largest(values, 4).tolist() == [[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]]


@pytest.mark.parametrize(("rows", "many"), [(30, False), (31, True)])
def test_twelve_hundred_patches_are_not_many(rows, many):
    made = Level(np.ones((16 * rows, 16 * 40, 2), np.float32), 1)
    assert made.has_many_patches == many


def best_patches(details, most, monkeypatch):
    monkeypatch.setattr(pyramid, "MANY_PATCHES", most)
    half = level(details[::2, ::2])
    made = level(details)
    made.look_only_at_best(half)
    return made.corners


def test_of_many_patches_the_best_of_each_square_are_looked_at(monkeypatch):
    """Squares of four by four patches; those that hold in both directions are better."""
    details = np.zeros((128, 128), np.float32)
    wave = np.float32(np.sin(np.arange(16)))
    corner, line = np.outer(wave, wave), np.tile(wave, (16, 1))
    good = [(1, 2), (6, 3), (0, 5), (4, 7)]  # one in each square
    for patches, content in ((good, corner), ([(2, 0), (5, 1), (3, 6), (7, 4)], line)):
        for row, column in patches:
            details[16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = content
    found = best_patches(details, 4, monkeypatch)
    assert {(y // 16, x // 16) for x, y in found.tolist()} == set(good)
    assert (found % 16 == 0).all()
    assert len(found) == 4
    more = best_patches(details, 8, monkeypatch)
    assert len(more) == 8
    assert {tuple(each) for each in found.tolist()} <= {tuple(each) for each in more.tolist()}


def test_the_best_patches_lie_inside(monkeypatch):
    details = soft_noise(1, (250, 200))
    found = best_patches(details, 20, monkeypatch)
    assert len(found) > 5
    assert (found[:, 0] + 16 <= 200).all()
    assert (found[:, 1] + 16 <= 250).all()
    # Half of 255 is rounded up, so that there it has a patch more.
    for shape in ((64, 255), (255, 64)):
        found = best_patches(soft_noise(2, shape), 1000, monkeypatch)
        inside = level(np.zeros(shape, np.float32)).corners
        assert sorted(map(tuple, found)) == sorted(map(tuple, inside))


def test_a_scan_makes_each_level_once_and_that_of_a_negative_from_the_positive():
    page = np.random.default_rng(1).random((120, 160)).astype(np.float32)
    scan = Scan(page, "scan", 1)
    made = scan.level(1, 2)
    assert scan.level(1, 2) is made
    assert made.shape == (60, 80)
    assert scan.level(2, 1).shape == (60, 80)
    assert scan.level(2, 2).shape == (30, 40)
    scan.make_levels(1, (1, 3))
    assert scan.luminances == {}
    assert (1, 3) in scan.levels
    negative = Scan(1 - page, "scan", 1, negative=True)
    assert np.nan_to_num(negative.level(1, 2).details) == pytest.approx(
        np.nan_to_num(made.details), abs=1e-4
    )


def test_of_a_level_with_many_patches_half_of_it_tells_the_best(monkeypatch):
    monkeypatch.setattr(pyramid, "MANY_PATCHES", 10)
    page = np.random.default_rng(1).random((320, 320)).astype(np.float32)
    scan = Scan(page, "scan", 1)
    assert len(scan.level(1, 2).corners) < 40  # of 100
    assert scan.levels.keys() == {(1, 2), (1, 4), (1, 8)}


def test_a_level_has_no_details_where_its_scan_has_no_data():
    page = np.random.default_rng(1).random((120, 160, 2)).astype(np.float32)
    page[..., 1] = np.arange(160) < 80
    for step in (1, 2):
        details = Scan(page, "scan", 1).level(1, step).details
        assert np.isnan(details[:, 80 // step :]).all()
        assert not np.isnan(details[:, : 80 // step - 4]).any()


def test_a_scan_has_height_and_width():
    assert Scan(np.zeros((120, 160, 3), np.uint8), "scan", 1).shape == (120, 160)


def test_details_of_another_level_are_seen_from_this_one():
    details = soft_noise(3, (300, 90))
    seen = level(np.zeros((280, 80), np.float32)).warped(shift(4, 7), level(details).details)
    assert seen.shape == (280, 80)
    assert seen == pytest.approx(details[7:287, 4:84], abs=1e-6)


def test_a_scan_without_dust_does_not_know_what_lies_under_it():
    page = np.random.default_rng(1).random((120, 160)).astype(np.float32)
    scan = Scan(page, "scan", 1)
    before = scan.level(1, 1)
    dust = np.zeros((58, 80), bool)
    dust[20:25, 30:33] = True
    clean = scan.without(dust, 1, 2)
    details = clean.level(1, 1).details
    assert np.isnan(details[42:48, 62:64]).all()
    assert not np.isnan(details[44, 100])
    assert clean.levels.keys() == {(1, 1)}
    assert scan.level(1, 1) is before
    assert not np.isnan(before.details[44, 62])
