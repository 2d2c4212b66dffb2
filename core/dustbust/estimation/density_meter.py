"""Measures what the dust of a run does to its frames.

Readings of many frames, each weighted by how far its surroundings can be trusted, give the density of the dust and its error. With them
each frame's `Response` is found, and which particles are there.
"""

from copy import copy
from dataclasses import astuple, dataclass, replace
from functools import partial

import numpy as np

from .. import _kernels
from ..dust.model import RIM, DustModel, look_around, mirrored
from ..dust.observation import moved, observe
from ..dust.response import BLACK, WHITE, Response, for_each
from ..image.fixed_point import FIXED_POINT_STEP, in_fixed_point
from ..image.morphology import dilate
from ..runtime.read_ahead import read_ahead

# So many frames are held (only their pixels at the dust), to be gone through so many times.
FRAMES_HELD = 10
ROUNDS_OF_METER = 4

# Before a particle's frames are counted, it is thought to be in this share of them.
USUAL_SHARE = 0.95

# A clipped value is better than none, by so much.
CLIPPED = 1e-4


@dataclass(frozen=True)
class Expected:
    """What is known of the dust of a run when one of its frames is looked at.

    Parameters
    ----------
    density : float32 (N,)
    share : float32 (P,)
    dark : bool (P,)
    usual : {False: Response to light dust, True: Response to dark dust}
    """

    density: np.ndarray
    share: np.ndarray
    dark: np.ndarray
    usual: dict


@dataclass(frozen=True)
class Reading:
    """What one frame says about the dust.

    Parameters
    ----------
    density, weight : float32 (N,), a reading of the density, and one over its variance.
    chance : float32 (P,), how probable it is that each particle is there.
    responses : {False: Response to light dust, True: Response to dark dust}
    """

    density: np.ndarray
    weight: np.ndarray
    chance: np.ndarray
    responses: dict


class DensityMeter:
    """Measures the effect of dust, frame after frame.

    A pass over a run, see `passes`. The first frames, about FRAMES_HELD from all over the run, settle what is to be expected of the others.
    Then each frame is read once, for itself.

    Parameters
    ----------
    dusty : bool (H, W), where the dust is.
    polarity : "light", "dark" or "both".

    >>> meter = DensityMeter(np.eye(12, dtype=bool))
    >>> for level in (0.2, 0.4, 0.6):
    ...     meter.add(np.where(np.eye(12, dtype=bool), level + 0.5 * (1 - level), level).astype(np.float32))
    >>> effect = meter.effect()
    >>> bool(abs(np.exp(-effect.density.max()) - 0.5) < 0.1)
    True
    """

    def __init__(self, dusty, *, polarity="light", threads=None):
        self.core = np.ascontiguousarray(dusty)
        self.polarity, self.threads = polarity, threads
        self.expected = None
        self._find_pixels()
        self._held = {}  # number of a frame -> what it shows
        self._readings = 0  # sum of weight * density, int64 (N,)
        self._weights = 0  # sum of the weights, int64 (N,)
        self._present = 0  # sum of the chances, int64 (P,)
        self._responses = []  # of each frame: lift and fade for light dust, lift and fade for dark dust

    def another(self):
        """An empty meter for other frames of the run, which expects the same of them."""
        other = copy(self)
        other._held, other._responses = {}, []
        other._readings = other._weights = other._present = 0
        return other

    @property
    def start(self):
        return partial(DensityMeter.another, self.another())

    def _find_pixels(self):
        self.where = dilate(
            self.core, RIM, threads=self.threads
        )  # bool (H, W), the N pixels at which the effect is measured
        self.graph = _kernels.particles(
            self.where, self.core
        )  # labels, neighbours (see `DustModel.particles`), number of particles
        self.membranes = _kernels.Membranes(self.where)

    def __getstate__(self):
        # What follows from the place of the dust is found again rather than sent to another process.
        return {
            name: value
            for name, value in vars(self).items()
            if name not in ("where", "graph", "membranes")
        }

    def __setstate__(self, state):
        vars(self).update(state)
        self._find_pixels()

    def look(self, plane, seen=None, *, threads=1):
        """What a frame says about the dust, see `passes`: it depends on the frame and on what is expected, nothing else."""
        if seen is not None:
            plane = np.stack([plane, seen], axis=2, dtype=np.float32)
        observed, filled, spread = look_around(plane, self.membranes, threads=threads)
        values = observed[:, 0], filled[:, 0], spread
        return (
            tuple(a.astype(np.float16) for a in values)
            if self.expected is None
            else self._read(values)
        )

    def take(self, number, said):
        """Take in what `look` gave for the frame with this number."""
        if self.expected is None:
            self._held[number] = said
        else:
            self._count(said)

    def _count(self, said):
        self._readings += in_fixed_point(said.weight * said.density)
        self._weights += in_fixed_point(said.weight)
        self._present += in_fixed_point(said.chance)
        self._responses.append(
            [value for kind in (False, True) for value in astuple(said.responses[kind])]
        )

    def add(self, plane):
        """Take in a frame: its luminance, float32 (H, W) in 0..1."""
        self.take(len(self._held), self.look(plane, threads=self.threads))
        if len(self._held) == FRAMES_HELD:
            self.settle()

    def merge(self, other):
        """Take in what another meter of the same dust, which expects the same, saw of other frames."""
        self._held |= other._held
        self._readings += other._readings
        self._weights += other._weights
        self._present += other._present
        self._responses += other._responses

    def settle(self):
        """Find out from the frames that are held what is to be expected, and count them.

        Density, responses and presence depend on each other, so several rounds: the first knows no dust, the second not how frames
        respond to it.
        """
        held = [self._held[number] for number in sorted(self._held)]
        self._held = {}
        labels, _, particles = self.graph
        self.expected = Expected(
            np.zeros(labels.size, np.float32),
            np.full(particles, USUAL_SHARE, np.float32),
            self._polarities(held),
            {False: Response(), True: Response()},
        )
        for step in range(ROUNDS_OF_METER if held else 0):
            readings, weights, present, responses = np.float32(0), np.float32(0), np.float32(0), []
            for said in read_ahead(
                held, partial(self._read, blind=step == 0, free=step == 1), self.threads
            ):
                readings += said.weight * said.density
                weights += said.weight
                present += said.chance
                responses.append(said.responses)
                if step == ROUNDS_OF_METER - 1:
                    self._count(said)
            self.expected = replace(self.expected, density=density_of(readings, weights))
            if step > 0:
                self.expected = replace(
                    self.expected,
                    share=present / np.float32(len(held)),
                    usual={
                        kind: Response(
                            *np.median([astuple(each[kind]) for each in responses], axis=0).tolist()
                        )
                        for kind in (False, True)
                    },
                )

    def effect(self):
        """What was measured so far, as an `DustModel`."""
        if self.expected is None:
            self.settle()
        frames = len(self._responses)
        if frames == 0:
            density, share, responses = (
                self.expected.density,
                self.expected.share,
                self.expected.usual.values(),
            )
            weights = np.zeros_like(density)
        else:
            weights = self._weights * FIXED_POINT_STEP
            density = density_of(self._readings * FIXED_POINT_STEP, weights)
            share = (self._present * (FIXED_POINT_STEP / frames)).astype(np.float32)
            medians = np.median(self._responses, axis=0).tolist()
            responses = Response(*medians[:2]), Response(*medians[2:])
        error = 1 / np.sqrt(np.maximum(weights, 1e-6))
        return DustModel(
            self.where,
            self.core,
            density,
            error.astype(np.float32),
            share,
            self.expected.dark,
            *responses,
        )

    def result(self):
        """What was measured so far, as it travels with a `DustMask`."""
        return self.effect().pack()

    def _polarities(self, held):
        """Which particles are dark, bool (P,)."""
        labels, _, particles = self.graph
        if self.polarity != "both":
            return np.full(particles, self.polarity == "dark")
        balance = np.zeros(particles)
        for frame in held:
            observed, filled, spread = (a.astype(np.float32) for a in frame)
            balance += np.bincount(labels, (observed - filled) / spread, particles)
        return balance < 0

    def _read(self, frame, *, blind=False, free=False):
        """A `Reading` of a frame: what is observed, filled and the spread, float (N,).

        `blind`: without knowing any dust; `free`: without knowing how frames respond to it, and expecting it where it is usually.
        """
        labels, neighbours, particles = self.graph
        expected = self.expected
        dark = expected.dark[labels]
        observed, filled, spread = (np.asarray(a, np.float32) for a in frame)
        observed, filled = mirrored(observed, dark), mirrored(filled, dark)
        sighting = (
            None
            if blind
            else observe(
                observed,
                filled,
                spread,
                density=expected.density,
                labels=labels,
                neighbours=neighbours,
                share=expected.share,
                dark=expected.dark,
                usual=expected.usual,
                priors=not free,
                still=free,
                threads=1,
            )
        )
        responses = expected.usual if blind else sighting.responses
        response = for_each(responses, dark)
        reading = response.density(observed, filled)
        weight = (response.speed(filled) / spread) ** 2
        usable = (observed > BLACK) & (observed < WHITE)
        if sighting:  # what should be clipped, but is not, would make the dust too faint
            predicted = response.observed(filled, sighting.density)
            usable &= (predicted > BLACK / 2) & (predicted < (1 + WHITE) / 2)
        weight *= np.where(usable, 1, np.float32(CLIPPED))
        if blind:
            return Reading(reading, weight, np.ones(particles, np.float32), responses)
        weight *= sighting.chance
        if sighting.shift != (0.0, 0.0):
            # Moved back to where the dust of the run lies: the difference only, so that what is known does not get blurred.
            down, right = sighting.shift
            difference = moved(weight * (reading - sighting.density), neighbours, -down, -right)
            weight = np.maximum(moved(weight, neighbours, -down, -right), 0)
            reading = expected.density + np.clip(difference / np.maximum(weight, 1e-3), -1, 1)
        chance = np.zeros(particles, np.float32)
        chance[labels] = sighting.chance
        return Reading(reading, weight, chance, responses)


def density_of(readings, weights):
    """Mean density, float32 (N,), from the sums of weight * density and of the weights."""
    return np.maximum(readings / np.maximum(weights, 1e-9), 0).astype(np.float32)
