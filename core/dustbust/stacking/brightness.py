"""Matches the brightness of one scan to that of another scan of the same page."""

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Picture, Plane, alpha_channel, colour_channels, largest
from ..image.filters import gaussian_blur
from ..image.robust import MEDIAN_OF_ABSOLUTE
from ..registration.register import Registration

# Scans are reduced to about REDUCED_SIDE px and then blurred by BLUR px before they are compared.
# This lowers the noise, and it hides small misalignments and the softness of the interpolated scan.
REDUCED_SIDE, BLUR = 768, 2.0

# Differences up to this share of the range are never taken for dust, because they may be the
# difference in brightness that the fit has to find.
LEAST_LIMIT = 0.03

# A smaller difference is not corrected; share of the range, about one level of 8 bits (1/255).
LEAST_DIFFERENCE = 0.004

# One in this number of reduced pixels is used: neighbours are nearly equal after the blur.
USED_PIXELS = 3

# The fit needs at least this number of reduced pixels.
FEWEST_PIXELS = 100


def match_brightness(
    first: Picture, other: Picture, registration: Registration, *, threads: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Gain and offset that make the colours of one scan those of another: gain * value + offset.

    Parameters
    ----------
    first, other : ndarray, shape (H, W) or (H, W, C)
        Of one dtype and one number of colours.
    registration : Registration
        How the page lies in `other`, as seen from `first`.
    threads : int

    Returns
    -------
    gain, offset : ndarray of float64, shape (colours,)
        The offset in the numbers of the pictures.

    Notes
    -----
    Both are fitted to the overlap, without the pixels that differ (dust). The gain is the ratio of
    the standard deviations. Unlike a regression, this ratio is right with noise in both scans, and
    exchanging the scans gives its inverse.
    """
    factor = max(1, round(max(first.shape[:2]) / REDUCED_SIDE))
    white = largest(first.dtype)
    gains, offsets = [], []
    for channel in range(colour_channels(first).shape[2]):
        gain, offset = _fit(*overlap(first, other, registration, channel, factor, threads))
        gains.append(gain)
        offsets.append(offset * white)
    return np.array(gains), np.array(offsets)


def brightened(picture: Picture, gain: npt.ArrayLike, offset: npt.ArrayLike) -> Picture:
    """gain * value + offset for the colours of a picture, with the rounding of `Scans.aligned`.

    Parameters
    ----------
    picture : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
    gain, offset : float or array of float, shape (colours,)
        The offset in the numbers of the picture.

    Returns
    -------
    ndarray
        Like `picture`: integers are clipped to their range and rounded, halves up.

    Examples
    --------
    >>> import numpy as np
    >>> brightened(np.array([[1, 200]], np.uint8), 1.5, 0).tolist()
    [[2, 255]]
    """
    result: Picture = picture.copy()
    colours = colour_channels(result)
    changed = colours * np.asarray(gain, np.float32) + np.asarray(offset, np.float32)
    if picture.dtype.kind == "u":
        changed = np.clip(changed, 0, largest(picture.dtype)) + np.float32(0.5)
    colours[...] = changed.astype(picture.dtype)
    return result


def overlap(
    first: Picture,
    other: Picture,
    registration: Registration,
    channel: int,
    factor: int,
    threads: int,
) -> tuple[Plane, Plane]:
    """One channel of both scans where they overlap, reduced and blurred: float32 (n,) in 0..1."""
    one, two = (_reduced(image, channel, factor, threads) for image in (first, other))
    box = (0, 0, one.shape[1], one.shape[0])
    two = registration.scaled(1 / factor).resample(two, box, threads=threads)
    both = ((one[..., 1] > 0.5) & (two[..., 1] > 0.5)).astype(np.float32)
    inside = both > 0
    weight: Plane = np.maximum(gaussian_blur(both, BLUR, threads), np.float32(1e-6))
    first_values, other_values = (
        (gaussian_blur(np.ascontiguousarray(p[..., 0]) * both, BLUR, threads) / weight)[inside]
        for p in (one, two)
    )
    return first_values, other_values


def _reduced(image: Picture, channel: int, factor: int, threads: int) -> Plane:
    """One channel and the alpha of a picture, `factor` times smaller: float32 (H, W, 2)."""
    alpha = alpha_channel(image)
    planes = [colour_channels(image)[..., channel]] + ([] if alpha is None else [alpha])
    return _kernels.reduce_luminance(
        np.ascontiguousarray(np.stack(planes, axis=2)),
        alpha is not None,
        factor,
        largest(image.dtype),
        threads,
    )


def _fit(first: Plane, second: Plane) -> tuple[float, float]:
    """Gain and offset with gain * second + offset = first, for most of the pixels."""
    gain, offset = 1.0, 0.0
    if first.size < FEWEST_PIXELS:
        return gain, offset
    # The values are blurred, so the pixels left out are nearly equal to their neighbours.
    one, two = (values[::USED_PIXELS].astype(float) for values in (first, second))
    fits = np.ones(one.shape, bool)
    for _ in range(8):
        spread = two[fits].std()
        gain = one[fits].std() / spread if spread > 1e-6 else 1.0
        offset = one[fits].mean() - gain * two[fits].mean()
        difference = np.abs(gain * two + offset - one)
        fits = difference <= max(3 / MEDIAN_OF_ABSOLUTE * np.median(difference), LEAST_LIMIT)
    # A blank page does not determine the gain, and small differences do not justify resampling.
    if not 0.2 < gain < 5 or np.abs(gain * two[fits] + offset - two[fits]).max() < LEAST_DIFFERENCE:
        return 1.0, 0.0
    return float(gain), float(offset)
