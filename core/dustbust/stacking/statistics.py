"""Stacking modes: one picture, or one statistic, from several pictures of one shape."""

import numpy as np

from .. import _kernels
from ..image.arrays import largest
from ..runtime.threads import count

# What gives a picture, and what gives numbers about the scans.
PICTURES = ("maximum", "minimum", "mean", "median")
STATISTICS = ("range", "standard deviation", "variance", "sum", "entropy", "skewness", "kurtosis")


def combine(stack, mode, *, alpha=False, threads=None):
    """Combine pictures pixel by pixel and channel by channel.

    Parameters
    ----------
    stack : list of arrays of one shape, (H, W) or (H, W, C), and one dtype: uint8, uint16 or float32.
    mode : one of `PICTURES` or `STATISTICS`.
    alpha : whether the last channel is alpha. Then a picture counts only where its alpha is not 0,
        and the alpha of the result is the largest one.

    Returns
    -------
    Shape of the pictures. Maximum, minimum, mean and median have their dtype; a mean is rounded to the nearest whole number,
    halves to the even one, and the median of an even count is the mean of the middle two. The statistics are float32, in the
    unit of the pictures (entropy in bits, skewness and kurtosis without one).

    Notes
    -----
    The statistics are those of Photoshop's image stacks (https://helpx.adobe.com/photoshop/using/image-stacks.html):
    variance = sum((v - mean)^2) / (n - 1); standard deviation = sqrt(variance);
    skewness = sum((v - mean)^3) / ((n - 1) sd^3); kurtosis = sum((v - mean)^4) / ((n - 1) sd^4), 3 for many normal values;
    entropy = -sum(p log2 p), p being the share of the n scans that have a value.
    What they leave open is 0 here: the variance of one value, and skewness and kurtosis of values that are all the same.

    >>> combine([np.full((1, 1), v, np.uint8) for v in (1, 2, 9)], "median")
    array([[2]], dtype=uint8)
    >>> combine([np.full((1, 1), v, np.uint8) for v in (1, 2, 9)], "variance")
    array([[19.]], dtype=float32)
    """
    if mode not in PICTURES + STATISTICS:
        raise ValueError(f"mode must be one of {', '.join(PICTURES + STATISTICS)}, not {mode!r}")
    stack = [np.ascontiguousarray(picture) for picture in stack]
    kernel = _kernels.combine if mode in PICTURES else _kernels.statistic
    return kernel(stack, mode, alpha, count(threads))


def viewable(values, dtype, *, alpha=False):
    """A statistic as a picture that can be looked at, and the number that is white in it.

    Parameters
    ----------
    values : float32, what `combine` gives for one of `STATISTICS`.
    dtype : of the picture.

    Returns
    -------
    picture : `dtype`, shape of `values`. 0 is black; where values are negative (skewness), 0 is in the middle.
    white : the value that is white: the largest 99.9 % of the values stay below.

    >>> picture, white = viewable(np.array([[0, 20, 40]], np.float32), np.uint8)
    >>> picture, white
    (array([[  0, 128, 255]], dtype=uint8), 40.0)
    """
    colours = values[..., :-1] if alpha else values
    white = float(np.quantile(np.abs(colours), 0.999, method="inverted_cdf")) or 1.0
    unit = colours / np.float32(white)
    if colours.min() < 0:
        unit = (unit + 1) / 2
    picture = np.empty(values.shape, dtype)
    scaled = np.clip(unit, 0, 1) * np.float32(largest(dtype))
    scaled = scaled if np.dtype(dtype).kind == "f" else np.floor(scaled + np.float32(0.5))
    if alpha:
        picture[..., :-1], picture[..., -1] = scaled, values[..., -1]
    else:
        picture[...] = scaled
    return picture, white
