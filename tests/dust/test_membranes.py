"""Membranes over several pictures at once."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, generate_binary_structure
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from dustbust import _kernels
from dustbust.dust.model import look_around, look_around_together
from helpers import synthetic_run


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_frames_looked_at_together_show_what_each_shows_alone(dtype):
    frames, opacity = synthetic_run.run(3, 11)
    planes = [(frame.astype(dtype) * (257 if dtype == np.uint16 else 1)) for frame in frames]
    if dtype == np.float32:
        planes = [plane / np.float32(255) for plane in planes]
    membranes = _kernels.Membranes(opacity > 0.05)
    together = look_around_together(planes, membranes, threads=2)
    assert len(together) == len(planes)
    for plane, found in zip(planes, together, strict=True):
        alone = look_around(plane, membranes, threads=1)
        assert np.array_equal(found.observed, alone.observed[:, 0])
        assert np.array_equal(found.filled, alone.filled[:, 0])
        assert np.array_equal(found.spread, alone.spread)


def alone(mask, plane, **options):
    """`filled` and `spread` of the masked pixels of one plane, in the order of reading."""
    found = look_around(plane, _kernels.Membranes(mask), threads=1, **options)
    return found.filled[:, 0], found.spread.reshape(-1)


def test_a_membrane_is_the_solution_of_laplaces_equation():
    rng = np.random.default_rng(4)
    mask = np.zeros((50, 60), bool)
    mask[0:9, 0:7] = mask[20:34, 15:40] = mask[30:45, 30:34] = mask[40:50, 52:60] = True
    mask[12, 12] = mask[11, 50] = mask[11, 51] = True
    plane = rng.random(mask.shape, np.float32)
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    matrix = lil_matrix((mask.sum(), mask.sum()))
    right = np.zeros(mask.sum())
    for y, x in np.argwhere(mask):
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if 0 <= v < 50 and 0 <= u < 60:
                matrix[number[y, x], number[y, x]] += 1
                if mask[v, u]:
                    matrix[number[y, x], number[v, u]] -= 1
                else:
                    right[number[y, x]] += plane[v, u]
    assert alone(mask, plane)[0] == pytest.approx(spsolve(matrix.tocsr(), right), abs=2e-3)


def spread_from_the_best_plane(known, plane, y, x):
    """Of every fourth known pixel each way from a point, weighted by a tent of 14 px.

    None if they weigh less than 1.5.
    """
    rows = []
    for dy in range(-12, 14, 4):
        for dx in range(-12, 14, 4):
            v, u = y + dy, x + dx
            if 0 <= v < known.shape[0] and 0 <= u < known.shape[1] and known[v, u]:
                weight = (14 - abs(dy)) * (14 - abs(dx)) / 14**2
                rows.append((weight, 1, dx, dy, plane[v, u]))
    rows = np.array(rows, float).reshape(-1, 5)
    weight, coordinates, values = rows[:, 0], rows[:, 1:4], rows[:, 4]
    if weight.sum() < 1.5:
        return None
    root = np.sqrt(weight)
    fit = np.linalg.lstsq(coordinates * root[:, None], values * root, rcond=None)[0]
    return np.sqrt((weight * (values - coordinates @ fit) ** 2).sum() / weight.sum())


@pytest.mark.parametrize("shape", [(38, 42), (40, 36)])
def test_the_spread_is_the_deviation_from_the_best_plane(shape):
    """Of single pixels: around the middle of their squares of 4 px, and 0.65 times, at a rim."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: shape[0], : shape[1]]
    plane = (0.004 * x + 0.007 * y + 0.1 * rng.random(shape)).astype(np.float32)
    mask = np.zeros(shape, bool)
    mask[::5, ::5] = True
    _, spread = alone(mask, plane)
    for (v, u), found in zip(np.argwhere(mask), spread, strict=True):
        truth = spread_from_the_best_plane(~mask, plane, v // 4 * 4 + 2, u // 4 * 4 + 2)
        assert found == pytest.approx(0.65 * truth, rel=1e-3), (v, u)


@pytest.mark.parametrize("known", [1, 2])
def test_where_too_little_is_known_the_spread_is_that_of_the_particle(known):
    """All is masked but one pixel, or four: the tents of one never reach 1.5, those of four do."""
    plane = np.random.default_rng(6).random((60, 62)).astype(np.float32)
    mask = np.ones((60, 62), bool)
    mask[30 : 30 + 4 * known : 4, 22 : 22 + 4 * known : 4] = False
    _, spread = alone(mask, plane)
    around = [
        spread_from_the_best_plane(~mask, plane, v // 4 * 4 + 2, u // 4 * 4 + 2)
        for v, u in np.argwhere(mask)
    ]
    measured = [each for each in around if each is not None]
    assert bool(measured) == (known == 2)
    usual = np.sqrt(np.mean(np.square(measured))) if measured else 1.0
    cross = generate_binary_structure(2, 1)
    beside_rim = binary_dilation(~mask, cross)[mask]
    expected = np.array([usual if each is None else each for each in around])
    expected[beside_rim] *= 0.65
    assert spread == pytest.approx(np.maximum(expected, 1 / 255), rel=2e-2)
