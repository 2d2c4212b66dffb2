"""Small products, inverses and equations, against numpy."""

import numpy as np
import pytest

from dustbust.image.linear import inverse, product, solved


def test_products_of_matrices_and_a_vector():
    rng = np.random.default_rng(1)
    first, second, vector = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)
    assert product(first, second) == pytest.approx(first @ second)
    assert product(first, second, vector) == pytest.approx(first @ second @ vector)


@pytest.mark.parametrize("size", [2, 3])
def test_inverses_of_turned_sheared_and_moved_grids(size):
    rng = np.random.default_rng(2)
    for _ in range(20):
        matrix = np.eye(size)
        matrix[:2] = rng.normal(size=(2, size))
        assert inverse(matrix) == pytest.approx(np.linalg.inv(matrix))


@pytest.mark.parametrize("number", [1, 2, 7])
def test_equations_with_a_full_matrix(number):
    rng = np.random.default_rng(3)
    root, right = rng.normal(size=(number, number)), rng.normal(size=number)
    matrix = root @ root.T + np.eye(number)
    assert solved(matrix, right) == pytest.approx(np.linalg.solve(matrix, right))
    with pytest.raises(ValueError, match="positive definite"):
        solved(matrix - 1e3 * np.eye(number), right)
