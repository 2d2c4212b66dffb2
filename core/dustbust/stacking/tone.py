"""Tone curves between scans: smooth and monotonic, where gain and offset are not enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..image.arrays import Picture, colour_channels, largest
from ..image.filters import gaussian_blur
from ..image.linear import product, solved
from ..image.robust import MEDIAN_OF_ABSOLUTE, TUKEY
from ..registration.register import Registration
from ..runtime.read_ahead import read_ahead
from .brightness import brightened, match_brightness
from .samples import Box, sample_boxes

# Curves have this number of knots, from black to white.
KNOTS = 33

# The joint histogram of both scans has STEPS steps for each. From one step to the next the curve
# rises by at most STEEPEST steps.
STEPS, STEEPEST = 64, 8

# Pixels whose values lie in the same steps in both scans are fitted together. There are as many
# steps as in 8 bits.
FINE_STEPS = 256

# Pixels count half where the brightness changes by about this share of the range from pixel to
# pixel: sharpness and alignment also influence the values there.
FLAT = 0.02

# Smoothness of a curve: the weight of its squared second differences, against the squared residuals
# of a thousandth of the pixels.
SMOOTHNESS = 2.0

# A curve is used when its rms distance from gain and offset is at least this share of the range.
# Noise, dust and clipping can bend a straight line by less.
CURVED = 0.015

# The fewest pixels from which a curve is found, and the fewest at a knot for it to count in this
# distance.
FEWEST_PIXELS, FEWEST_AT_KNOT = 2000, 100

Curve = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evening:
    """The correction that makes a scan as bright as scan 0.

    Parameters
    ----------
    gain, offset : ndarray of float64, shape (colours,)
        gain * value + offset, in the numbers of the scan.
    curves : ndarray of float64, shape (colours, KNOTS), or None
        Tone curves after gain and offset, where these are not enough.
    """

    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    curves: Curve | None = None

    @classmethod
    def unchanged(cls, colours: int) -> Evening:
        """The correction that changes nothing."""
        return cls(np.ones(colours), np.zeros(colours))

    @classmethod
    def between(
        cls,
        first: Picture,
        other: Picture,
        registration: Registration,
        *,
        normalise: bool = True,
        threads: int,
    ) -> Evening:
        """The correction that makes a scan as bright as the first; it always inverts a negative.

        Parameters
        ----------
        first, other : ndarray, shape (H, W) or (H, W, C)
            Of one dtype and one number of colours.
        registration : Registration
            How the page lies in `other`, as seen from `first`.
        normalise : bool
            False only inverts a negative.
        threads : int
        """
        even = cls.unchanged(colour_channels(first).shape[2])
        if registration.negative:
            even = cls(-even.gain, even.offset + largest(first.dtype))
            other = brightened(other, even.gain, even.offset)
        if not normalise:
            return even
        gain, offset = match_brightness(first, other, registration, threads=threads)
        curves = match_curves(first, other, registration, gain, offset, threads=threads)
        if curves is not None:
            return cls(even.gain, even.offset, curves)
        return cls(gain * even.gain, gain * even.offset + offset)


def match_curves(
    first: Picture,
    other: Picture,
    registration: Registration,
    gain: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    *,
    threads: int,
) -> Curve | None:
    """The curves that make the colours of one scan those of another; None for gain and offset.

    Parameters
    ----------
    first, other : ndarray, shape (H, W) or (H, W, C)
        Of one dtype and one number of colours.
    registration : Registration
        How the page lies in `other`, as seen from `first`.
    gain, offset : ndarray of float64, shape (colours,)
        What `match_brightness` found.
    threads : int

    Returns
    -------
    ndarray of float64, shape (colours, KNOTS), or None
        Values in 0..1 at equally spaced values of `other` from 0 to 1; between them linear.

    Notes
    -----
    The first step finds the most likely monotonic path through the joint histogram of both scans.
    Each count is divided by the geometric mean of the two totals of its values. Dust, which is dark
    in one scan where the other shows paper, thus weighs little beside all the paper. The second
    step is a smoothed robust fit near this path.
    """
    white = largest(first.dtype)
    curves, bent = [], False
    for channel in range(colour_channels(first).shape[2]):
        pairs = _pairs(first, other, registration, channel, threads)
        line = np.linspace(0, 1, KNOTS) * gain[channel] + offset[channel] / white
        curve = line if pairs.number.sum() < FEWEST_PIXELS else _fit(pairs)
        at_knots = np.bincount(np.rint(pairs.x * (KNOTS - 1)).astype(int), pairs.number, KNOTS)
        counts = at_knots >= FEWEST_AT_KNOT
        apart = (np.clip(curve, 0, 1) - np.clip(line, 0, 1))[counts]
        bent |= bool(apart.size) and float(np.sqrt(np.mean(apart**2))) > CURVED
        curves.append(curve)
    return np.array(curves) if bent else None


def curved(picture: Picture, curves: Curve) -> Picture:
    """A picture with its colours changed by curves, which `match_curves` gives; alpha stays.

    Parameters
    ----------
    picture : ndarray, shape (H, W, colours) or (H, W, colours + 1)
        Of uint8, uint16 or float32, the dtype of the result.
    curves : ndarray of float64, shape (colours, KNOTS)

    Examples
    --------
    >>> import numpy as np
    >>> brighter = np.sqrt(np.linspace(0, 1, KNOTS))[None]
    >>> curved(np.array([[[0], [64], [255]]], np.uint8), brighter).ravel().tolist()
    [0, 128, 255]
    """
    result: Picture = picture.copy()
    apply_curves(result, curves)
    return result


def evened(
    picture: Picture,
    gain: npt.NDArray[np.float64],
    offset: npt.NDArray[np.float64],
    curves: Curve,
) -> Picture:
    """A picture with gain, offset and curves, as `brightened` and then `curved` give it.

    Integers are looked up in one table.
    """
    if picture.dtype.kind == "f":
        return curved(brightened(picture, gain, offset), curves)
    result: Picture = picture.copy()
    colours = colour_channels(result)
    number = colours.shape[2]
    steps = np.arange(int(largest(picture.dtype)) + 1, dtype=picture.dtype)
    table = brightened(np.repeat(steps[None, :, None], number, axis=2), gain, offset)
    apply_curves(table, curves)
    for channel in range(number):
        colours[..., channel] = table[0, :, channel][colours[..., channel]]
    return result


def apply_curves(picture: Picture, curves: Curve) -> None:
    """Change the colours of a picture by curves, as `curved` does, in its own memory."""
    knots = np.linspace(0, 1, KNOTS)
    white = largest(picture.dtype)
    for channel, curve in enumerate(curves):
        colour = picture[..., channel]
        if picture.dtype.kind == "f":
            colour[...] = np.interp(colour, knots, curve)
        else:
            table = np.interp(np.arange(int(white) + 1) / white, knots, np.clip(curve, 0, 1))
            colour[...] = (table * white + 0.5).astype(picture.dtype)[colour]


@dataclass(frozen=True)
class _Pairs:
    """Values of two scans at the same places of the page, with equal pairs counted together.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Of the other scan and of the first one, in 0..1.
    weight : ndarray of float64, shape (n,)
        Weight of each pair in the fit.
    number : ndarray of int64, shape (n,)
        Number of pixels of each pair.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    number: npt.NDArray[np.int64]


def _pairs(
    first: Picture, other: Picture, registration: Registration, channel: int, threads: int
) -> _Pairs:
    """The values of both scans at samples of the page."""
    white = np.float32(largest(first.dtype))
    cells = FINE_STEPS * FINE_STEPS

    def look(box: Box) -> tuple[Any, ...] | None:
        """The number of pixels in each cell, and the sums of weights, x and y."""
        one = Registration(np.eye(3)).resample(first, box, threads=1)
        two = registration.resample(other, box, threads=1)
        data = (one[..., -1] > 0) & (two[..., -1] > 0)
        if min(data.shape) < 2 or not data.any():
            return None
        planes = [
            gaussian_blur(np.ascontiguousarray(p[..., channel], np.float32) / white, 1.0, 1)
            for p in (two, one)
        ]
        slope = np.max([np.hypot(*np.gradient(plane)) for plane in planes], axis=0)
        weight = (1 / (1 + (slope / np.float32(FLAT)) ** 2))[data]
        x, y = (np.clip(plane[data], 0, 1) for plane in planes)
        columns, rows = (_steps(values, FINE_STEPS) for values in (x, y))
        cell = columns * FINE_STEPS + rows
        each = (weight, weight * x, weight * y)
        return (
            np.bincount(cell, minlength=cells),
            *(np.bincount(cell, values, cells) for values in each),
        )

    number = np.zeros(cells, np.int64)
    sums = np.zeros((3, cells))
    for found in read_ahead(sample_boxes(*first.shape[:2]), look, threads):
        if found is not None:
            number += found[0]
            for total, values in zip(sums, found[1:], strict=True):
                total += values
    used = number > 0
    weights, xs, ys = sums[:, used]
    return _Pairs(xs / weights, ys / weights, weights, number[used])


def _steps(values: npt.NDArray[np.floating[Any]], steps: int) -> npt.NDArray[np.int_]:
    """The index of the step, of equally large steps from 0 to 1, in which each value lies."""
    step: npt.NDArray[np.int_] = (values * steps).astype(int)
    return np.minimum(step, steps - 1)


def _fit(pairs: _Pairs) -> Curve:
    """The curve from x to y."""
    x, y = pairs.x, pairs.y
    path = _path(pairs)
    knots = np.linspace(0, 1, KNOTS)
    curve = np.interp(knots, (np.arange(STEPS) + 0.5) / STEPS, (path + 0.5) / STEPS)
    place = np.minimum((x * (KNOTS - 1)).astype(int), KNOTS - 2)
    share = x * (KNOTS - 1) - place
    bend = np.diff(np.eye(KNOTS), 2, axis=0)
    limit = 3 / STEPS
    for _ in range(4):
        residual = y - np.interp(x, knots, curve)
        w = pairs.weight * np.maximum(1 - (residual / limit) ** 2, 0) ** 2
        sides = ((place, 1 - share), (place + 1, share))
        matrix = SMOOTHNESS * float(w.sum()) / 1000 * product(bend.T, bend)
        matrix += 1e-9 * np.eye(KNOTS)
        right = np.zeros(KNOTS)
        for one, part in sides:
            right += np.bincount(one, w * part * y, KNOTS)
            for two, other in sides:
                at = np.bincount(one * KNOTS + two, w * part * other, KNOTS * KNOTS)
                matrix += at.reshape(KNOTS, KNOTS)
        curve = np.maximum.accumulate(solved(matrix, right))
        fits = np.abs(residual) < limit
        if fits.any():
            spread = _median(np.abs(residual[fits]), pairs.number[fits])
            limit = max(TUKEY / MEDIAN_OF_ABSOLUTE * spread, 1 / STEPS)
    return curve


def _median(values: npt.NDArray[np.float64], number: npt.NDArray[np.int64]) -> float:
    """The median of values that occur `number` times each."""
    order = np.argsort(values)
    counted = np.cumsum(number[order])
    return float(values[order[np.searchsorted(counted, (counted[-1] + 1) // 2)]])


def _path(pairs: _Pairs) -> npt.NDArray[np.int_]:
    """Step of y for each step of x: the monotonic path on which most of the pixels lie."""
    columns, rows = (_steps(values, STEPS) for values in (pairs.x, pairs.y))
    counts = np.bincount(columns * STEPS + rows, pairs.weight, STEPS * STEPS)
    counts = counts.reshape(STEPS, STEPS)
    level = np.sqrt(counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True))
    likely = counts / np.maximum(level, 1e-9)
    best = np.full((STEPS, STEPS), -np.inf)
    came = np.zeros((STEPS, STEPS), int)
    best[0] = likely[0]
    for step in range(1, STEPS):
        before = np.full((STEEPEST + 1, STEPS), -np.inf)
        for rise in range(STEEPEST + 1):
            before[rise, rise:] = best[step - 1, : STEPS - rise]
        came[step] = before.argmax(axis=0)
        best[step] = likely[step] + before.max(axis=0)
    path = np.zeros(STEPS, int)
    path[-1] = int(best[-1].argmax())
    for step in range(STEPS - 1, 0, -1):
        path[step - 1] = path[step] - came[step, path[step]]
    return path
