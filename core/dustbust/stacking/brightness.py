"""Brightness between scans: what makes one scan as bright as another that shows the same page."""

import numpy as np

from .. import _kernels
from ..image.arrays import alpha_channel, colour_channels, largest
from ..image.filters import gaussian_blur

# Scans are compared reduced to about this side, px, and blurred by this much, px of that: less noise, and neither
# a small misalignment matters nor that the interpolated scan is less sharp.
REDUCED_SIDE, BLUR = 768, 2.0

# Differences up to this share of the range are never taken for dust: they may be what the fit has to find.
LEAST_LIMIT = 0.03

# A difference that is smaller than this share of the range is left alone.
LEAST_DIFFERENCE = 0.004


def match_brightness(first, other, registration, *, threads):
    """Gain and offset, (colours,) each, that make the colours of `other` those of `first`: gain * value + offset.

    From the overlap, without the pixels that differ (dust). The gain is the ratio of the standard deviations, which, unlike a regression, is right
    with noise in both, and the same from either side.
    """
    factor = max(1, round(max(first.shape[:2]) / REDUCED_SIDE))
    white = largest(first.dtype)
    gains, offsets = [], []
    for channel in range(colour_channels(first).shape[2]):
        one, two = (_reduced(image, channel, factor, white, threads) for image in (first, other))
        two = registration.scaled(1 / factor).resample(
            two, (0, 0, one.shape[1], one.shape[0]), threads=threads
        )
        both = np.float32((one[..., 1] > 0.5) & (two[..., 1] > 0.5))
        inside = both > 0
        weight = np.maximum(gaussian_blur(both, BLUR, threads), 1e-6)
        one, two = (
            gaussian_blur(np.ascontiguousarray(plane[..., 0]) * both, BLUR, threads) / weight
            for plane in (one, two)
        )
        gain, offset = _fit(one[inside], two[inside])
        gains.append(gain)
        offsets.append(offset * white)
    return np.array(gains), np.array(offsets)


def _reduced(image, channel, factor, white, threads):
    alpha = alpha_channel(image)
    planes = [colour_channels(image)[..., channel]] + ([] if alpha is None else [alpha])
    return _kernels.reduce_luminance(
        np.ascontiguousarray(np.stack(planes, axis=2)), alpha is not None, factor, white, threads
    )


def _fit(first, second):
    """gain and offset with gain * second + offset = first, for most of the pixels."""
    gain, offset = 1.0, 0.0
    if first.size < 100:
        return gain, offset
    first, second = first.astype(float), second.astype(float)
    fits = np.ones(first.shape, bool)
    for _ in range(8):
        spread = second[fits].std()
        gain = first[fits].std() / spread if spread > 1e-6 else 1.0
        offset = first[fits].mean() - gain * second[fits].mean()
        difference = np.abs(gain * second + offset - first)
        fits = difference <= max(3 / 0.6745 * np.median(difference), LEAST_LIMIT)
    # A blank page says nothing of the gain, and small differences are not worth resampling for.
    if (
        not 0.2 < gain < 5
        or np.abs(gain * second[fits] + offset - second[fits]).max() < LEAST_DIFFERENCE
    ):
        return 1.0, 0.0
    return float(gain), float(offset)
