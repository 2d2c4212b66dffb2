"""Pictures of one shape, combined pixel by pixel into one picture or one statistic."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Picture, largest
from ..runtime.threads import count
from .modes import names_of

# In the picture of a statistic, this share of the values is not clipped at white.
NOT_CLIPPED = 0.999


def combine(
    stack: Sequence[Picture], mode: str, *, alpha: bool = False, threads: int | None = None
) -> Picture:
    """Combine pictures pixel by pixel and channel by channel.

    Parameters
    ----------
    stack : sequence of ndarray, shape (H, W) or (H, W, C)
        Of one shape and one dtype: uint8, uint16 or float32.
    mode : str
        A mode of the table `dustbust.stacking.modes.MODES` that gives a picture or a statistic.
    alpha : bool
        Whether the last channel is alpha. Then a picture counts only where its alpha is not 0, and
        the alpha of the result is the largest one.
    threads : int, optional

    Returns
    -------
    ndarray, shape of the pictures
        A picture has their dtype; a mean is rounded to the nearest whole number, halves to the
        even one, and the median of an even count is the mean of the middle two. Statistics are
        float32, in the unit of the pictures (entropy in bits, skewness and kurtosis without one).

    Raises
    ------
    ValueError
        When there is no such mode.

    References
    ----------
    The statistics are those of Photoshop's image stacks,
    https://helpx.adobe.com/photoshop/using/image-stacks.html:
    variance = sum((v - mean)^2) / (n - 1); standard deviation = sqrt(variance);
    skewness = sum((v - mean)^3) / ((n - 1) sd^3); kurtosis = sum((v - mean)^4) / ((n - 1) sd^4),
    which is 3 for many normal values; entropy = -sum(p log2 p), p being the share of the n scans
    that have a value. Cases that these formulas do not define give 0: the variance of one value,
    and skewness and kurtosis of values that are all the same.

    Examples
    --------
    >>> import numpy as np
    >>> combine([np.full((1, 1), v, np.uint8) for v in (1, 2, 9)], "median")
    array([[2]], dtype=uint8)
    >>> combine([np.full((1, 1), v, np.uint8) for v in (1, 2, 9)], "variance")
    array([[19.]], dtype=float32)
    """
    pictures, statistics = names_of("picture"), names_of("statistic")
    if mode not in pictures + statistics:
        raise ValueError(f"mode must be one of {', '.join(pictures + statistics)}, not {mode!r}")
    stack = [np.ascontiguousarray(picture) for picture in stack]
    kernel = _kernels.combine if mode in pictures else _kernels.statistic
    result: Picture = kernel(stack, mode, alpha, count(threads))
    return result


def viewable(
    values: npt.NDArray[np.float32], dtype: npt.DTypeLike, *, alpha: bool = False
) -> tuple[Picture, float]:
    """A statistic as a picture that can be viewed, and the number that is white in it.

    Parameters
    ----------
    values : ndarray of float32, shape (H, W) or (H, W, C)
        A statistic from `combine`.
    dtype : dtype
        Of the picture: uint8, uint16 or float32.
    alpha : bool
        Whether the last channel is alpha.

    Returns
    -------
    picture : ndarray of `dtype`, shape of `values`
        0 is black; where values are negative (skewness), 0 is in the middle.
    white : float
        The value that is white: 99.9 % of the values are not above it.

    Examples
    --------
    >>> import numpy as np
    >>> picture, white = viewable(np.array([[0, 20, 40]], np.float32), np.uint8)
    >>> picture, white
    (array([[  0, 128, 255]], dtype=uint8), 40.0)
    """
    colours = values[..., :-1] if alpha else values
    white = float(np.quantile(np.abs(colours), NOT_CLIPPED, method="inverted_cdf")) or 1.0
    unit = colours / np.float32(white)
    if colours.min() < 0:
        unit = (unit + 1) / 2
    picture: Picture = np.empty(values.shape, dtype)
    scaled = np.clip(unit, 0, 1) * np.float32(largest(dtype))
    scaled = scaled if np.dtype(dtype).kind == "f" else np.floor(scaled + np.float32(0.5))
    if alpha:
        picture[..., :-1], picture[..., -1] = scaled, values[..., -1]
    else:
        picture[...] = scaled
    return picture, white
