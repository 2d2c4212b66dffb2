"""Steps from a start to the place where two levels fit."""

import numpy as np
import pytest

from dustbust.image.linear import inverse
from dustbust.registration.patches import what_stays
from dustbust.registration.pyramid import CELLS
from dustbust.registration.refine import _BASES, _solve, _solved, _step_matrix, refine
from dustbust.registration.transform import Transform
from helpers.levels import SHAPE, level, moved, shift, soft_noise

WIDTH, HEIGHT, HALF = 128, 96, 64.0


def points(seed=1, number=40):
    """Places of the cells of this number of patches, relative to the middle, over half the size."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (2, CELLS * number))


STEPS = {
    "shift": [0.3, -0.2],
    "similarity": [0.3, -0.2, 0.5, 0.4],
    "affine": [0.3, -0.2, 0.5, 0.4, -0.3, 0.2],
}


@pytest.mark.parametrize("model", STEPS)
def test_the_matrix_of_a_step_moves_points_by_it(model):
    step = np.array(STEPS[model])
    x, y = points()
    displaced = np.einsum("iam,i->am", _BASES[model](x, y), step)
    at = np.array([x * HALF + WIDTH / 2, y * HALF + HEIGHT / 2])
    found = Transform(_step_matrix(model, step, WIDTH, HEIGHT, HALF)).map_points(*at)
    assert found == pytest.approx(at + displaced)


def test_a_similarity_keeps_angles_and_an_affine_step_is_any():
    x, y = points()
    basis = _BASES["similarity"](x, y)
    turned = np.einsum("iam,i->am", basis, [0, 0, 0, 1])
    assert turned == pytest.approx(np.array([-y, x])) or turned == pytest.approx(np.array([y, -x]))
    assert np.einsum("iam,i->am", basis, [0, 0, 1, 0]) == pytest.approx(np.array([x, y]))
    affine = _BASES["affine"](x, y).reshape(6, -1)
    assert np.linalg.matrix_rank(affine) == 6


def equations(model, step, patches=40, noise=0.02, seed=1, slanted=0.0):
    """Normal equations of cells that moved by a step, each with a texture of its own."""
    rng = np.random.default_rng(seed)
    x, y = points(number=patches)
    basis = _BASES[model](x, y)
    truth = np.einsum("iam,i->am", basis, step)
    gradients = rng.normal(size=(20, 2, x.size))
    gradients[:, 1] += slanted * gradients[:, 0]  # edges have a direction
    residuals = (gradients * truth).sum(axis=1) + rng.normal(0, noise, (20, x.size))
    weight = 1 / noise**2
    normal = weight * np.einsum("kam,kbm->abm", gradients, gradients)
    right = weight * np.einsum("kam,km->am", gradients, residuals)
    return basis, normal, right


@pytest.mark.parametrize("model", STEPS)
def test_the_step_is_that_of_most_patches(model):
    """A fifth of them moved otherwise, as dust does."""
    step = np.array(STEPS[model])
    basis, normal, right = equations(model, step)
    assert _solve(basis, normal, right) == pytest.approx(step, abs=0.003)
    other = right.copy()
    moved_otherwise = np.repeat(np.arange(40) % 5 == 0, CELLS)
    other[:, moved_otherwise] += np.einsum("abm,b->am", normal, [1.5, 1])[:, moved_otherwise]
    plain = np.linalg.solve(
        np.einsum("iam,abm,jbm->ij", basis, normal, basis), np.einsum("iam,am->i", basis, other)
    )
    found = _solve(basis, normal, other)
    assert np.abs(found - step).max() < 0.35 * np.abs(plain - step).max()


@pytest.mark.parametrize("model", STEPS)
def test_patches_count_by_how_well_the_step_explains_them(model):
    """By Tukey's biweight of chi square, whose median is 1.386 with two degrees of freedom."""
    basis, normal, right = equations(model, np.array(STEPS[model]), slanted=0.8)
    right += np.random.default_rng(2).normal(0, 3000, (2, 40)).repeat(CELLS, axis=1)

    def weighted(weight):
        left = np.einsum("iam,abm,jbm->ij", basis, normal * weight, basis)
        return np.linalg.solve(left, np.einsum("iam,am->i", basis, right * weight))

    rest = right - np.einsum("abm,ibm,i->am", normal, basis, weighted(1.0))
    rest = rest.reshape(2, 40, CELLS).sum(axis=2).T
    of_patches = normal.reshape(2, 2, 40, CELLS).sum(axis=3).transpose(2, 0, 1)
    chi = np.array([r @ np.linalg.inv(n) @ r for r, n in zip(rest, of_patches, strict=True)])
    inside = chi / (4.685**2 * np.median(chi) / 1.386)
    expected = weighted(np.repeat(np.maximum(1 - inside, 0) ** 2, CELLS))
    assert _solve(basis, normal, right) == pytest.approx(expected, rel=1e-6)
    assert np.abs(expected - weighted(1.0)).max() > 1e-3


def test_patches_without_structure_determine_nothing():
    basis, normal, right = equations("shift", np.array(STEPS["shift"]))
    assert np.array_equal(_solve(basis, 0 * normal, 0 * right), np.zeros(2))
    half = np.arange(normal.shape[-1]) < 80
    found = _solve(basis, normal * half, right * half)
    assert found == pytest.approx(STEPS["shift"], abs=0.005)


def test_what_nothing_determines_stays_near_nothing():
    normal, right = np.array([[4.0, 0], [0, 0]]), np.array([2.0, 0])
    assert _solved(normal, right) == pytest.approx([0.5, 0], abs=1e-9)
    matrix = np.array([[4.0, 1], [1, 3]])
    assert _solved(matrix, matrix @ [0.25, -2]) == pytest.approx([0.25, -2], rel=1e-8)


@pytest.mark.parametrize(
    ("models", "true"),
    [
        (("shift",), shift(3.3, -2.2).matrix),
        (("shift", "similarity"), np.array([[1.004, 0.006, 2], [-0.006, 1.004, -1], [0, 0, 1]])),
        (("affine",), np.array([[1.006, 0.004, 1], [0.002, 0.997, -1], [0, 0, 1]])),
    ],
)
def test_levels_are_placed_to_a_hundredth_of_a_pixel(models, true):
    """The start is about a pixel off. Dust that stays does not hold the page."""
    picture = soft_noise(3, SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    back = Transform(inverse(true)).map_points(x, y)
    v, u = np.fft.fftfreq(SHAPE[0])[:, None], np.fft.fftfreq(SHAPE[1])
    # Exact for what has few frequencies: those of the soft noise that matter.
    spectrum = np.fft.fft2(picture)
    rows, columns = np.nonzero(np.abs(spectrum) > 0.02 * np.abs(spectrum).max())
    waves = [
        spectrum[i, j].real * np.cos(2 * np.pi * (v[i, 0] * back[1] + u[j] * back[0]))
        - spectrum[i, j].imag * np.sin(2 * np.pi * (v[i, 0] * back[1] + u[j] * back[0]))
        for i, j in zip(rows, columns, strict=True)
    ]
    other = (np.sum(waves, axis=0) / picture.size).astype(np.float32)
    dust = np.zeros(SHAPE, np.float32)
    dust[64:80, 80:112] = 5 * soft_noise(9)[64:80, 80:112]
    a, b = level(picture + dust), level(other + dust)
    start = Transform(true @ shift(0.8, -0.6).matrix)
    stays = what_stays(a, b, a.corners)
    match = refine(a, b, start, models, stays, iterations=8, precision=0.002)
    corners = np.array([[20, 100, 20], [20, 20, 80]], float)
    found, expected = (each.map_points(*corners) for each in (match.transform, Transform(true)))
    assert np.abs(found - expected).max() < 0.03
    # The patches of dust were left out.
    assert not match.detailed.reshape(6, 8)[4, 5:7].any()
    assert match.share > 0.95


def test_patches_with_dust_in_either_scan_are_left_out():
    """The page moved by two patches and one; dust lies in two by two patches of both scans."""
    picture, dust = soft_noise(3), np.zeros(SHAPE, np.float32)
    dust[32:64, 64:96] = 5 * soft_noise(9)[32:64, 64:96]
    a, b = level(picture + dust), level(moved(picture, 32, 16) + dust)
    match = refine(a, b, shift(32, 16), ("shift",), what_stays(a, b, a.corners), precision=0.1)
    detailed = match.detailed.reshape(6, 8)
    expected = np.ones((5, 6), bool)  # the others are not in the second scan
    expected[2:4, 4:6] = expected[1:3, 2:4] = False
    assert np.array_equal(detailed[:5, :6], expected)


def test_levels_without_overlap_are_left_where_they_are():
    picture = soft_noise(3)
    a, b = level(picture), level(moved(picture, 5, 5))
    start = shift(1000, 0)
    match = refine(a, b, start, ("affine",), np.zeros(len(a.corners)))
    assert match.sums is None
    assert match.transform is start
