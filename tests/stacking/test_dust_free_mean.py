"""The mean of the scans that show the page: single pixels of level scans, and slopes."""

import numpy as np
import pytest

from dustbust import _kernels

NOISE = 0.02
FILLED = 1


def mean_of(values, marks, *, polarity=-1, dtype="uint8", alphas=None, gradient=0.0, noise=NOISE):
    """The mean, alpha and outcome where level scans have these values (0..255) and marks."""
    largest = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    alphas = [1.0] * len(values) if alphas is None else alphas
    stack, dust = [], []
    for value, mark, alpha in zip(values, marks, alphas, strict=True):
        pixel = [*np.atleast_1d(value), alpha * 255]
        scan = np.float64(pixel) * largest / 255 * np.ones((3, 5, 1))
        stack.append(np.ascontiguousarray(scan if dtype == "float32" else np.rint(scan), dtype))
        dust.append(np.full((3, 5), mark, np.uint8))
    tolerance = (noise, gradient)
    page, outcome = _kernels.dust_free_mean(stack, dust, 1, tolerance, polarity, largest, 2)
    assert page.shape[:2] == outcome.shape == (1, 5)
    assert (page == page[0, 0]).all()
    assert (outcome == outcome[0, 0]).all()
    result = page[0, 0].astype(float) * 255 / largest
    return (*result[:-1], result[-1], int(outcome[0, 0]))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("polarity", [-1, 0, 1])
def test_scans_without_dust_are_averaged(dtype, polarity):
    found = mean_of([100, 104, 102], [0, 0, 0], polarity=polarity, dtype=dtype)
    assert found == pytest.approx((102, 255, 0), abs=1e-4)
    colours = mean_of([(10, 100, 200), (14, 102, 202)], [0, 29], polarity=polarity, dtype=dtype)
    assert colours == pytest.approx((12, 101, 201, 255, 0), abs=1e-4)


@pytest.mark.parametrize("polarity", [-1, 0, 1])
def test_marks_from_thirty_on_mean_dust(polarity):
    assert mean_of([100, 104], [0, 29], polarity=polarity)[0] == 102
    assert mean_of([100, 104], [0, 30], polarity=polarity)[0] == 100
    assert mean_of([100, 104], [255, 20], polarity=polarity)[0] == 104


def test_the_mean_is_rounded():
    assert mean_of([100, 101], [0, 0])[0] in (100, 101)
    assert mean_of([100, 101, 101], [0, 0, 0])[0] == 101
    assert mean_of([100, 100, 101], [0, 0, 0])[0] == 100


def test_of_three_that_disagree_those_near_the_median_count():
    """The tolerance is 0.02: about 5 levels."""
    assert mean_of([100, 102, 180], [0, 0, 0])[0] == 101
    assert mean_of([100, 102, 20], [0, 0, 0])[0] == 101
    assert mean_of([100, 104, 105], [0, 0, 0])[0] == 103
    assert mean_of([100, 104, 108], [0, 0, 0])[0] == 104  # all near the one in the middle
    assert mean_of([100, 104, 110, 111], [0, 0, 0, 0], polarity=0)[0] == 108
    assert mean_of([100, 100, 104, 180, 181], [0] * 5)[0] == 101


def test_of_two_that_disagree_the_one_without_the_dust_is_taken():
    for values in ([100, 120], [120, 100]):
        assert mean_of(values, [0, 0])[0] == 120
        assert mean_of(values, [0, 0], polarity=1)[0] == 100
        assert mean_of(values, [0, 0], polarity=0)[0] == 110
    assert mean_of([100, 105], [0, 0])[0] in (102, 103)
    assert mean_of([100, 106], [0, 0])[0] == 106


def test_if_most_are_not_near_the_median_the_cleanest_count():
    values = [60, 64, 140, 144]  # half of them are dusty
    assert mean_of(values, [0] * 4)[0] == 142
    assert mean_of(values, [0] * 4, polarity=1)[0] == 62
    assert mean_of(values, [0] * 4, polarity=0)[0] == 102
    assert mean_of([20, 60, 140, 200], [0] * 4)[0] == 200
    assert mean_of([20, 60, 140, 200], [0] * 4, polarity=1)[0] == 20
    # With a polarity, two near the median of four are not most.
    assert mean_of([20, 98, 102, 200], [0] * 4)[0] == 200
    assert mean_of([20, 98, 102, 200], [0] * 4, polarity=0)[0] == 100
    assert mean_of([20, 98, 100, 102, 200], [0] * 5)[0] == 100


def mark(opacity):
    return round(60 + 180 * opacity)


def test_the_light_that_dust_took_is_restored():
    """As if the opacity were less by a step of 10 in the marks."""
    opacity = (mark(0.4) - 70) / 180
    assert mean_of([60, 61], [mark(0.4)] * 2)[0] == pytest.approx(60.5 / (1 - opacity), abs=0.51)
    light = mean_of([200, 200], [mark(0.4)] * 2, polarity=1)[0]
    assert light == pytest.approx(255 - 55 / (1 - opacity), abs=0.51)
    assert mean_of([60, 60], [mark(0.2)] * 2, polarity=0)[0] == 60  # it is not known which
    # Each scan by its own opacity, and each colour.
    (r, g, b, *_) = mean_of([(60, 30, 90), (57, 28, 86)], [mark(0.4), mark(0.4) + 9])
    less = opacity + 9 / 180
    for found, one, other in ((r, 60, 57), (g, 30, 28), (b, 90, 86)):
        expected = (one / (1 - opacity) + other / (1 - less)) / 2
        assert found == pytest.approx(expected, abs=0.6)
    assert mean_of([60, 60], [69, 69])[0] == 60


def test_scans_with_the_least_dust_count():
    """Those whose marks are less than a step of 10 above the least."""
    assert mean_of([60, 90], [70, 79])[0] == pytest.approx(
        max(60, 90 / (1 - 9 / 180)), abs=0.6
    )  # they disagree: the lighter one
    assert mean_of([60, 90], [70, 80])[0] == 60
    assert mean_of([90, 60], [80, 70])[0] == 60
    assert mean_of([90, 60, 61], [220, 70, 70])[0] in (60, 61)


@pytest.mark.parametrize(
    ("polarity", "most", "least"), [(-1, 149, 150), (1, 149, 150), (0, 104, 105)]
)
def test_what_is_too_dusty_in_all_scans_is_filled_later(polarity, most, least):
    assert mean_of([60, 60], [most] * 2, polarity=polarity)[-1] != FILLED
    assert mean_of([60, 60], [least] * 2, polarity=polarity)[-1] == FILLED
    assert mean_of([60, 60], [least, 0], polarity=polarity)[-1] != FILLED
    assert mean_of([60, 60, 70], [255, 255, most], polarity=polarity)[-1] != FILLED


def test_scans_without_data_do_not_count():
    assert mean_of([100, 200], [0, 0], alphas=[1, 0]) == (100, 255, 0)
    assert mean_of([200, 100], [0, 0], alphas=[0, 1]) == (100, 255, 0)
    assert mean_of([100, 104], [0, 0], alphas=[0.4, 0.8])[:2] == pytest.approx((102, 204))
    assert mean_of([100, 104, 250], [0, 0, 0], alphas=[0.4, 0.8, 0])[:2] == (102, 204)
    assert mean_of([100, 200], [0, 0], alphas=[0, 0]) == (0, 0, 0)
    assert mean_of([np.nan, 100], [0, 0], dtype="float32")[0] == pytest.approx(100)


def test_what_is_restored_stays_within_the_range():
    assert mean_of([250, 250], [149, 149])[0] == 255
    assert mean_of([5, 5], [149, 149], polarity=1)[0] == 0


def slopes(steepness, apart, colours=1, *, width=140, dust=0):
    """Two scans of a page that rises by `steepness` a column, and differ by `apart`, in 0..1."""
    x = np.arange(width) % 40
    rise = np.where((np.arange(width) // 40) % 2, 39 - x, x) * steepness
    first = (0.2 + rise)[None, :, None] * np.ones((4, 1, colours))
    alpha = np.ones((4, width, 1))
    stack = [
        np.concatenate([plane, alpha], axis=2).astype(np.float32)
        for plane in (first, first + apart)
    ]
    return stack, [np.zeros((4, width), np.uint8), np.full((4, width), dust, np.uint8)]


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("turned", [False, True])
def test_scans_may_differ_more_where_the_page_is_steep(colours, turned):
    """By the noise, and by a share of the gradient."""
    stack, dust = slopes(0.01, 0.0, colours)
    for apart, agree in ((0.018, True), (0.0265, True), (0.031, False)):
        (first, _), _ = slopes(0.01, 0.0, colours), None
        stack = [first[0], first[0] + np.float32([apart] * colours + [0])]
        marks = dust
        if turned:
            stack = [np.ascontiguousarray(scan.transpose(1, 0, 2)) for scan in stack]
            marks = [np.ascontiguousarray(plane.T) for plane in dust]
        page, _ = _kernels.dust_free_mean(stack, marks, 1, (0.02, 0.8), -1, 1.0, 1)
        plain = (stack[0] + stack[1])[1:-1, :, 0] / 2
        lighter = stack[1][1:-1, :, 0]
        # Away from the turning points, where the gradient is 0.01.
        inner = np.s_[5:30, 1:3] if turned else np.s_[1:2, 5:30]
        expected = (plain if agree else lighter)[inner]
        assert page[..., 0][inner] == pytest.approx(expected, abs=1e-5)


def test_an_edge_of_dust_is_no_slope_of_the_page():
    """The least gradient of all scans counts: only one of them has the edge."""
    flat = np.full((3, 9, 2), 0.5, np.float32)
    flat[..., 1] = 1
    edge = flat.copy()
    edge[:, 4:, 0] = 0.4
    page, _ = _kernels.dust_free_mean(
        [flat, edge], [np.zeros((3, 9), np.uint8)] * 2, 1, (0.02, 0.8), -1, 1.0, 1
    )
    assert page[0, :, 0] == pytest.approx(0.5)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colours", [1, 3])
def test_a_wide_row_is_the_same_as_its_pixels(dtype, colours):
    """However they are grouped; the scans are level, so that only the pixel itself counts."""
    rng = np.random.default_rng(4)
    largest = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    width = 150
    values = rng.integers(90, 110, (3, width, colours)) + 60 * (rng.random((3, width, 1)) < 0.2)
    alpha = 255 * (rng.random((3, width, 1)) < 0.9)
    pixels = np.concatenate([values, alpha], axis=2) * (largest / 255)
    marks = np.where(rng.random((3, width)) < 0.3, rng.integers(0, 256, (3, width)), 0)
    marks = marks.astype(np.uint8)

    def mean(columns):
        stack = [np.ascontiguousarray(scan[None, columns]).astype(dtype) for scan in pixels]
        dust = [np.ascontiguousarray(plane[None, columns]) for plane in marks]
        return _kernels.dust_free_mean(stack, dust, 0, (NOISE, 0.0), -1, largest, 1)

    page, outcome = mean(slice(None))
    for x in range(width):
        one, its = mean(slice(x, x + 1))
        assert np.array_equal(one[0, 0], page[0, x])
        assert its[0, 0] == outcome[0, x]


def gradient_at(plane, alpha, y, x):
    """Half the difference of the pixels on both sides, or None where one of them has no data."""
    rows, columns = plane.shape
    left, right, up, down = (
        max(x - 1, 0),
        min(x + 1, columns - 1),
        max(y - 1, 0),
        min(y + 1, rows - 1),
    )
    if not (alpha[y, left] and alpha[y, right] and alpha[up, x] and alpha[down, x]):
        return None
    slope = np.hypot(plane[y, right] - plane[y, left], plane[down, x] - plane[up, x]) / 2
    return None if np.isnan(slope) else slope


def plain_pixel(stack, light, dust, y, x, tolerance, polarity):
    """The colours of one pixel, and whether it is to be filled, as the header describes it."""
    marks, colours, values, gradients = [], [], [], []
    for scan, plane, lies in zip(stack, light, dust, strict=True):
        if scan[y, x, -1] > 0 and not np.isnan(plane[y, x]):
            opacity = np.clip((lies[y, x] - 70.0) / 180, 0, 0.8) if polarity else 0
            base = 1 if polarity > 0 else 0
            marks.append(float(lies[y, x]))
            colours.append(base + (scan[y, x, :-1] - base) / (1 - opacity))
            values.append(base + (plane[y, x] - base) / (1 - opacity))
            gradients.append(gradient_at(plane, scan[..., -1], y, x))
    if not values:
        return np.zeros(stack[0].shape[2] - 1), False
    marks, colours, values = np.array(marks), np.array(colours), np.array(values)
    if marks.min() >= (150 if polarity else 105):
        return colours.mean(axis=0), True
    kept = marks < (30 if marks.min() < 30 else marks.min() + 10)
    slopes_there = [each for each in gradients if each is not None]
    limit = tolerance[0] + tolerance[1] * min(slopes_there, default=0)
    if kept.sum() > 1 and np.ptp(values[kept]) > limit:
        best = polarity and (values[kept].max() if polarity < 0 else values[kept].min())
        middle = np.median(values[kept])
        near = kept & (np.abs(values - middle) <= limit)
        if kept.sum() == 2:
            kept = kept & (values == best) if polarity else kept
        elif polarity and 2 * near.sum() <= kept.sum():
            kept &= np.abs(values - best) <= limit
        elif near.any():
            kept = near
        else:
            kept = np.ones(len(values), bool)
    return colours[kept].mean(axis=0), False


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("polarity", [-1, 0, 1])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 6])
def test_each_pixel_is_chosen_by_its_marks_its_data_and_its_slopes(
    dtype, colours, polarity, number
):
    rng = np.random.default_rng(number)
    white = {"uint8": 255, "uint16": 65535, "float32": 1.0}[dtype]
    for shape, margin in (((7, 9), 1), ((3, 5), 0), ((1, 8), 0), ((6, 1), 2), ((3, 270), 1)):
        y, x = np.mgrid[: shape[0], : shape[1]]
        page = (0.4 + 0.2 * np.sin(y / 2 + x / 3))[..., None] * np.linspace(1, 0.7, colours)
        stack, dust = [], []
        for k in range(number):
            scan = page + rng.normal(0, 0.02, page.shape)
            scan += (rng.random(shape) < 0.3)[..., None] * rng.uniform(-0.3, 0.3, (*shape, 1))
            alpha = np.where(rng.random(shape) < 0.05, 0, rng.uniform(0.3, 1, shape))
            scan = np.concatenate([np.clip(scan, 0, 1), alpha[..., None]], axis=2) * white
            if dtype == "float32":
                scan[..., 0][rng.random(shape) < 0.02] = np.nan
            stack.append((scan if dtype == "float32" else np.rint(scan)).astype(dtype))
            often = 0.9 if shape == (7, 9) and k % 2 else 0.3
            marks = np.where(rng.random(shape) < often, rng.integers(0, 180, shape), 0)
            dust.append(marks.astype(np.uint8))
        tolerance = (0.04, 0.7)
        page, outcome = _kernels.dust_free_mean(stack, dust, margin, tolerance, polarity, white, 2)
        unit = [scan.astype(float) / white for scan in stack]
        luma = [0.299, 0.587, 0.114] if colours == 3 else [1]
        light = [scan[..., :-1] @ luma for scan in unit]
        inner = range(margin, shape[0] - margin)
        for y, x in ((y, x) for y in inner for x in range(shape[1])):
            values, filled = plain_pixel(unit, light, dust, y, x, tolerance, polarity)
            found, alpha = page[y - margin, x, :-1], page[y - margin, x, -1]
            if dtype == "float32":
                assert found == pytest.approx(values, abs=1e-5)
            else:
                assert found == pytest.approx(np.clip(values * white, 0, white), abs=0.51)
            known = [
                scan[y, x, -1] for scan, plane in zip(stack, light, strict=True) if plane[y, x] >= 0
            ]
            assert alpha == max(known, default=0)
            assert outcome[y - margin, x] == filled
