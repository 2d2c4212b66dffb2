"""Dust or picture? Candidates for particles, and how much speaks for each of them.

What many pictures share (horizons, bright centres, foliage everywhere) leaves traces in the mean of few frames that look like dust. They
give themselves away frame by frame: dust takes nearly the same share of the light in each frame, picture does not. For each candidate and
frame the reading of the whole candidate, in units of its mean opacity, is compared under both hypotheses: for dust about one over the share
of the frames that it is in, for picture about 0, both with the spread of its surroundings and with the heavy tails that pictures have. The logarithms of the
ratios are added over the frames. How much is asked for depends on how many of the candidates turn out to be dust: where hardly any does,
the few best of thousands are no dust either.
"""

from copy import copy

import numpy as np

from .. import _kernels
from ..image.block_grid import block_side
from ..image.morphology import connected
from .opacity import LOWEST_READING

# By how much of its opacity the readings of one particle differ from frame to frame, because each is converted in its own way.
CONVERSION = 0.4

# In how large a share of the frames a particle may be, and how probable each of these shares is: most dust stays.
SHARES, PROBABLE = np.array([0.9, 0.7, 0.5])[:, None], np.array([0.8, 0.1, 0.1])[:, None]

# Degrees of freedom of Student's t for what is left of a picture after its background is taken off.
TAILS = 3

# The pixels of a block err together, and so do those of a large candidate: it says as much as this many independent ones at most.
INDEPENDENT_PARTS = 4

# What is to speak for a particle (natural logarithm of the odds) when half of the candidates are dust; and beyond doubt.
ENOUGH, CERTAIN = 5.0, 15.0

# Evidence is summed in whole steps of this size, so that sums do not depend on their order.
LOG_DENSITY_STEP = 2.0**-20


class Evidence:
    """What the frames of a run say about candidates.

    Parameters
    ----------
    opacity : float32 (H, W), the first map.
    mask : bool (H, W), where the candidates are.
    polarity : "light" or "dark".
    """

    def __init__(self, opacity, mask, polarity):
        self.shape, self.side, self.polarity = opacity.shape, block_side(opacity.shape), polarity
        self.positions, self.labels, self.particles = connected(mask)
        self.expected = np.maximum(opacity.ravel()[self.positions], np.float32(1e-3))
        self.area, self.power = self._sizes(self.labels, self.expected)
        self._empty()

    def _empty(self):
        self.odds, self.present = (
            np.zeros((len(SHARES), self.particles), np.int64) for _ in range(2)
        )
        self.frames = np.zeros(self.particles, np.int64)

    def _sizes(self, labels, expected):
        """Pixels of each candidate, and the sum of the squares of what is expected of them."""
        return np.bincount(labels, minlength=self.particles), np.bincount(
            labels, expected.astype(np.float64) ** 2, self.particles
        )

    def another(self):
        """An empty one for the same candidates."""
        other = copy(self)
        other._empty()
        return other

    def look(self, plane, surroundings, seen=None):
        """What a frame says of each candidate, if it is in one of `SHARES` of the frames: logarithm of the odds that it is dust, and how probable
        it is that it is there, both in whole steps, int64 (shares, P); and whether the frame shows its place, bool (P,).

        Parameters
        ----------
        plane : luminance of the frame, float32 (H, W).
        surroundings : of the plane.
        seen : bool (H, W), False where the frame has no data; None: it has everywhere.
        """
        positions, labels, expected, area, power = (
            self.positions,
            self.labels,
            self.expected,
            self.area,
            self.power,
        )
        if seen is not None:
            at = seen.ravel()[positions]
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
        # What is missing from some frames takes more light where it is than in the mean of all.
        dust = _log_density(reading - 1 / SHARES, np.hypot(deviation, CONVERSION / SHARES))
        odds, present = (np.zeros(self.odds.shape, np.int64) for _ in range(2))
        odds[:, shown] = np.rint(
            (np.logaddexp(np.log(SHARES) + dust, np.log(1 - SHARES) + picture) - picture)
            / LOG_DENSITY_STEP
        )
        present[:, shown] = np.rint(
            1 / (1 + np.exp(np.clip(picture - dust, -50, 50))) / LOG_DENSITY_STEP
        )
        return odds, present, shown

    def take(self, odds, present, shown):
        """Take in what `look` gave for a frame."""
        self.odds += odds
        self.present += present
        self.frames += shown

    def merge(self, other):
        """Add what another part of the run says about the same candidates."""
        self.odds += other.odds
        self.present += other.present
        self.frames += other.frames

    def share(self):
        """In how large a share of the frames that show its place each candidate was: float (P,)."""
        likeliest = np.argmax(self.odds * LOG_DENSITY_STEP + np.log(PROBABLE), axis=0)
        return (
            self.present[likeliest, np.arange(self.particles)]
            * LOG_DENSITY_STEP
            / np.maximum(self.frames, 1)
        )

    def is_dust(self, certainty=ENOUGH):
        """Which candidates are dust: bool (P,). `certainty`: what is to speak for each, beyond that it is more likely dust than not."""
        odds = np.logaddexp.reduce(self.odds * LOG_DENSITY_STEP + np.log(PROBABLE), axis=0)
        certain = int((odds > CERTAIN).sum())
        return odds > certainty + np.log((self.particles - certain + 1) / (certain + 1))

    def mask_of(self, which):
        """bool (H, W): the pixels of some of the candidates, bool (P,)."""
        mask = np.zeros(self.shape, bool)
        mask.ravel()[self.positions[which[self.labels]]] = True
        return mask


def _log_density(value, deviation):
    """Logarithm of Student's t, but for what does not depend on `value` and `deviation`."""
    return -(TAILS + 1) / 2 * np.log1p((value / deviation) ** 2 / TAILS) - np.log(deviation)
