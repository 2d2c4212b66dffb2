"""Systems of equations with a band, against numpy."""

import numpy as np
import pytest

from dustbust import _kernels


def with_band(count, width, seed):
    """A positive definite matrix, and its diagonals from the main one upwards."""
    rng = np.random.default_rng(seed)
    matrix = np.triu(np.tril(rng.normal(size=(count, count)), width - 1))
    matrix = np.triu(matrix, 1) + np.triu(matrix, 1).T + 2 * width * np.eye(count)
    band = np.full((count, width), 7.0)  # what lies beyond the matrix does not count
    for k in range(min(width, count)):
        band[: count - k, k] = np.diagonal(matrix, k)
    return matrix, band


@pytest.mark.parametrize("count", [1, 2, 5, 40])
@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("columns", [1, 2, 5])
def test_solutions_are_those_of_the_whole_matrix(count, width, columns):
    matrix, band = with_band(count, width, count)
    right = np.random.default_rng(1).normal(size=(count, columns))
    before = band.copy(), right.copy()
    found = _kernels.solve_band(band, right)
    assert found == pytest.approx(np.linalg.solve(matrix, right), rel=1e-9, abs=1e-12)
    assert np.array_equal(band, before[0])
    assert np.array_equal(right, before[1])


@pytest.mark.parametrize("pivot", [0.0, -1.0])
@pytest.mark.parametrize("row", [0, 3])
def test_a_matrix_that_is_not_positive_definite_is_refused(pivot, row):
    _, band = with_band(4, 1, 2)
    band[row] = pivot
    with pytest.raises(ValueError, match="positive definite"):
        _kernels.solve_band(band, np.ones((4, 1)))


def test_a_band_without_coupling_is_solved_number_by_number():
    band = np.array([[2.0, 0.0], [4.0, 0.0], [8.0, 0.0]])
    assert _kernels.solve_band(band, np.ones((3, 1))).ravel().tolist() == [0.5, 0.25, 0.125]


def test_small_pivots_and_rows_that_are_taken_off_once():
    """[[1, 1, 0], [1, 2, 1], [0, 1, 2]], and a sixteenth of it, times (1, 2, 3)."""
    band, right = np.array([[1.0, 1.0], [2.0, 1.0], [2.0, 0.0]]), np.array([[3.0], [8.0], [8.0]])
    for scale in (1, 1 / 16):
        assert _kernels.solve_band(scale * band, scale * right).ravel().tolist() == [1, 2, 3]
