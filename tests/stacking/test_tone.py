"""The tone curve between two scans, from pairs of their values."""

import numpy as np
import pytest

from dustbust.registration.register import Registration
from dustbust.stacking import tone
from dustbust.stacking.tone import (
    KNOTS,
    STEPS,
    Evening,
    _fit,
    _median,
    _Pairs,
    _pairs,
    _path,
    _steps,
    apply_curves,
    curved,
    evened,
    match_curves,
)


def pairs(x, y, weight=None, number=None):
    ones = np.ones(len(x))
    return _Pairs(
        np.asarray(x, float),
        np.asarray(y, float),
        ones if weight is None else weight,
        ones.astype(np.int64) if number is None else number,
    )


def test_values_lie_in_equal_steps():
    assert _steps(np.array([0, 0.24, 0.26, 0.5, 0.99, 1.0]), 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_the_median_of_values_that_occur_several_times():
    values, number = np.array([3.0, 1, 2, 9]), np.array([2, 4, 1, 3])
    assert _median(values, number) == np.median(np.sort(np.repeat(values, number))[:-1])
    assert _median(values, np.array([1, 1, 1, 6])) == 9
    assert _median(values, np.array([1, 1, 1, 2])) == 3


@pytest.mark.parametrize("above", [0, 3, -5])
def test_the_path_goes_where_the_pixels_are(above):
    """From the first step to the last, and where there are none it waits or rises."""
    middles = (np.arange(STEPS) + 0.5) / STEPS
    y = np.clip(np.arange(STEPS) + above, 0, STEPS - 1)
    path = _path(pairs(middles, middles[y]))
    assert np.array_equal(path, y)
    rng = np.random.default_rng(1)
    astray = rng.random((2, 300))
    x = np.concatenate([np.tile(middles, 20), astray[0]])
    mixed = _path(pairs(x, np.concatenate([np.tile(middles[y], 20), astray[1]])))
    assert np.abs(mixed - y).max() <= 1


def test_the_path_never_falls_and_rises_by_eight_steps_at_most():
    rng = np.random.default_rng(2)
    steep = np.where(np.arange(STEPS) < 30, 2, 60)
    middles = (np.arange(STEPS) + 0.5) / STEPS
    path = _path(pairs(middles, middles[steep]))
    assert (np.diff(path) >= 0).all()
    assert np.diff(path).max() == 8
    path = _path(pairs(rng.random(5000), rng.random(5000)))
    assert (np.diff(path) >= 0).all()
    assert np.diff(path).max() <= 8


CURVES = {
    "gamma": lambda x: x**1.4,
    "lighter": lambda x: x**0.7,
    "an S": lambda x: x - 0.06 * np.sin(2 * np.pi * x),
    "the same": lambda x: x,
}


@pytest.mark.parametrize("name", CURVES)
def test_the_curve_is_found_in_spite_of_noise_and_dust(name):
    rng = np.random.default_rng(3)
    x = rng.uniform(0.05, 0.95, 20_000)
    y = CURVES[name](x) + rng.normal(0, 0.01, x.size)
    y[::8] = rng.uniform(0, 1, x[::8].size)  # dust
    curve = _fit(pairs(x, y))
    knots = np.linspace(0, 1, KNOTS)
    inner = (knots > 0.1) & (knots < 0.9)
    assert np.abs(curve - CURVES[name](knots))[inner].max() < 0.006
    assert (np.diff(curve) >= 0).all()


def test_without_pixels_the_curve_goes_straight_on():
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.uniform(0.2, 0.4, 9000), rng.uniform(0.6, 0.8, 9000)])
    y = 0.1 + 0.75 * x + rng.normal(0, 0.004, x.size)
    knots = np.linspace(0, 1, KNOTS)
    assert np.abs(_fit(pairs(x, y)) - (0.1 + 0.75 * knots))[4:-4].max() < 0.01


def test_pairs_count_by_their_weight():
    x = np.tile(np.linspace(0.05, 0.95, 300), 2)
    y = np.concatenate([x[:300], x[300:] + 0.015])
    knots = np.linspace(0, 1, KNOTS)[3:-3]
    for first, second, off in ((3.0, 1.0, 0.00375), (1.0, 3.0, 0.01125), (1.0, 0.0, 0)):
        weight = np.repeat([first, second], 300)
        curve = _fit(pairs(x, y, weight))[3:-3]
        assert (curve - knots).mean() == pytest.approx(off, abs=0.004)


HERE = Registration(np.eye(3))


def scans_of(levels, channels=1, dtype="uint8", shape=(96, 128)):
    """Two scans in flat squares of 16 px, of these pairs of levels, 0..1, in turn."""
    tiles = np.arange(shape[0] * shape[1] // 256).reshape(shape[0] // 16, -1) % len(levels)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    return [
        np.repeat(
            np.kron(np.array(side, float)[tiles], np.ones((16, 16)))[..., None] * white,
            channels,
            axis=2,
        ).astype(dtype)
        for side in zip(*levels, strict=True)
    ]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pairs_are_values_of_both_scans_at_one_place(dtype):
    levels = [(0.2, 0.1), (0.4, 0.6), (1.0, 0.8)]
    first, other = scans_of(levels, dtype=dtype)
    found = _pairs(first, other, HERE, 0, 1)
    # Each sample of the page is counted; the samples of a small page overlap.
    assert found.number.sum() == 8 * first.shape[0] * first.shape[1]
    # In the middles of the squares nothing changes from pixel to pixel, but at their edges.
    for x, y in ((0.1, 0.2), (0.6, 0.4), (0.8, 1.0)):
        near = np.hypot(found.x - x, found.y - y) < 0.003
        assert found.number[near].sum() > 0.1 * found.number.sum()
        assert found.weight[near].sum() > 0.75 * found.number[near].sum()
    away = np.min([np.hypot(found.x - x, found.y - y) for y, x in levels], axis=0) > 0.02
    assert found.weight[away].sum() < 0.2 * found.number[away].sum()


@pytest.mark.parametrize(("steps", "number"), [((128.2, 128.8), 1), ((127.8, 128.2), 2)])
def test_values_in_one_of_256_steps_are_counted_together(steps, number):
    scan = np.tile(np.repeat(np.float32(steps) / 256, 40), (60, 1))[..., None]
    found = _pairs(scan, scan, HERE, 0, 1)
    assert found.number.size == number
    assert found.x == pytest.approx(found.y)


def test_pairs_count_half_where_the_brightness_changes_by_a_fiftieth():
    ramp = np.tile(np.arange(40, dtype=np.float32) * 0.02 + 0.1, (60, 1))[..., None]
    flat = np.full_like(ramp, 0.5)
    for one, other in ((ramp, flat), (flat, ramp)):
        found = _pairs(one, other, HERE, 0, 1)
        inner = np.abs((found.y if one is ramp else found.x) - 0.5) < 0.2
        share = found.weight[inner].sum() / found.number[inner].sum()
        assert share == pytest.approx(0.5, abs=0.02)


def test_pairs_are_counted_where_both_scans_have_data():
    first, other = scans_of([(0.2, 0.1), (0.6, 0.7)])
    moved = Registration(np.array([[1, 0, 64], [0, 1, 0], [0, 0, 1.0]]))
    found = _pairs(first, other, moved, 0, 1)
    assert found.number.sum() == 8 * 96 * 64
    nowhere = Registration(np.array([[1, 0, 500], [0, 1, 0], [0, 0, 1.0]]))
    assert _pairs(first, other, nowhere, 0, 1).number.size == 0
    thin = [scan[:, :1] for scan in (first, other)]
    assert _pairs(*thin, HERE, 0, 1).number.size == 0
    two = [scan[:, :2] for scan in (first, other)]
    assert _pairs(*two, HERE, 0, 1).number.sum() > 0


def test_the_channels_have_pairs_of_their_own():
    first, other = scans_of([(0.3, 0.6)], channels=3)
    other[..., 2] = 51
    blue, green = (_pairs(first, other, HERE, channel, 1) for channel in (2, 1))
    assert blue.x == pytest.approx([0.2], abs=0.003)
    assert green.x == pytest.approx([0.6], abs=0.003)


GREYS = np.linspace(0.05, 0.95, 48)


def bent(amount):
    """Levels of two scans: a straight line with a bend in the middle."""
    return [(grey + amount * np.sin(np.pi * grey), grey) for grey in GREYS]


def test_a_curve_is_used_where_the_line_is_off_by_a_hundredth_and_a_half():
    """Root of the mean square; here of a sine."""
    for amount, found in ((0.016, False), (0.028, True)):
        first, other = scans_of(bent(amount), dtype="float32")
        curves = match_curves(first, other, HERE, np.ones(1), np.zeros(1), threads=1)
        assert (curves is not None) == found
        if found:
            knots = np.linspace(0, 1, KNOTS)
            inner = (knots > 0.1) & (knots < 0.9)
            expected = knots + amount * np.sin(np.pi * knots)
            assert curves.shape == (1, KNOTS)
            assert curves[0][inner] == pytest.approx(expected[inner], abs=0.006)


def test_gain_and_offset_are_in_the_numbers_of_the_scans():
    levels = [(0.8 * grey + 0.1, grey) for grey in GREYS]
    first, other = scans_of(levels, dtype="uint16")
    offset = np.array([0.1 * 65535])
    assert match_curves(first, other, HERE, np.array([0.8]), offset, threads=1) is None
    assert match_curves(first, other, HERE, np.ones(1), np.zeros(1), threads=1) is not None


def test_a_curve_of_one_colour_brings_those_of_all():
    """Of a colour that is straight, too."""
    first, other = scans_of(bent(0.0), channels=3, dtype="float32")
    first[..., 1] = scans_of(bent(0.06), dtype="float32")[0][..., 0]
    curves = match_curves(first, other, HERE, np.ones(3), np.zeros(3), threads=1)
    knots = np.linspace(0, 1, KNOTS)
    inner = (knots > 0.1) & (knots < 0.9)
    off = np.abs(curves - knots)[:, inner].max(axis=1)
    assert off[[0, 2]].max() < 0.01
    assert off[1] > 0.04


@pytest.mark.parametrize(("pixels", "used"), [(1999, False), (2000, True)])
def test_two_thousand_pixels_make_a_curve(pixels, used, monkeypatch):
    knots = np.linspace(0, 1, KNOTS)
    number = np.full(KNOTS, pixels // KNOTS)
    number[0] += pixels - number.sum()
    made = pairs(knots, np.clip(knots + 0.1, 0, 1), number=number)
    monkeypatch.setattr(tone, "_pairs", lambda *_: made)
    plane = np.zeros((4, 4, 1), np.uint8)
    monkeypatch.setattr(tone, "FEWEST_AT_KNOT", 10)
    curves = match_curves(plane, plane, HERE, np.ones(1), np.zeros(1), threads=1)
    assert (curves is not None) == used


@pytest.mark.parametrize(("number", "used"), [(99, False), (100, True)])
def test_a_hundred_pixels_at_a_knot_count(number, used, monkeypatch):
    """All others lie where the curve is straight."""
    knots = np.linspace(0, 1, KNOTS)
    x = np.append(knots[:20], knots[28])
    y = np.append(knots[:20], knots[28] + 0.4)
    made = pairs(x, y, number=np.append(np.full(20, 5000), number))
    monkeypatch.setattr(tone, "_pairs", lambda *_: made)
    monkeypatch.setattr(tone, "_fit", lambda _: np.where(knots < 0.7, knots, knots + 0.12))
    plane = np.zeros((4, 4, 1), np.uint8)
    curves = match_curves(plane, plane, HERE, np.ones(1), np.zeros(1), threads=1)
    assert (curves is not None) == used


def test_pixels_count_for_a_knot_where_they_lie_nearest_to_it(monkeypatch):
    knots = np.linspace(0, 1, KNOTS)
    x = np.array([knots[10] + 0.4 / 32, knots[30] - 0.6 / 32])
    monkeypatch.setattr(tone, "_pairs", lambda *_: pairs(x, x, number=np.full(2, 9000)))
    plane = np.zeros((4, 4, 1), np.uint8)
    for knot, bends in ((10, True), (11, False), (29, True), (30, False)):
        curve = knots + 0.1 * (np.arange(KNOTS) == knot)
        monkeypatch.setattr(tone, "_fit", lambda _, curve=curve: curve)
        curves = match_curves(plane, plane, HERE, np.ones(1), np.zeros(1), threads=1)
        assert (curves is not None) == bends


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_curve_is_linear_between_its_knots_and_leaves_alpha(dtype):
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    knots = np.linspace(0, 1, KNOTS)
    curves = np.stack([knots**2, 1.2 * knots - 0.1])
    values = np.linspace(0, 1, 50)
    picture = (np.stack([values, values, values], 1)[None] * white).astype(dtype)
    before = picture.copy()
    found = curved(picture, curves)
    assert np.array_equal(picture, before)
    unit = picture[0, :, 0] / white
    within = curves if dtype == "float32" else np.clip(curves, 0, 1)
    square, line = (np.interp(unit, knots, curve) for curve in within)
    assert found[0, :, 0] / white == pytest.approx(square, abs=0.51 / 255 if white == 255 else 2e-5)
    assert found[0, :, 1] / white == pytest.approx(line, abs=0.51 / 255 if white == 255 else 2e-5)
    assert np.array_equal(found[..., 2], before[..., 2])
    again = before.copy()
    apply_curves(again, curves)
    assert np.array_equal(again, found)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colours", [1, 3])
def test_a_table_of_gain_offset_and_curves_is_the_same_as_one_after_the_other(dtype, colours):
    rng = np.random.default_rng(6)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture = (rng.random((20, 30, colours + 1)) * white).astype(dtype)
    knots = np.linspace(0, 1, KNOTS)
    curves = np.stack([knots ** (1.2 + 0.1 * n) for n in range(colours)])
    gain = np.linspace(0.7, 1.1, colours)
    offset = np.linspace(0.05, 0.1, colours) * white
    found = evened(picture, gain, offset, curves)
    brighter = np.clip(picture[..., :-1] / white * gain + offset / white, 0, 1)
    expected = np.stack(
        [np.interp(brighter[..., n], knots, curves[n]) for n in range(colours)], axis=-1
    )
    assert found[..., :-1] / white == pytest.approx(
        expected, abs=1.6 / white if white > 1 else 1e-5
    )
    assert np.array_equal(found[..., -1], picture[..., -1])


def test_a_negative_is_inverted_and_made_as_bright():
    levels = [(0.8 * grey + 0.1, 1 - grey) for grey in GREYS]
    first, other = scans_of(levels)
    negative = Registration(np.eye(3), negative=True)
    even = Evening.between(first, other, negative, threads=1)
    found = even.gain * other.astype(float) + even.offset
    assert even.curves is None
    assert even.gain == pytest.approx([-0.8], abs=0.01)
    assert found == pytest.approx(first, abs=3)
    only = Evening.between(first, other, negative, normalise=False, threads=1)
    assert (only.gain.tolist(), only.offset.tolist(), only.curves) == ([-1], [255], None)
    same = Evening.between(first, other, HERE, normalise=False, threads=1)
    assert (same.gain.tolist(), same.offset.tolist()) == ([1], [0])


def test_curves_of_a_negative_come_after_its_inversion():
    levels = [(grey + 0.1 * np.sin(np.pi * grey), 1 - grey) for grey in GREYS]
    first, other = scans_of(levels)
    even = Evening.between(first, other, Registration(np.eye(3), negative=True), threads=1)
    assert (even.gain.tolist(), even.offset.tolist()) == ([-1], [255])
    assert evened(other, even.gain, even.offset, even.curves) == pytest.approx(first, abs=4)
