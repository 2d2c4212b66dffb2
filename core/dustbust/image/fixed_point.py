"""Values in whole steps. Sums of whole numbers do not depend on the order of the terms."""

import numpy as np
import numpy.typing as npt

STEPS_OF_16_BIT = 65535

# Size of the steps in which readings of frames are summed.
FIXED_POINT_STEP = 2.0**-16


def to_steps(values: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Values in 0..1 as 16-bit steps, rounded and clipped.

    >>> int(to_steps(0.5))
    32768
    """
    scaled = np.clip(values, 0, 1) * np.float32(STEPS_OF_16_BIT) + np.float32(0.5)
    return np.asarray(scaled).astype(np.uint16)


def in_fixed_point(values: npt.ArrayLike, step: float = FIXED_POINT_STEP) -> npt.NDArray[np.int64]:
    """Values as a whole number of steps, rounded half to even.

    Parameters
    ----------
    values : array_like of float
    step : float
        Size of a step; a power of two, so that the division is exact.

    Returns
    -------
    ndarray of int64, same shape

    Examples
    --------
    >>> int(in_fixed_point(1.0))
    65536
    """
    steps: npt.NDArray[np.int64] = np.rint(np.asarray(values) * np.float64(1 / step)).astype(
        np.int64
    )
    return steps
