"""Dust or picture? Candidates for particles, and the evidence of the frames for each of them.

Details that many pictures share (horizons, bright centres, foliage) leave traces in the mean of few
frames that look like dust. In single frames the two differ: dust takes nearly the same share of the
light in each frame, and picture does not. For each candidate and frame, the reading of the whole
candidate, in units of its mean opacity, is compared under both hypotheses. The expected reading of
dust is about one over the share of the frames in which it is present, that of picture about 0. Both
have the spread of the surroundings and the heavy tails of pictures. The log-likelihood ratios are
added over the frames. The evidence that is required depends on the share of the candidates that
turn out to be dust. If hardly any candidate is dust, the best few of thousands are not dust either.
"""

from copy import copy
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Grey, Mask, Plane
from ..image.block_grid import block_side
from ..image.morphology import connected
from .background import Surroundings
from .opacity import LOWEST_READING

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# The constants of this module were chosen on runs of simulated film whose dust is known.

# Readings of one particle differ from frame to frame by this share of its opacity, because each
# frame is converted in its own way.
CONVERSION = 0.4

# Shares of the frames in which a particle may be present, and the prior probability of each: most
# dust stays.
SHARES, PRIORS = np.array([0.9, 0.7, 0.5])[:, None], np.array([0.8, 0.1, 0.1])[:, None]

# Degrees of freedom of Student's t for the difference between a picture and its background.
TAILS = 3

# Errors of the pixels of a block are correlated, and so are those of a large candidate: it counts
# as at most this many independent readings.
INDEPENDENT_PARTS = 4

# Log odds that are required of a particle when half of the candidates are dust; and log odds at
# which a particle counts as certain.
ENOUGH, CERTAIN = 5.0, 15.0

# A candidate that fewer frames show, near the edge of frames that do not share one grid, cannot be
# told from picture.
FEWEST_FRAMES = 3

# Near the edge of frames that do not share one grid, candidates that fewer than the share
# PARTLY_SHOWN of the frames show need MORE log odds: few pictures are more easily alike. On
# simulated rolls that wander by 48 px, 2 of 80 such particles were picture, with log odds up to 1.3
# above those required. All but one of the others were at least 2.9 above them.
PARTLY_SHOWN, MORE = 0.75, 2.5

# Evidence is summed in whole steps of this size, so that sums do not depend on their order.
LOG_DENSITY_STEP = 2.0**-20


class Observed(NamedTuple):
    """The evidence of one frame for P candidates, under each hypothesis of `SHARES`.

    Parameters
    ----------
    log_ratios : ndarray of int64, shape (S, P)
        Log-likelihood ratio of dust to picture, in steps of LOG_DENSITY_STEP.
    present : ndarray of int64, shape (S, P)
        Probability that the candidate is present, in the same steps.
    shown : ndarray of bool, shape (P,)
        Whether the frame has data at the candidate.
    """

    log_ratios: Integers
    present: Integers
    shown: Mask


class Evidence:
    """Evidence of the frames of a run for P candidates.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map of the first pass.
    mask : ndarray of bool, shape (H, W)
        Pixels of the candidates.
    polarity : {"light", "dark"}
        Kind of dust.
    """

    def __init__(self, opacity: Plane, mask: Mask, polarity: str) -> None:
        self.shape, self.side, self.polarity = opacity.shape, block_side(opacity.shape), polarity
        self.positions, self.labels, self.particles = connected(mask)
        self.expected = np.maximum(opacity.ravel()[self.positions], np.float32(1e-3))
        self.area, self.power = self._sizes(self.labels, self.expected)
        self._empty()

    def _empty(self) -> None:
        self.log_ratios, self.present = (
            np.zeros((len(SHARES), self.particles), np.int64) for _ in range(2)
        )
        self.frames = np.zeros(self.particles, np.int64)

    def _sizes(
        self, labels: npt.NDArray[np.int32], expected: npt.NDArray[np.float32]
    ) -> tuple[Integers, Floats]:
        """Area of each candidate, and the sum of squares of its expected opacity."""
        area = np.bincount(labels, minlength=self.particles).astype(np.int64)
        power = np.bincount(labels, expected.astype(np.float64) ** 2, self.particles)
        return area, power.astype(np.float64)

    def another(self) -> "Evidence":
        """Empty evidence for the same candidates."""
        other = copy(self)
        other._empty()
        return other

    def look(
        self, plane: Grey, surroundings: Surroundings, has_data: Mask | None = None
    ) -> Observed:
        """The evidence of one frame for each candidate.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            The frame's luminance, in the range of its dtype.
        surroundings : Surroundings
            Those of the plane.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.
        """
        positions, labels, expected, area, power = (
            self.positions,
            self.labels,
            self.expected,
            self.area,
            self.power,
        )
        if has_data is not None:
            at = has_data.ravel()[positions]
            positions, labels, expected = positions[at], labels[at], expected[at]
            area, power = self._sizes(labels, expected)
        gain = surroundings.gain(self.polarity)
        reading, variance = _kernels.particle_readings(
            plane,
            surroundings.background,
            gain,
            surroundings.variance * gain**2,
            self.side,
            LOWEST_READING,
            positions,
            labels,
            expected,
            self.particles,
        )
        shown = power > 0
        reading, variance, area, power = (
            reading[shown] / power[shown],
            variance[shown],
            area[shown],
            power[shown],
        )
        together = np.minimum(np.maximum(area / INDEPENDENT_PARTS, self.side**2), area)
        deviation = np.sqrt(variance * together) / power
        picture = _log_density(reading, deviation)
        # A particle that is absent from some frames takes more light where it is present than in
        # the mean of all frames.
        dust = _log_density(reading - 1 / SHARES, np.hypot(deviation, CONVERSION / SHARES))
        log_ratios, present = (np.zeros(self.log_ratios.shape, np.int64) for _ in range(2))
        log_ratios[:, shown] = np.rint(
            (np.logaddexp(np.log(SHARES) + dust, np.log(1 - SHARES) + picture) - picture)
            / LOG_DENSITY_STEP
        )
        present[:, shown] = np.rint(
            1 / (1 + np.exp(np.clip(picture - dust, -50, 50))) / LOG_DENSITY_STEP
        )
        return Observed(log_ratios, present, shown)

    def add(self, observed: Observed, *, sign: int = 1) -> None:
        """Add the result of `look` for a frame. `sign` -1 takes it out."""
        self.log_ratios += sign * observed.log_ratios
        self.present += sign * observed.present
        self.frames += sign * observed.shown

    def merge(self, other: "Evidence") -> None:
        """Add the evidence of another part of the run for the same candidates."""
        self.log_ratios += other.log_ratios
        self.present += other.present
        self.frames += other.frames

    def share(self) -> Floats:
        """Share of the frames that show its place in which each candidate is present, (P,)."""
        likeliest = np.argmax(self.log_ratios * LOG_DENSITY_STEP + np.log(PRIORS), axis=0)
        share: Floats = (
            self.present[likeliest, np.arange(self.particles)]
            * LOG_DENSITY_STEP
            / np.maximum(self.frames, 1)
        )
        return share

    def is_dust(self, certainty: float | Floats = ENOUGH) -> Mask:
        """Which candidates are dust.

        Parameters
        ----------
        certainty : float or ndarray of float, shape (P,)
            Log odds that are required when half of the candidates are dust.

        Returns
        -------
        ndarray of bool, shape (P,)
        """
        log_odds = np.logaddexp.reduce(self.log_ratios * LOG_DENSITY_STEP + np.log(PRIORS), axis=0)
        certain = int((log_odds > CERTAIN).sum())
        prior = np.log((self.particles - certain + 1) / (certain + 1))
        partly = self.frames < PARTLY_SHOWN * self.frames.max(initial=0)
        required = certainty + prior + np.where(partly, MORE, 0)
        return np.asarray((log_odds > required) & (self.frames >= FEWEST_FRAMES))

    def mask_of(self, which: Mask) -> Mask:
        """Pixels of some candidates.

        Parameters
        ----------
        which : ndarray of bool, shape (P,)

        Returns
        -------
        ndarray of bool, shape (H, W)
        """
        mask = np.zeros(self.shape, bool)
        mask.ravel()[self.positions[which[self.labels]]] = True
        return mask


def _log_density(value: Floats, deviation: Floats) -> Floats:
    """Logarithm of Student's t, without the terms that depend on neither argument."""
    log_density: Floats = -(TAILS + 1) / 2 * np.log1p((value / deviation) ** 2 / TAILS) - np.log(
        deviation
    )
    return log_density
