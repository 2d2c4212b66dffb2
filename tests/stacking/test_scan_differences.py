"""Differences between scans and the page, against the same in numpy and scipy."""

import numpy as np
import pytest
from scipy.ndimage import convolve1d

from dustbust import _kernels

ACCURACY = (0.02, 0.15)


def blurred(plane):
    """Two means of three, each over what is inside the picture, across and down."""
    for axis in (0, 1):
        for _ in range(2):
            total, number = (
                convolve1d(p, np.ones(3), axis=axis, mode="constant")
                for p in (plane, np.ones_like(plane))
            )
            plane = total / number
    return plane


def expected(scan, page, data, gain, offset):
    difference = (gain * scan + offset - page) * data
    slope = np.hypot(*np.gradient(blurred(page * data)))
    score = blurred(difference) / np.hypot(ACCURACY[0], ACCURACY[1] * slope) * data
    room = np.where(difference > 0, 1 - page, page)
    return score, np.clip(difference / np.maximum(room, 0.4), -1, 1)


def made_up(dtype, channels, seed):
    """A scan and a page with an alpha, and both in units of white with what is known."""
    rng = np.random.default_rng(seed)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    unit = rng.uniform(0.2, 0.8, (23, 31, channels))
    near = np.clip(unit + rng.normal(0, 0.05, unit.shape), 0, 1)
    unit[11:17, 4:11] *= 0.4  # dark and light dust on the scan
    unit[11:17, 20:27] += 0.6 * (1 - unit[11:17, 20:27])
    scan = (unit * white).astype(dtype)
    page = np.concatenate([(near * white).astype(dtype), np.full((23, 31, 1), white, dtype)], 2)
    page[5:9, 12:15, -1] = 0
    weights = np.array([0.299, 0.587, 0.114]) if channels == 3 else np.ones(1)
    return scan, page, scan / white @ weights, page[..., :-1] / white @ weights, page[..., -1] > 0


def arguments(parts, dtype, *, polarity=0, first_row=0, shape=(23, 31), brightness=None):
    scans, pages = zip(*parts, strict=True)
    white = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}[dtype]
    brightness = [(1, 0)] * len(parts) if brightness is None else brightness
    return (
        list(scans),
        list(pages),
        np.array(brightness, float),
        (*ACCURACY, white),
        polarity,
        first_row,
        shape,
        2,
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_score_is_the_blurred_difference_over_what_is_to_be_expected(dtype, channels):
    scan, page, value, light, data = made_up(dtype, channels, 1)
    planes = _kernels.scan_differences(*arguments([(scan, page)], dtype, brightness=[(0.9, 0.05)]))
    score, _ = expected(value, light, data, 0.9, 0.05)
    assert np.allclose(planes[0], score, atol=1e-3)
    assert np.allclose(planes[1], 0.9 * value + 0.05, atol=1e-5)
    assert np.allclose(planes[2], light * data, atol=1e-5)
    assert np.array_equal(planes[3] > 0, data)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_without_data_in_the_scan_are_not_compared(dtype, channels):
    scan, page, value, light, data = made_up(dtype, channels, 12)
    alpha = np.ones((23, 31, 1), dtype)
    alpha[15:19, 7:9] = alpha[0, 30] = 0
    own = data & (alpha[..., 0] > 0)
    if dtype == "float32":
        scan[3:5, 20] = np.nan
        own[3:5, 20] = False
        value = np.nan_to_num(value)
        value[3:5, 20] = 0
    parts = [(np.concatenate([scan, alpha], 2), page)]
    planes = _kernels.scan_differences(*arguments(parts, dtype))
    assert np.allclose(planes[0], expected(value, light, own, 1, 0)[0], atol=1e-3)
    assert np.allclose(planes[1], value, atol=1e-5)
    assert np.allclose(planes[2], light * own, atol=1e-5)
    assert np.array_equal(planes[3], own)


def test_a_page_that_is_not_a_number_is_not_compared():
    scan, page, value, light, data = made_up("float32", 1, 13)
    page[3:5, 20, 0] = np.nan
    light[3:5, 20], data[3:5, 20] = 0, False
    planes = _kernels.scan_differences(*arguments([(scan, page)], "float32"))
    assert np.allclose(planes[0], expected(value, light, data, 1, 0)[0], atol=1e-3)
    assert np.array_equal(planes[3], data)


@pytest.mark.parametrize("columns", [255, 256, 257, 300, 512, 513, 530])
def test_wide_rows_of_which_a_part_is_not_known(columns):
    """As many scans as there are; where one is not known, the median is that of the others."""
    rng = np.random.default_rng(columns)
    scans = rng.integers(0, 256, (5, 3, columns, 1), np.uint8)
    page = np.full((3, columns, 2), (128, 255), np.uint8)
    pages = [page.copy() for _ in scans]
    pages[2][1, columns - 1, 1] = pages[3][2, columns // 3, 1] = 0
    parts = [*zip(scans, pages, strict=True)]
    evidence, opacity, _ = _kernels.scanner_evidence(*arguments(parts, "uint8", shape=(3, columns)))
    each = [
        _kernels.scan_differences(*arguments([part], "uint8", shape=(3, columns))) for part in parts
    ]
    scores = np.array([planes[0] for planes in each])
    known = np.array([planes[3] > 0 for planes in each])
    scores[~known] = np.nan
    odd = np.where(known.sum(axis=0) % 2 == 1, np.nan, np.float32(0))
    assert np.array_equal(evidence, np.nanmedian([*scores, odd], axis=0))
    shares = np.array([(plane[..., 0] - 128.0) / 255 for plane in scans])
    shares /= np.where(shares > 0, 127 / 255, 128 / 255)
    shares[~known] = np.nan
    assert np.allclose(opacity, np.nanmedian([*shares, odd], axis=0), atol=1e-5)


@pytest.mark.parametrize(("offset", "share"), [(-0.9, -1), (-0.3, -0.6), (0.2, 0.4), (0.9, 1)])
def test_a_share_is_that_of_the_largest_difference_and_at_most_all_of_it(offset, share):
    """Of a page at one half dust could make 0.5 up or down."""
    scan, page = np.full((5, 6, 1), 0.5, np.float32), np.ones((5, 6, 2), np.float32)
    page[..., 0] = 0.5
    parts, brightness = [(scan, page)] * 3, [(1, offset)] * 3
    call = arguments(parts, "float32", shape=(5, 6), brightness=brightness)
    _, opacity, shade = _kernels.scanner_evidence(*call)
    assert opacity == pytest.approx(share)
    assert shade == pytest.approx(0.5 + offset)


@pytest.mark.parametrize("polarity", [-1, 0, 1])
def test_scans_that_are_smaller_than_the_scanner(polarity):
    """Beyond the edges of a scan it is as if it had no data there."""
    made = [made_up("uint8", 1, seed) for seed in (21, 22, 23)]
    cut = [(23, 31), (15, 24), (12, 31)]
    parts = [
        (np.ascontiguousarray(m[0][:rows, :columns]), np.ascontiguousarray(m[1][:rows, :columns]))
        for m, (rows, columns) in zip(made, cut, strict=True)
    ]
    evidence, _, shade = _kernels.scanner_evidence(*arguments(parts, "uint8", polarity=polarity))
    stack = np.full((3, 23, 31), np.nan)
    light = np.full((3, 23, 31), np.nan)
    for k, (part, (rows, columns)) in enumerate(zip(parts, cut, strict=True)):
        planes = _kernels.scan_differences(*arguments([part], "uint8", shape=(rows, columns)))
        stack[k, :rows, :columns] = np.where(planes[3] > 0, planes[0], np.nan)
        light[k, :rows, :columns] = planes[1]
    count = np.isfinite(stack).sum(axis=0)
    nothing = np.where(count % 2 == 0, 0, np.nan)
    stack[:, count < (1 if polarity else 2)] = 0
    together = np.nanmedian([*stack, nothing], axis=0)
    if polarity:
        together = np.maximum(together * polarity, 0) * polarity
    assert np.allclose(evidence, together, atol=1e-5)
    lightest = np.fmin if polarity > 0 else np.fmax
    assert np.array_equal(shade, lightest.reduce(light).astype(np.float32))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_small_parts(size):
    scan, page, value, light, _ = (p[:size, :size] for p in made_up("uint8", 1, 2))
    parts = [(np.ascontiguousarray(scan), np.ascontiguousarray(page))]
    planes = _kernels.scan_differences(*arguments(parts, "uint8", shape=(size, size)))
    slope = np.hypot(*np.gradient(blurred(light))) if size > 1 else 0
    score = blurred(value - light) / np.hypot(ACCURACY[0], ACCURACY[1] * slope)
    assert np.allclose(planes[0], score, atol=1e-3)


def test_rows_around_are_only_looked_at():
    scan, page, *_ = made_up("uint8", 1, 3)
    whole = _kernels.scan_differences(*arguments([(scan, page)], "uint8"))
    part = [(scan[4:16], page[4:16])]
    inner = _kernels.scan_differences(*arguments(part, "uint8", first_row=4, shape=(5, 31)))
    assert np.array_equal(inner, whole[:, 8:13])


@pytest.mark.parametrize("number", [2, 3, 4, 7])
@pytest.mark.parametrize("polarity", [-1, 0, 1])
def test_evidence_is_what_the_scans_show_together(number, polarity):
    made = [made_up("uint8", 1, seed) for seed in range(number)]
    for scan, where in ((1, np.s_[:, :4]), (0, np.s_[20:]), (number - 1, np.s_[18:21, 5:15])):
        made[scan][1][..., 1][where] = 0  # this scan is not known there
        made[scan][4][where] = False
    call = arguments([m[:2] for m in made], "uint8", polarity=polarity)
    evidence, opacity, shade = _kernels.scanner_evidence(*call)
    both = [expected(*m[2:], 1, 0) for m in made]
    known = np.array([m[4] for m in made])
    for result, planes in zip((evidence, opacity), zip(*both, strict=True), strict=True):
        stack = np.where(known, np.array(planes), np.nan)
        if number > 2 or polarity == 0:
            # Of an even number, what more than half show: the median of them and of nothing.
            count = known.sum(axis=0)
            nothing = np.where(count % 2 == 0, 0, np.nan)
            stack = np.concatenate([stack, nothing[None]])
            stack[:, count < (1 if polarity else 2)] = 0
            together = np.nanmedian(stack, axis=0)
        else:
            extreme = np.fmax.reduce(stack * polarity) * polarity
            together = np.nan_to_num(extreme)
        if polarity:
            together = np.maximum(together * polarity, 0) * polarity
        assert np.allclose(result, together, atol=1e-3)
    values = np.array([m[2] for m in made])
    lightest = values.min(axis=0) if polarity > 0 else values.max(axis=0)
    assert np.allclose(shade, lightest, atol=1e-5)


@pytest.mark.parametrize("polarity", [-1, 0, 1])
def test_codes_are_the_evidence_in_bytes(polarity):
    made = [made_up("uint8", 1, seed) for seed in (8, 9)]
    call = arguments([m[:2] for m in made], "uint8", polarity=polarity)
    evidence, opacity, _ = _kernels.scanner_evidence(*call)
    codes, marks, *own = _kernels.scanner_codes(*call)
    weak, strong = 2.0, 4.5
    strength = np.abs(evidence)
    assert set(np.unique(codes)) == {0, 1, 2}
    assert np.array_equal(codes, (strength > weak).astype(int) + (strength > strong))
    assert np.array_equal(marks, np.floor(60 + 180 * np.abs(opacity)))
    for k, plane in enumerate(own):
        score = _kernels.scan_differences(*arguments([made[k][:2]], "uint8"))[0]
        score = np.abs(score) if polarity == 0 else score * polarity
        code = (score > weak).astype(int) + (score > strong)
        assert np.array_equal(plane, np.where(made[k][4], code, _kernels.UNKNOWN_CODE))


@pytest.mark.parametrize("number", [1, 3])
def test_codes_of_other_numbers_of_scans_are_only_those_of_all_together(number):
    made = [made_up("uint8", 1, seed) for seed in range(number)]
    call = arguments([m[:2] for m in made], "uint8", polarity=1)
    evidence, opacity, _ = _kernels.scanner_evidence(*call)
    codes, marks = _kernels.scanner_codes(*call)
    assert np.array_equal(codes, (evidence > 2.0).astype(int) + (evidence > 4.5))
    assert np.array_equal(marks, np.floor(60 + 180 * opacity))


def test_a_scan_that_does_not_reach_the_part_is_not_known():
    scan, page, *_ = made_up("uint8", 1, 5)
    small = [(scan, page), (None, None)]
    for polarity in (-1, 1):
        call = arguments(small, "uint8", polarity=polarity)
        alone = _kernels.scan_differences(*arguments([(scan, page)], "uint8"))[0]
        evidence = _kernels.scanner_evidence(*call)[0]
        assert np.array_equal(evidence, np.maximum(alone * polarity, 0) * polarity)
    assert not _kernels.scanner_evidence(*arguments(small, "uint8"))[0].any()
    assert (_kernels.scanner_codes(*arguments(small, "uint8"))[3] == 3).all()


def test_evidence_does_not_depend_on_threads():
    made = [made_up("uint8", 1, seed) for seed in range(3)]
    *call, _ = arguments([m[:2] for m in made], "uint8")
    one, many = (_kernels.scanner_evidence(*call, threads) for threads in (1, 5))
    assert np.array_equal(one, many)
