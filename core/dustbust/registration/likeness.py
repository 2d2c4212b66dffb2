"""Other changes of a scan besides its position: quarter turns, resolution, negative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..image.linear import product
from .pyramid import Level
from .transform import NO_DISTORTION, Transform

# Resolutions of two scans differ by at most this factor.
LARGEST_RATIO = 2.1

# Sizes that have the same ratio in both directions, but for this share, may show another
# resolution; a ratio nearer to 1 than LEAST_RATIO is found by the search itself.
SAME_RATIO, LEAST_RATIO = 0.01, 0.02

# The spectra of two scans are compared at this number of radii, from the lowest to the highest
# share of the sampling frequency, and angles; the best PEAKS ratios are tried.
RADII, ANGLES, LOWEST, HIGHEST, PEAKS = 256, 180, 0.02, 0.45, 2

# Turns that the search finds by itself, degrees.
NEAR_TURN = 8

# Two scans are a negative and a positive when the skewness of their details differs in sign and has
# at least this size in both. Text has 1 and more.
SKEWED = 0.3

# Rows of details that are summed at a time.
SKEWNESS_ROWS = 64


@dataclass(frozen=True)
class Likeness:
    """How a scan is made like the reference before it is searched.

    Parameters
    ----------
    quarters : int
        Turned by this number of quarters of a circle, counter-clockwise.
    ratio : float
        Its resolution over that of the reference.
    """

    quarters: int = 0
    ratio: float = 1.0

    def undone(self, transform: Transform, shape: tuple[int, ...]) -> Transform:
        """A transform to the changed scan as one to the scan itself.

        Parameters
        ----------
        transform : Transform
        shape : tuple of int
            Of the scan itself.
        """
        back = self.back(shape)
        distortion = transform.distortion
        if len(distortion):
            flat = product(distortion.reshape(-1, 2), back[:2, :2].T)
            distortion = np.ascontiguousarray(flat.reshape(distortion.shape), np.float32)
        else:
            distortion = NO_DISTORTION
        return Transform(product(back, transform.matrix), distortion, transform.pitch)

    def back(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Pixel of the changed scan to pixel of the scan itself, which has this shape."""
        return product(self._turn(shape), self.scale)

    @property
    def scale(self) -> npt.NDArray[np.float64]:
        """Pixel of the reference's resolution to pixel of the scan's."""
        r = self.ratio
        return np.array([[r, 0, (r - 1) / 2], [0, r, (r - 1) / 2], [0, 0, 1]], float)

    def _turn(self, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Pixel of the turned scan to pixel of the scan."""
        right, bottom = shape[1] - 1, shape[0] - 1
        rows: dict[int, list[list[float]]] = {
            0: [[1, 0, 0], [0, 1, 0]],
            1: [[0, -1, right], [1, 0, 0]],
            2: [[-1, 0, right], [0, -1, bottom]],
            3: [[0, 1, 0], [-1, 0, bottom]],
        }
        return np.array([*rows[self.quarters % 4], [0, 0, 1]], float)


def first_guesses(
    reference: tuple[int, ...], other: tuple[int, ...], stated: float | None = None
) -> list[Likeness]:
    """Guesses from the sizes of two scans and from what their files state, the likeliest first.

    Parameters
    ----------
    reference, other : tuple of int
        Their shapes.
    stated : float or None
        The resolution of the other scan over that of the reference, as their files state them.
    """
    down, across = other[0] / reference[0], other[1] / reference[1]
    turned_down, turned_across = other[1] / reference[0], other[0] / reference[1]
    guesses = [Likeness()]
    if _is_ratio(down, across):
        guesses.insert(0, Likeness(ratio=(down * across) ** 0.5))
    elif _is_ratio(turned_down, turned_across) and reference[0] != reference[1]:
        guesses.insert(0, Likeness(1, (turned_down * turned_across) ** 0.5))
    elif other[:2] == reference[1::-1] and reference[0] != reference[1]:
        guesses.insert(0, Likeness(1))
    if stated is not None and _is_other(stated):
        # Of two scans that are wide and tall, one is probably turned.
        turned = (reference[0] - reference[1]) * (other[0] - other[1]) < 0
        guesses.insert(0, Likeness(int(turned), stated))
    return guesses


def stated_ratio(
    reference: tuple[float, float] | None, other: tuple[float, float] | None
) -> float | None:
    """The ratio of two resolutions (across, down); None if it is not known or not the same in both.

    Examples
    --------
    >>> stated_ratio((300.0, 300.0), (450.0, 450.0))
    1.5
    """
    if reference is None or other is None:
        return None
    across, down = other[0] / reference[0], other[1] / reference[1]
    return (across * down) ** 0.5 if abs(across / down - 1) < SAME_RATIO else None


def _is_ratio(down: float, across: float) -> bool:
    return abs(down / across - 1) < SAME_RATIO and _is_other(down)


def _is_other(ratio: float) -> bool:
    """Whether a ratio of resolutions needs a guess of its own, and may be that of two scans."""
    return abs(ratio - 1) > LEAST_RATIO and 1 / LARGEST_RATIO < ratio < LARGEST_RATIO


def more_guesses(first: Level, second: Level) -> Iterator[Likeness]:
    """Guesses from the spectra of two levels that are reduced by the same factor.

    A shift does not change the magnitude of a spectrum. A turn turns it, and another resolution
    stretches it.

    References
    ----------
    B. S. Reddy, B. N. Chatterji, "An FFT-based technique for translation, rotation, and
    scale-invariant image registration", 1996, doi:10.1109/83.506761.
    """
    one, two = (np.fft.rfft2(_log_polar(level)) for level in (first, second))
    product = one * np.conj(two)
    surface = np.fft.irfft2(product / np.maximum(np.abs(product), 1e-12), (ANGLES, RADII))
    step = np.log(HIGHEST / LOWEST) / RADII
    shift = np.fft.fftfreq(RADII, 1 / RADII)
    reach = np.abs(shift * step) <= np.log(LARGEST_RATIO)
    degrees = np.arange(ANGLES) * 180 / ANGLES
    for quarters in (0, 1):
        apart = np.abs((degrees - 90 * quarters + 90) % 180 - 90)
        near = surface[apart <= NEAR_TURN].max(axis=0)
        near[~reach] = -np.inf
        for _ in range(PEAKS):
            at = int(np.argmax(near))
            ratio = float(np.exp(shift[at] * step))
            near[np.arange(at - 2, at + 3) % RADII] = -np.inf
            near_one = abs(ratio - 1) <= LEAST_RATIO
            if not (near_one and quarters == 0):
                yield Likeness(quarters, 1.0 if near_one else ratio)


def _log_polar(level: Level) -> npt.NDArray[np.float64]:
    """The spectrum of the details of a level, by angle and logarithm of the frequency."""
    details = np.nan_to_num(level.details).astype(float)
    details *= np.hanning(details.shape[0])[:, None] * np.hanning(details.shape[1])[None]
    side = 2 ** int(np.ceil(np.log2(max(details.shape))))
    spectrum = np.log1p(np.abs(np.fft.fftshift(np.fft.fft2(details, (side, side)))))
    radius = side * LOWEST * (HIGHEST / LOWEST) ** (np.arange(RADII) / RADII)
    angle = np.pi * np.arange(ANGLES)[:, None] / ANGLES
    y, x = side / 2 + radius * np.sin(angle), side / 2 + radius * np.cos(angle)
    row, column = np.floor(y).astype(int), np.floor(x).astype(int)
    v, u = y - row, x - column
    values = (1 - v) * (
        (1 - u) * spectrum[row, column] + u * spectrum[row, (column + 1) % side]
    ) + v * (
        (1 - u) * spectrum[(row + 1) % side, column]
        + u * spectrum[(row + 1) % side, (column + 1) % side]
    )
    result: npt.NDArray[np.float64] = values - values.mean(axis=0)
    return result


def is_negative(first: Level, second: Level) -> bool:
    """Whether one of two levels is dark where the other one is light."""
    skews = [_skewness(level.details) for level in (first, second)]
    return bool(skews[0] * skews[1] < 0 and min(map(abs, skews)) > SKEWED)


def _skewness(details: npt.NDArray[np.float32]) -> float:
    """The skewness of the details that are known, 0 if there are none."""
    number, sums = 0, np.zeros(3)
    for top in range(0, len(details), SKEWNESS_ROWS):  # float64 copies of all would take much room
        rows = details[top : top + SKEWNESS_ROWS]
        values = rows[np.isfinite(rows)].astype(float)
        squares = values * values
        # A product of two arrays: the power of an array takes ten times as long.
        sums += values.sum(), squares.sum(), (squares * values).sum()
        number += values.size
    mean, second, third = sums / max(number, 1)
    variance = second - mean**2
    return float((third - 3 * mean * second + 2 * mean**3) / variance**1.5) if variance > 0 else 0.0
