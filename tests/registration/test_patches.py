"""Sums over patches of two pictures, and what is read from them."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.registration.patches import (
    Match,
    _agreement,
    _contrast,
    compare,
    find_dust,
    what_stays,
)
from dustbust.registration.pyramid import CELLS, PATCH, centres
from dustbust.registration.transform import UNDISTORTED, Transform, warp_arguments
from helpers import warps
from helpers.levels import SHAPE, level, moved, shift, soft_noise


def test_sums_over_cells_are_those_of_the_formula():
    """Of the products of residual and gradient that the step of Gauss and Newton needs."""
    a, b = soft_noise(1), soft_noise(2)
    a[40:43, 60] = np.nan
    corners = np.int32([(0, 0), (16, 16), (48, 32), (112, 80), (52, 37)])
    gain, limit, dx, dy = 1.5, 0.35, 3, -2
    matrix = shift(dx, dy).matrix
    found = _kernels.match_patches(a, b, matrix, *UNDISTORTED, corners, gain, limit, 1)
    first = np.pad(a, 1, constant_values=np.nan)
    second = np.full(first.shape, np.nan)
    height, width = SHAPE
    for y in range(-1, height + 1):
        for x in range(-1, width + 1):
            # A cubic needs one pixel before, and two behind.
            if 1 <= y + dy < height - 2 and 1 <= x + dx < width - 2:
                second[y + 1, x + 1] = gain * b[y + dy, x + dx]
    mean = (first + second) / 2
    gx, gy = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    gx[:, 1:-1] = (mean[:, 2:] - mean[:, :-2]) / 2
    gy[1:-1] = (mean[2:] - mean[:-2]) / 2
    r = second - first
    w = np.maximum(1 - (r / limit) ** 2, 0) ** 2
    weighted = np.array([np.ones_like(r), gx, gy, r, gx**2, gx * gy, gy**2, gx * r, gy * r, r * r])
    plain = np.array([np.ones_like(r), first, second, first**2, second**2, first * second])
    terms = np.concatenate([w * weighted, plain])
    usable = np.isfinite(r + gx + gy)
    terms = np.where(usable, terms, 0)[:, 1:-1, 1:-1]
    for (left, top), of_cells in zip(corners, found, strict=True):
        for cell in range(4):
            y, x = top + 8 * (cell // 2), left + 8 * (cell % 2)
            expected = terms[:, y : y + 8, x : x + 8].sum(axis=(1, 2))
            # The kernel may know a row or column of pixels more at the picture's edges.
            if 8 <= x < width - 16 and 8 <= y < height - 16:
                assert of_cells[cell] == pytest.approx(expected, rel=1e-4, abs=1e-5)


TURNED = np.array([[1.01, 0.02, 0.7], [-0.03, 0.98, 2.3], [0, 0, 1]])


def bent(shape):
    """A distortion whose knots lie within a patch."""
    return np.random.default_rng(shape[0]).normal(0, 0.3, (*shape, 2)).astype(np.float32)


@pytest.mark.parametrize("knots", [(0, 1), (5, 6), (1, 4), (3, 1)])
def test_sums_over_cells_through_a_distortion(knots):
    """Of all patches: those that leave either picture, and those with unknown pixels."""
    rng = np.random.default_rng(1)
    a, b = rng.random((50, 60), np.float32), rng.random((45, 66), np.float32)
    a[30:33, 20] = b[10, 30:32] = np.nan
    corners = np.int32(
        [(0, 0), (1, 1), (-1, 3), (5, 7), (17, 22), (43, 33), (44, 34), (60, 9), (-20, 0)]
    )
    corners = np.concatenate([corners, rng.integers(-12, 55, (30, 2))]).astype(np.int32)
    gain, limit, pitch, distortion = 1.3, 0.7, (13.0, 9.0), bent(knots)
    found = _kernels.match_patches(a, b, TURNED, distortion, pitch, corners, gain, limit, 2)
    for (left, top), of_cells in zip(corners, found, strict=True):
        y, x = np.mgrid[top - 1 : top + 17, left - 1 : left + 17]
        first = np.full(y.shape, np.nan)
        inside = (y >= 0) & (x >= 0) & (y < 50) & (x < 60)
        first[inside] = a[y[inside], x[inside]]
        place = warps.source(TURNED, distortion, pitch, x, y)
        second = gain * warps.keys_cubic(b.astype(float), *place)
        total = first + second
        gx, gy = (total[1:-1, 2:] - total[1:-1, :-2]) / 4, (total[2:, 1:-1] - total[:-2, 1:-1]) / 4
        first, second = first[1:-1, 1:-1], second[1:-1, 1:-1]
        r = second - first
        w = np.maximum(1 - (r / limit) ** 2, 0) ** 2
        terms = [w * t for t in (1, gx, gy, r, gx**2, gx * gy, gy**2, gx * r, gy * r, r * r)]
        terms += [np.ones_like(r), first, second, first**2, second**2, first * second]
        terms = np.where(np.isfinite(r + gx + gy), terms, 0)
        expected = terms.reshape(16, 2, 8, 2, 8).sum(axis=(2, 4)).reshape(16, 4).T
        assert of_cells == pytest.approx(expected, rel=2e-4, abs=2e-4)


@pytest.mark.parametrize("knots", [(0, 1), (5, 6), (1, 4), (3, 1)])
@pytest.mark.parametrize("shape", [(40, 50), (4, 4), (4, 30), (3, 30), (30, 3)])
@pytest.mark.parametrize("number", [1, 300, 328, 329, 700])
def test_points_are_interpolated_by_cubic_convolution(knots, shape, number):
    """Where the four pixels each way are known, and nowhere else."""
    rng = np.random.default_rng(number)
    b = rng.random(shape, np.float32)
    points = rng.integers(-3, 55, (number, 2)).astype(np.int32)
    points[: number // 2] = rng.integers(0, 4, (number // 2, 2))
    distortion, pitch = bent(knots), (13.0, 9.0)
    found = _kernels.warp_points(b, TURNED, distortion, pitch, points, 2)
    place = warps.source(TURNED, distortion, pitch, *points.T)
    expected = warps.keys_cubic(b.astype(float), *place)
    assert found == pytest.approx(expected, abs=1e-5, nan_ok=True)


@pytest.mark.parametrize("offset", [1.0, 0.999999, 7.0, 6.999999])
def test_a_point_needs_one_pixel_before_it_and_two_behind(offset):
    b = np.random.default_rng(2).random((9, 9), np.float32)
    for x, y in ((offset, 3.0), (3.0, offset)):
        matrix = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
        found = _kernels.warp_points(b, matrix, *UNDISTORTED, np.zeros((1, 2), np.int32), 1)
        assert np.isfinite(found[0]) == (1 <= offset < 7)


@pytest.mark.parametrize("side", [1, 5, 16])
def test_sums_without_movement_at_any_place(side):
    rng = np.random.default_rng(side)
    a, b = rng.random((30, 41), np.float32), rng.random((33, 37), np.float32)
    a[10, 10], b[20, 20] = np.nan, np.nan
    corners = rng.integers(-20, 50, (200, 2)).astype(np.int32)
    found = _kernels.compare_patches(a, b, corners, side, 2)
    one, other = a[:30, :37].astype(float), b[:30, :37].astype(float)
    terms = np.array([np.ones_like(one), one, other, one**2, other**2, one * other])
    terms = np.where(np.isfinite(one + other), terms, 0)
    for (x, y), sums in zip(corners, found, strict=True):
        part = terms[:, max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)]
        assert sums == pytest.approx(part.sum(axis=(1, 2)), abs=1e-9)


def test_sums_without_movement_are_those_of_both_pictures():
    a, b = soft_noise(1), soft_noise(2, (90, 140))
    a[:, 50] = np.nan
    corners = np.int32([(0, 0), (40, 30), (112, 80), (5, 78)])
    found = _kernels.compare_patches(a, b, corners, 16, 2)
    for (x, y), sums in zip(corners, found, strict=True):
        first, second = (
            plane[y : min(y + 16, 90), x : x + 16].astype(float) for plane in (a[:90], b[:, :128])
        )
        known = np.isfinite(first)
        p, q = first[known], second[known]
        assert sums == pytest.approx(
            [known.sum(), p.sum(), q.sum(), (p * p).sum(), (q * q).sum(), (p * q).sum()], abs=1e-9
        )


def test_points_are_looked_up_through_a_distortion():
    """Of a picture that rises evenly, any interpolation gives the place itself."""
    y, x = np.mgrid[:200, :220].astype(np.float32)
    rng = np.random.default_rng(1)
    knots = rng.normal(0, 2, (5, 4, 2)).astype(np.float32)
    for distortion in (knots, knots[:1], knots[:, :1]):
        transform = Transform(
            np.array([[1.01, 0.02, 5], [-0.03, 0.98, 9], [0, 0, 1]]), distortion, (45.0, 33.0)
        )
        points = np.stack([rng.integers(5, 190, 500), rng.integers(12, 170, 500)], 1)
        points = points.astype(np.int32)
        expected = transform.map_points(*points.T)
        for plane, place in zip((x, y), expected, strict=True):
            found = _kernels.warp_points(plane, *warp_arguments(transform), points, 1)
            assert found == pytest.approx(place, abs=2e-3)


def match_of(detailed, agreeing):
    alike = np.where(np.arange(detailed + 5) < agreeing, 0.61, 0.59)
    where = np.arange(detailed + 5) < detailed
    return Match(shift(0, 0), None, where, alike)


def test_support_is_what_agrees_beyond_chance():
    match = match_of(20, 12)
    assert (match.agree.sum(), match.share) == (12, 0.6)
    assert match.support == pytest.approx(12 - 20 / 5)
    assert match_of(0, 0).share == match_of(0, 0).support == 0


def test_pictures_that_fit_agree_and_tell_their_contrast():
    picture = soft_noise(3)
    a, b = level(picture), level(0.5 * moved(picture, 4, -3))
    match = compare(a, b, shift(4, -3))
    inner = match.detailed.reshape(6, 8)[1:-1, 1:-1]
    assert inner.all()
    assert match.alike.reshape(6, 8)[1:-1, 1:-1].min() > 0.999
    assert match.contrast == pytest.approx(2, rel=0.01)
    assert match.gain == pytest.approx(2, rel=0.01)
    elsewhere = compare(a, b, shift(0, 12))
    assert elsewhere.share < 0.1
    assert compare(a, b, shift(500, 0)).sums is None


@pytest.mark.parametrize(("dx", "dy"), [(0.3, 0), (0, -0.4), (0.25, 0.2)])
def test_equations_tell_a_remaining_displacement(dx, dy):
    """Whatever brightness a cell has, and with a patch of dust that counts for less."""
    picture = soft_noise(4)
    other = moved(picture, dx, dy)
    other += np.float32(0.02) * np.kron(
        np.random.default_rng(1).random((12, 16)) < 0.5, np.ones((8, 8))
    ).astype(np.float32)
    other[32:48, 32:48] += 2 * soft_noise(9)[32:48, 32:48]
    match = compare(level(picture), level(other), shift(0, 0))
    normal, right = match.equations()
    step = np.linalg.solve(normal.sum(axis=2), right.sum(axis=1))
    assert -step == pytest.approx([dx, dy], abs=0.06)
    dusty = np.zeros((6, 8), bool)
    dusty[2, 2] = True
    weight = normal[0, 0].reshape(-1, CELLS).sum(axis=1)
    assert weight[dusty.ravel()] < 0.1 * np.median(weight[~dusty.ravel()])


def test_equations_count_patches_by_their_noise():
    """Normal equations over the variance of the residuals: their inverse is a covariance."""
    picture, errors = soft_noise(5), []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        other = picture + rng.normal(0, 0.01, SHAPE).astype(np.float32)
        normal, right = compare(level(picture), level(other), shift(0, 0)).equations()
        total = normal.sum(axis=2)
        step = np.linalg.solve(total, right.sum(axis=1))
        errors.append(step**2 / np.diag(np.linalg.inv(total)))
    assert np.mean(errors) == pytest.approx(1, rel=0.6)


def test_equations_of_a_noisy_patch_are_divided_by_its_variance():
    rng = np.random.default_rng(1)
    picture = soft_noise(5)
    other = picture + rng.normal(0, 0.01, SHAPE).astype(np.float32)
    other[32:48, 32:48] += rng.normal(0, 0.02, (16, 16)) + np.float32(0.01)
    match = compare(level(picture), level(other), shift(0, 0))
    normal, right = match.equations()
    w, gx, _, r, gxx, _, _, gxr, _ = match.sums.T[:9].reshape(9, 6, 8, CELLS)[:, 2, 2]
    residual = picture[32:48, 32:48] - match.gain * other[32:48, 32:48]
    of_patch = np.s_[4 * (2 * 8 + 2) : 4 * (2 * 8 + 3)]
    assert gxx - gx**2 / w == pytest.approx(normal[0, 0, of_patch] * residual.var(), rel=1e-3)
    assert gxr - gx * r / w == pytest.approx(right[0, of_patch] * residual.var(), rel=1e-3)


def test_a_patch_that_is_lighter_as_a_whole_counts_as_much():
    picture = soft_noise(5)
    other = picture + np.random.default_rng(1).normal(0, 0.01, SHAPE).astype(np.float32)
    weights = []
    for lighter in (0, 0.01):
        other[32:48, 32:48] += np.float32(lighter)
        normal, _ = compare(level(picture), level(other), shift(0, 0)).equations()
        weights.append(normal[0, 0].reshape(6, 8, CELLS).sum(axis=2)[2, 2])
    assert weights[1] == pytest.approx(weights[0], rel=0.2)


def test_contrasts_are_compared_without_outliers():
    a, b = soft_noise(6), soft_noise(7)
    points = np.stack(np.meshgrid(np.arange(8, 120), np.arange(8, 88)), -1).reshape(-1, 2)
    points = np.ascontiguousarray(points, np.int32)
    b = 0.4 * a + 0.004 * b
    spoiled = b.copy()
    spoiled[40:44] = 0.35
    gain, limit = _contrast(level(a), level(b), warp_arguments(shift(0, 0)), points)
    assert gain == pytest.approx(2.5, rel=0.01)
    # The noise is 0.004 * 0.1 * 2.5; Tukey's limit is 4.685 deviations.
    assert limit == pytest.approx(4.685 * 0.001, rel=0.2)
    gain, _ = _contrast(level(a), level(spoiled), warp_arguments(shift(0, 0)), points)
    assert gain == pytest.approx(2.5, rel=0.12)
    few = points[:: len(points) // 40][:49]
    assert _contrast(level(a), level(b), warp_arguments(shift(0, 0)), few) is None
    enough = points[:: len(points) // 60][:50]
    assert _contrast(level(a), level(b), warp_arguments(shift(0, 0)), enough) is not None


def sums_of(pairs):
    """As the kernels sum: number, a, b, aa, bb, ab of each pair of patches."""
    return np.array(
        [(a.size, a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum()) for a, b in pairs]
    )


def test_patches_agree_as_far_as_they_correlate():
    rng = np.random.default_rng(1)
    pairs = []
    for k in range(12):
        a = rng.normal(0.3, 0.2, 256)
        pairs.append((a, 0.5 * a + rng.normal(0, 0.02 * k, 256)))
    detailed, alike = _agreement(sums_of(pairs))
    assert alike == pytest.approx([np.corrcoef(a, b)[0, 1] for a, b in pairs], abs=1e-9)
    assert detailed.all()
    # Fewer than 70 % of the pixels are not enough.
    for number, enough in ((180, True), (178, False)):
        short = [(pairs[0][0][:number], pairs[0][1][:number]), *pairs]
        detailed, alike = _agreement(sums_of(short))
        assert (detailed[0], alike[0] != 0) == (enough, enough)
    nothing = _agreement(sums_of(pairs[:2]) * 0)
    assert not nothing[0].any()
    assert not nothing[1].any()


def energies(*deviations):
    """Whether patches of these standard deviations count as having details."""
    rng = np.random.default_rng(2)
    drawn = rng.normal(size=256)
    drawn = (drawn - drawn.mean()) / drawn.std()
    return _agreement(sums_of([(d * drawn, 0.5 * d * drawn) for d in deviations]))[0].tolist()


def test_details_vary_more_than_the_quiet_patches():
    """By four times their variance, if some vary eight times as much."""
    noise = [0.01] * 30
    assert energies(*noise, 0.021, 0.019, *[0.05] * 8) == [False] * 30 + [True, False] + [True] * 8
    # Nearly: eight times the variance are 2.83 times the deviation.
    assert energies(*noise, 0.019, *[0.029] * 8) == [False] * 31 + [True] * 8
    assert energies(*noise, 0.019, *[0.028] * 8) == [True] * 39
    # Where all are about alike, all have details.
    assert all(energies(*noise, *[0.02] * 10))
    # A tenth of the variance of the loudest is the least.
    assert energies(*[0.3] * 30, 0.08, 0.1) == [True] * 30 + [False, True]
    # Also if only a fifth are loud.
    assert energies(*[0.1] * 24, 0.05, *[0.31] * 6) == [True] * 24 + [False] + [True] * 6
    assert energies(*[0.0002] * 10) == [False] * 10
    assert energies(*[0.0004] * 10) == [True] * 10


def test_what_stays_is_alike_without_movement():
    picture, dust = soft_noise(8), np.zeros(SHAPE, np.float32)
    dust[32:64, 48:80] = 5 * soft_noise(9)[32:64, 48:80]
    a, b = level(picture + dust), level(moved(picture, 20, 0) + dust)
    stays = what_stays(a, b, a.corners).reshape(6, 8)
    assert stays[2:4, 3:5].min() > 0.8
    assert np.median(stays) < 0.3


def test_dust_is_where_both_scans_differ_in_the_same_way():
    """From what the other one shows of the page; a misplacement makes them differ in turn."""
    picture, dust = soft_noise(10), np.zeros(SHAPE, bool)
    dust[30:36, 40:46] = dust[60:64, 90:100] = True
    noise = np.random.default_rng(1).normal(0, 0.002, (2, *SHAPE))
    first = picture + noise[0] - 0.4 * dust
    second = 0.5 * (moved(picture, 15, 6) + noise[1] - 0.4 * dust)
    for misplaced in (0, 0.15):
        found = find_dust(level(first), level(second), shift(15 + misplaced, 6), 2.0)
        assert found.shape == SHAPE
        inner = np.s_[20:-20, 30:-30]
        assert found[inner][dust[inner]].mean() > 0.95
        assert found[inner][~dust[inner]].mean() < 0.01
    # On an even page, three deviations of what both differ by are the limit.
    even = np.zeros(SHAPE)
    for depth, seen in ((2.4, False), (4.5, True)):
        first, second = noise - depth * 0.002 * 2**0.5 * dust
        found = find_dust(level(even + first), level(even + second), shift(15, 6), 1.0)
        assert (found[inner][dust[inner]].mean() > 0.5) == seen
    # Faint dust: 20 deviations are seen, a tenth of that is not.
    for depth, seen in ((0.06, True), (0.004, False)):
        first = picture + noise[0] - depth * dust
        second = moved(picture, 15, 6) + noise[1] - depth * dust
        found = find_dust(level(first), level(second), shift(15, 6), 1.0)
        assert (found[inner][dust[inner]].mean() > 0.5) == seen


def test_cells_lie_in_their_patches():
    x, y = centres(np.int32([(0, 0), (32, 16)]))
    assert PATCH == 16
    assert x.tolist() == [3.5, 11.5, 3.5, 11.5, 35.5, 43.5, 35.5, 43.5]
    assert y.tolist() == [3.5, 3.5, 11.5, 11.5, 19.5, 19.5, 27.5, 27.5]
