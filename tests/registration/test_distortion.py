"""The distortion of uneven film transport, against least squares with dense matrices."""

import numpy as np
import pytest

from dustbust.registration.distortion import Knots, _best_model, refine_distortion
from dustbust.registration.patches import compare
from dustbust.registration.transform import Transform
from helpers.levels import level, soft_noise

HEIGHT, WIDTH = 97, 129
KINDS = {"rows": (13, 1, 8), "columns": (1, 17, 8), "mesh": (3, 4, 48)}


def cells(seed=1, step=4):
    """Places of cells, their normal matrices (2, 2, N), and a generator."""
    rng = np.random.default_rng(seed)
    y, x = (each.ravel().astype(float) for each in np.mgrid[2:HEIGHT:step, 2:WIDTH:step])
    root = rng.normal(size=(2, 2, x.size))
    return x, y, np.einsum("abn,cbn->acn", root, root) + 0.1 * np.eye(2)[..., None], rng


def hats(place, number, pitch):
    """Weights (N, number) of knots at 0, pitch, 2 pitch ... in a line that goes through them."""
    knots = np.arange(number) * pitch
    return np.stack([np.interp(place, knots, np.eye(number)[k]) for k in range(number)], axis=1)


def design(kind, x, y):
    """The displacement of each cell as a matrix (N, 2, unknowns): of x and y of knots, of slope."""
    rows, columns, pitch = KINDS[kind]
    down = hats(y, rows, pitch) if rows > 1 else np.ones((y.size, 1))
    across = hats(x, columns, pitch) if columns > 1 else np.ones((x.size, 1))
    weights = (down[:, :, None] * across[:, None, :]).reshape(x.size, -1)
    line = x if kind == "rows" else y
    along = np.zeros_like(x) if kind == "mesh" else (line - line.mean()) / (np.ptp(line) / 2)
    return np.concatenate(
        [
            np.einsum("nk,ab->nakb", weights, np.eye(2)).reshape(x.size, 2, -1),
            np.einsum("n,ab->nab", along, np.eye(2)),
        ],
        axis=2,
    )


def second_differences(kind):
    """A matrix of all second differences of the knots, each of x and of y."""
    rows, columns, _ = KINDS[kind]
    number = np.arange(rows * columns).reshape(rows, columns)
    lines = [*number, *number.T]
    found = []
    for line in lines:
        for three in zip(line, line[1:], line[2:], strict=False):
            for c in (0, 1):
                row = np.zeros(2 * rows * columns + 2)
                row[[2 * k + c for k in three]] = 1, -2, 1
                found.append(row)
    return np.array(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stiffness", [0.5, 100.0])
def test_knots_are_the_solution_of_least_squares(kind, stiffness):
    x, y, normal, rng = cells()
    right = rng.normal(size=(2, x.size))
    matrix, bends = design(kind, x, y), second_differences(kind)
    dense = np.einsum("nap,abn,nbq->pq", matrix, normal, matrix)
    dense += stiffness * bends.T @ bends + 1e-3 * np.eye(len(dense))
    truth = np.linalg.solve(dense, np.einsum("nap,an->p", matrix, right))
    model = Knots(*KINDS[kind], x, y)
    knots, slope = model.solve(model.equations(normal, right), stiffness)
    assert knots.shape == (*KINDS[kind][:2], 2)
    assert np.append(knots, slope) == pytest.approx(truth, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_the_gain_is_that_of_chi_square(kind):
    x, y, normal, rng = cells(2)
    right = rng.normal(size=(2, x.size))
    model, matrix = Knots(*KINDS[kind], x, y), design(kind, x, y)
    unknown = rng.normal(size=matrix.shape[2])
    moved = matrix @ unknown
    half = rng.random(x.size) < 0.5
    for where in (slice(None), half):
        truth = np.einsum("na,abn,nb->n", moved, normal, moved) - 2 * (right.T * moved).sum(axis=1)
        found = model.chi_square(
            model.equations(normal, right, where),
            unknown[:-2].reshape(*KINDS[kind][:2], 2),
            unknown[-2:],
        )
        assert found == pytest.approx(truth[where].sum(), rel=1e-9)


def moved_by(of):
    """Equations of cells of a level of 200 x 300 px that moved by `of(x, y)` px, and the places."""
    y, x = (each.ravel().astype(float) for each in np.mgrid[2:200:4, 2:300:4])
    normal = np.broadcast_to(200.0 * np.eye(2)[..., None], (2, 2, x.size))
    noise = np.random.default_rng(3).normal(0, 0.05, (2, x.size))
    return (normal, 200 * (np.array([of(x, y), 0 * x]) + noise)), (x, y), (200, 300)


def shape_of(best):
    return None if best is None else (best[0].rows > 1, best[0].columns > 1)


UNEVEN = {
    "rows": lambda x, y: 0.5 * np.sin(y / 9),
    "columns": lambda x, y: 0.5 * np.sin(x / 9),
    "mesh": lambda x, y: 2 * np.sin(y / 60) * np.cos(x / 60),
}
SHAPES = {"rows": (True, False), "columns": (False, True), "mesh": (True, True)}


@pytest.mark.parametrize("kind", SHAPES)
def test_the_kind_that_explains_the_other_half_is_chosen(kind):
    best = _best_model(*moved_by(UNEVEN[kind]), (0, 1))
    assert shape_of(best) == SHAPES[kind]
    # The knots lie 8 px apart along a film, and 64 px in a mesh, from one border to the other.
    assert (best[0].rows, best[0].columns) == {"rows": (26, 1), "columns": (1, 39)}.get(
        kind, (5, 6)
    )


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("before", SHAPES)
def test_a_distortion_that_was_found_keeps_its_kind(kind, before):
    """A mesh can explain what lines explain, but not the other way round."""
    so_far = (9 if SHAPES[before][0] else 1, 9 if SHAPES[before][1] else 1)
    found = shape_of(_best_model(*moved_by(UNEVEN[kind]), so_far))
    assert found in (None, SHAPES[before])
    if before == kind:
        assert found == SHAPES[kind]
    if {before, kind} == {"rows", "columns"}:
        assert found is None


def test_noise_is_not_a_distortion():
    assert _best_model(*moved_by(lambda x, y: 0 * x), (0, 1)) is None


@pytest.mark.parametrize(("gain", "chosen"), [(15, False), (25, True)])
def test_a_distortion_must_lower_chi_square_by_20_for_each_unknown(gain, chosen):
    """Each half of the cells finds the same displacement, and it explains the other half."""
    _, (x, y), shape = moved_by(UNEVEN["rows"])
    normal = np.broadcast_to(np.eye(2)[..., None], (2, 2, x.size))
    shift = np.array([UNEVEN["rows"](x, y), 0 * x])
    unknowns = 2 * (int(np.ceil(199 / 8)) + 1)
    weight = gain * unknowns / (shift**2).sum()
    found = _best_model((weight * normal, weight * shift), (x, y), shape, (2, 1))
    assert (found is not None) == chosen


def uneven_rows(picture, amount):
    """A picture whose rows lie further right by `amount(y)` px; they go around the edges."""
    u = np.fft.rfftfreq(picture.shape[1])
    turn = np.exp(-2j * np.pi * u * amount(np.arange(len(picture)))[:, None])
    shifted = np.fft.irfft(np.fft.rfft(picture) * turn, picture.shape[1])
    return shifted.astype(np.float32)


@pytest.mark.parametrize("upside_down", [False, True])
def test_uneven_transport_is_found_in_two_levels(upside_down):
    shape = (240, 320)
    picture = soft_noise(5, shape)
    other = uneven_rows(picture, lambda y: 0.8 * np.sin(y / 12))
    matrix = np.eye(3)
    if upside_down:
        other, matrix = other[::-1, ::-1], np.array([[-1, 0, 319], [0, -1, 239], [0, 0, 1.0]])
    a, b = level(picture), level(other)
    start = compare(a, b, Transform(matrix))
    match = refine_distortion(a, b, start)
    assert match.transform.distortion.shape[1] == 1  # along rows
    x, y = np.meshgrid(np.arange(20, 300, 10.0), np.arange(10, 230, 5.0))
    found = match.transform.map_points(x, y)
    moved = x + 0.8 * np.sin(y / 12)
    expected = (319 - moved, 239 - y) if upside_down else (moved, y)
    assert np.abs(found - expected).max() < 0.12
    assert np.median(match.alike) > 0.999 > np.median(start.alike)
    # Without any, the match stays as it is.
    plain = compare(a, a, Transform(np.eye(3)))
    assert not len(refine_distortion(a, a, plain).transform.distortion)
