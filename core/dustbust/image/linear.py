"""Products and solutions of small matrices that are the same bytes on every processor.

Those of numpy come from a library whose kernels, and so the last bits, depend on the processor.
"""

import numpy as np
import numpy.typing as npt

from .. import _kernels

Doubles = npt.NDArray[np.float64]


def product(first: npt.ArrayLike, *others: npt.ArrayLike) -> Doubles:
    """Product of matrices, from left to right; the last one may be a vector.

    Parameters
    ----------
    first : array_like of float, shape (I, J)
    *others : array_like of float, shape (J, K), or (J,) for the last

    Returns
    -------
    ndarray of float64

    Examples
    --------
    >>> product([[1, 2], [0, 1]], [[1, 0], [3, 1]], [1, 1]).tolist()
    [9.0, 4.0]
    """
    result = np.asarray(first, float)
    for other in others:
        factor = np.asarray(other, float)
        result = np.einsum("ij,j->i" if factor.ndim == 1 else "ij,jk->ik", result, factor)
    return result


def inverse(matrix: Doubles) -> Doubles:
    """Inverse of a matrix (2, 2), or of one (3, 3) whose last row is 0, 0, 1.

    Examples
    --------
    >>> import numpy as np
    >>> inverse(np.array([[2.0, 0, 6], [0, 4, 4], [0, 0, 1]])).tolist()
    [[0.5, 0.0, -3.0], [0.0, 0.25, -1.0], [0.0, 0.0, 1.0]]
    """
    (a, b), (c, d) = matrix[:2, :2].tolist()
    determinant = a * d - b * c
    result = np.eye(len(matrix))
    result[:2, :2] = np.array([[d, 0 - b], [0 - c, a]]) / determinant
    if len(matrix) > 2:
        result[:2, 2] = 0 - product(result[:2, :2], matrix[:2, 2])
    return result


def solved(matrix: Doubles, right: Doubles) -> Doubles:
    """The solution x of matrix x = right; the matrix is symmetric and positive definite.

    Parameters
    ----------
    matrix : ndarray of float64, shape (N, N)
    right : ndarray of float64, shape (N,)

    Returns
    -------
    ndarray of float64, shape (N,)

    Raises
    ------
    ValueError
        When the matrix is not positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> solved(np.array([[2.0, 1], [1, 2]]), np.array([4.0, 5])).tolist()
    [1.0, 2.0]
    """
    number = len(matrix)
    band = np.zeros((number, number))
    for k in range(number):
        band[: number - k, k] = np.diagonal(matrix, k)
    answer: Doubles = _kernels.solve_band(band, np.ascontiguousarray(right)[:, None])[:, 0]
    return answer
