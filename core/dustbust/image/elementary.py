"""Exponential function and logarithm that give the same bytes on every processor.

Those of numpy differ in the last bit between processors with and without AVX2 or AVX-512.
"""

import numpy as np
import numpy.typing as npt

from .. import _kernels


def exponential(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Exponential function; the relative error is below 2e-7.

    Parameters
    ----------
    values : array_like of float
        Limited to -80..80.

    Returns
    -------
    ndarray of float32, same shape

    References
    ----------
    S. L. Moshier, Cephes Mathematical Library, 1989, https://www.netlib.org/cephes (expf).

    Examples
    --------
    >>> exponential([0, 1]).round(4).tolist()
    [1.0, 2.7183001041412354]
    """
    return _kernels.exponential(np.asarray(values, np.float32, order="C"))


def logarithm(values: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Natural logarithm; the error is below 2e-7, relative to 1 or to the result.

    Parameters
    ----------
    values : array_like of float
        Greater than 0, and normal numbers.

    Returns
    -------
    ndarray of float32, same shape

    References
    ----------
    S. L. Moshier, Cephes Mathematical Library, 1989, https://www.netlib.org/cephes (logf).

    Examples
    --------
    >>> logarithm([1, 10]).round(4).tolist()
    [0.0, 2.3025999069213867]
    """
    return _kernels.logarithm(np.asarray(values, np.float32, order="C"))
