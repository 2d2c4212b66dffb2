"""Membranes over dust: Laplace's equation, its relaxation, and the spread around."""

import functools

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, find_objects, generate_binary_structure, label
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

    None if they weigh less than 1.5. From the mean where they lie on one line.
    """
    v, u = (np.arange(middle - 12, middle + 13, 4) for middle in (y, x))
    v, u = (
        axis[(axis >= 0) & (axis < size)] for axis, size in zip((v, u), known.shape, strict=True)
    )
    v, u = (axis.ravel() for axis in np.meshgrid(v, u, indexing="ij"))
    v, u = v[known[v, u]], u[known[v, u]]
    weight = (14 - np.abs(v - y)) * (14 - np.abs(u - x)) / 14**2
    if weight.sum() < 1.5:
        return None
    steps = np.stack([u - np.average(u, weights=weight), v - np.average(v, weights=weight)], 1)
    values = plane[v, u] - np.average(plane[v, u], weights=weight)
    moments = steps.T @ (weight[:, None] * steps)
    if np.linalg.matrix_rank(steps) == 2:
        values = values - steps @ np.linalg.solve(moments, steps.T @ (weight * values))
    return np.sqrt(np.average(values**2, weights=weight))


def spreads(known, plane, places):
    """The same at pixels: around the middles of their squares of 4 px."""
    of_square = functools.cache(lambda y, x: spread_from_the_best_plane(known, plane, y, x))
    return [of_square(y // 4 * 4 + 2, x // 4 * 4 + 2) for y, x in places.tolist()]


@pytest.mark.parametrize("shape", [(38, 42), (40, 36)])
def test_the_spread_is_the_deviation_from_the_best_plane(shape):
    """Of single pixels: around the middle of their squares of 4 px, and 0.65 times, at a rim."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[: shape[0], : shape[1]]
    plane = (0.004 * x + 0.007 * y + 0.1 * rng.random(shape)).astype(np.float32)
    mask = np.zeros(shape, bool)
    mask[::5, ::5] = True
    _, spread = alone(mask, plane)
    assert spread == pytest.approx(
        0.65 * np.array(spreads(~mask, plane, np.argwhere(mask))), rel=1e-3
    )


@pytest.mark.parametrize("known", [1, 2])
def test_where_too_little_is_known_the_spread_is_that_of_the_particle(known):
    """All is masked but one pixel, or four: the tents of one never reach 1.5, those of four do."""
    plane = np.random.default_rng(6).random((60, 62)).astype(np.float32)
    mask = np.ones((60, 62), bool)
    mask[30 : 30 + 4 * known : 4, 22 : 22 + 4 * known : 4] = False
    _, spread = alone(mask, plane)
    around = spreads(~mask, plane, np.argwhere(mask))
    measured = [each for each in around if each is not None]
    assert bool(measured) == (known == 2)
    usual = np.sqrt(np.mean(np.square(measured))) if measured else 1.0
    cross = generate_binary_structure(2, 1)
    beside_rim = binary_dilation(~mask, cross)[mask]
    expected = np.array([usual if each is None else each for each in around])
    expected[beside_rim] *= 0.65
    assert spread == pytest.approx(np.maximum(expected, 1 / 255), rel=2e-2)


def beside(plane):
    """The pixels above, left, right and below each; nothing beyond the border."""
    padded = np.pad(plane, [(1, 1), (1, 1)] + [(0, 0)] * (plane.ndim - 2))
    return np.stack([padded[:-2, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:], padded[2:, 1:-1]])


def mean_beside(values, counts):
    """Means of those neighbours that count; 0 without any."""
    number = beside(counts).sum(axis=0)
    total = beside(values * counts[..., None]).sum(axis=0)
    return total / np.maximum(number, 1)[..., None]


def steps_to_the_rim(mask, known):
    """1 beside a known pixel; 0 where no path within the mask leads to one."""
    depth = (mask & beside(known).any(axis=0)).astype(int)
    step = 0
    while (depth == step + 1).any():
        step += 1
        depth[mask & (depth == 0) & (beside(depth) == step).any(axis=0)] = step + 1
    return depth


def relaxed(values, mask, known, depth, odd):
    """One particle, relaxed on a chessboard until no pixel moves by more than 0.001."""
    filled = np.where(known[..., None], values, 0)
    for step in range(1, depth.max() + 1):
        nearer = known if step == 1 else depth == step - 1
        filled = np.where((depth == step)[..., None], mean_beside(filled, nearer), filled)
    factor = 2 / (1 + np.sin(np.pi / (2 * depth.max() + 2)))
    for _ in range(20 + 10 * depth.max()):
        before = filled
        for field in (~odd, odd):
            after = filled + factor * (mean_beside(filled, known | mask) - filled)
            filled = np.where((field & (depth > 0))[..., None], after, filled)
        if np.abs(filled - before).max() <= 1e-3:
            break
    return filled


def plain_membranes(values, luminance, mask, unknown):
    """`filled` and `spread` of the masked pixels."""
    known = ~mask & ~unknown
    filled, spread = values.copy(), np.ones(mask.shape)
    odd = np.indices(mask.shape).sum(axis=0) % 2 == 1
    particles, _ = label(mask, np.ones((3, 3)))
    for number, around in enumerate(find_objects(particles), 1):
        # With what is beside it.
        box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in around)
        particle = particles[box] == number
        depth = steps_to_the_rim(particle, known[box])
        if depth.any():
            relaxation = relaxed(values[box], particle, known[box], depth, odd[box])
            filled[box] = np.where((depth > 0)[..., None], relaxation, filled[box])
        found = spreads(known, luminance, np.argwhere(particles == number))
        measured = [each for each in found if each is not None]
        usual = np.sqrt(np.mean(np.square(measured))) if measured else 1
        own = np.array([usual if each is None else each for each in found])
        beside_rim, left = depth[particle] == 1, depth[particle] == 0
        spread[particles == number] = np.where(left, 1, np.where(beside_rim, 0.65 * own, own))
    return filled[mask], spread[mask]


def some_dust(shape, seed, share=0.02):
    """Specks, and blocks in two corners."""
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < share
    y, x = rng.integers(0, shape[0], 4), rng.integers(0, shape[1], 4)
    for v, u in zip(y, x, strict=True):
        mask[v : v + 7, u : u + 5] = True
    mask[: shape[0] // 4, : shape[1] // 6] = mask[-2:, -3:] = True
    return mask


def check(image, mask, unknown=None, colours=None, threads=1):
    """The kernel and the plain membranes agree, for a picture of one or three colours."""
    whole = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    picture = image.reshape(*mask.shape, -1) / whole
    colours = colours or picture.shape[2]
    luminance = picture[..., :colours] @ ([0.299, 0.587, 0.114] if colours == 3 else [1])
    membranes = _kernels.Membranes(mask)
    observed, filled, spread = membranes(image, colours, 1 / whole, unknown, threads)
    nothing = np.zeros(mask.shape, bool)
    expected = plain_membranes(
        picture[..., :colours], luminance, mask, nothing if unknown is None else unknown
    )
    assert observed == pytest.approx(picture[mask][:, :colours], rel=1e-6)
    assert filled == pytest.approx(expected[0], abs=2e-5)
    assert spread == pytest.approx(expected[1], rel=1e-3, abs=2e-4)


def picture(shape, dtype, seed):
    values = np.random.default_rng(seed).random(shape)
    return (
        values.astype(dtype)
        if dtype == np.float32
        else (values * np.iinfo(dtype).max).astype(dtype)
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(40, 45), (33, 38, 3), (20, 31, 2), (29, 30, 4)])
def test_a_membrane_is_relaxed_from_the_rim_until_nothing_moves(shape, dtype):
    colours = {2: 1, 4: 3}.get(shape[-1])
    check(picture(shape, dtype, 1), some_dust(shape[:2], 2), colours=colours, threads=3)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_membranes_with_little_known(share):
    mask = np.random.default_rng(3).random((37, 41)) < share
    check(picture((37, 41), np.float32, 3), mask)
    check(picture((37, 41), np.float32, 4), mask, np.random.default_rng(4).random((37, 41)) < 0.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (3, 17), (16, 4)])
def test_membranes_in_pictures_of_any_size(shape):
    rng = np.random.default_rng(5)
    for share in (0.3, 0.7, 1):
        mask = rng.random(shape) < share
        mask.ravel()[0] = True
        check(picture(shape, np.float32, 6), mask)
        check(picture((*shape, 3), np.float32, 7), mask, rng.random(shape) < 0.3)


def test_deep_dust_is_given_more_passes():
    mask = np.zeros((70, 64), bool)
    mask[3:, 5:60] = True
    check(picture((70, 64), np.float32, 8), mask)


def test_a_part_without_a_known_pixel_beside_it_is_left():
    """Two squares that touch at their corners are one particle; nothing is known around one."""
    image = picture((20, 20), np.float32, 9)
    mask, unknown = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    mask[4:8, 4:8] = mask[8:12, 8:12] = True
    unknown[3:9, 3:9] = True
    assert (plain_membranes(image[..., None], image, mask, unknown)[1] == 1).sum() == 16
    check(image, mask, unknown)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 8])
def test_each_of_several_pictures_is_done_on_its_own(count):
    """Some are even, and done at once; others take many passes."""
    mask = some_dust((36, 40), 10)
    planes = [picture((36, 40), np.float32, k) ** (1 + k) * (k % 3 / 2) for k in range(count)]
    _, filled, spread = _kernels.Membranes(mask).together(planes, 1.0, 2)
    for k, plane in enumerate(planes):
        expected = plain_membranes(
            plane[..., None].astype(float), plane, mask, np.zeros(mask.shape, bool)
        )
        assert filled[:, k] == pytest.approx(expected[0][:, 0], abs=2e-5)
        assert spread[:, k] == pytest.approx(expected[1], rel=1e-3, abs=2e-4)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_pictures_of_which_nothing_is_known_are_left(count):
    planes = [picture((3, 4), np.float32, k) for k in range(count)]
    _, filled, spread = _kernels.Membranes(np.ones((3, 4), bool)).together(planes, 1.0, 1)
    assert np.array_equal(filled, np.stack(planes, axis=2).reshape(12, count))
    assert (spread == 1).all()
