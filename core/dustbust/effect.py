"""What the dust of a run does to its frames, pixel by pixel: measured in a second pass over the run, used by "restore".

The mask says where the dust is. Around each particle the frame is known, and spans a membrane over it; how far the frame lies from the
membrane is one noisy reading of the dust's density. Readings of many frames, each weighted by how far its surroundings can be trusted,
give the density and its error. With them each frame's `Response` is found, and which particles are there.
"""
from copy import copy
from dataclasses import astuple, dataclass, replace
from functools import cached_property, partial

import numpy as np

from . import _kernels
from .arrays import alpha_channel, check_image, colour_channels, largest
from .errors import DustbustError
from .fill import dilate
from .frames import read_ahead
from .response import BLACK, WHITE, Response, for_each
from .sighting import VALUE_NOISE, moved, sight
from .threads import count

# Dust has soft edges: its effect is measured so many pixels beyond the mask.
RIM = 4

# So many frames are held (only their pixels at the dust), to be gone through so many times.
FRAMES_HELD = 10
ROUNDS = 4

# Before a particle's frames are counted, it is thought to be in this share of them.
USUAL_SHARE = 0.95

# A clipped value is better than none, by so much.
CLIPPED = 1e-4

# What frames say is summed in whole steps of this size, so that sums do not depend on their order.
STEP = 2.0 ** -16

# Densities are kept in steps of 1/1024, errors in steps of 5 %.
DENSITY_STEP = 1 / 1024
SMALLEST_ERROR, ERROR_STEP = 1e-3, 1.05


@dataclass
class Effect:
    """The dust of a run: N pixels that belong to P particles.

    Parameters
    ----------
    where : bool (H, W), the N pixels, in reading order.
    core : bool (H, W), part of `where`: the P particles, connected, in reading order. Other pixels belong to the particle next to them.
    density, error : float32 (N,), how much light the dust takes (the share exp(-density) passes) and how far that can be trusted.
    share : float32 (P,), in how large a share of the frames each particle was.
    dark : bool (P,), True for particles that are darker than the picture.
    light_response, dark_response : Response, usual for the frames of the run.
    """
    where: np.ndarray
    core: np.ndarray
    density: np.ndarray
    error: np.ndarray
    share: np.ndarray
    dark: np.ndarray
    light_response: Response = Response()
    dark_response: Response = Response()

    @cached_property
    def particles(self):
        """(labels, neighbours): int32 (N,), the particle of each pixel; int32 (N, 4), the pixels above, left, right, below or -1."""
        labels, neighbours, _ = _kernels.particles(self.where, self.core)
        return labels, neighbours

    @cached_property
    def membranes(self):
        """What `look_around` needs to know of the N pixels."""
        return _kernels.Membranes(self.where)

    def within(self, region):
        """The part of the effect inside a region, bool (H, W): particles of which nothing is left are dropped."""
        if not (self.where & ~region).any():
            return self
        where, core = self.where & region, self.core & region
        labels = _kernels.particles(where, core)[0]
        where[where] = labels >= 0              # what lost its particle goes, too
        kept = where[self.where]
        origin = np.zeros(labels.max(initial=-1) + 1, np.intp)          # a particle may fall into several
        origin[labels[labels >= 0]] = self.particles[0][kept]
        return replace(self, where=where, core=core, density=self.density[kept], error=self.error[kept], share=self.share[origin],
                       dark=self.dark[origin])

    def pack(self):
        """As the small arrays that travel with a `DustMask`."""
        codes = np.log(np.maximum(self.error, SMALLEST_ERROR) / SMALLEST_ERROR) / np.log(ERROR_STEP)
        return {"where": np.packbits(self.where),
                "core": np.packbits(self.core),
                "density": np.clip(np.rint(self.density / DENSITY_STEP), 0, 65535).astype(np.uint16),
                "error": np.clip(np.rint(codes), 0, 255).astype(np.uint8),
                "share": np.rint(self.share * 255).astype(np.uint8),
                "dark": np.packbits(self.dark),
                "responses": np.array([[r.lift, r.fade] for r in (self.light_response, self.dark_response)], np.float16)}

    @classmethod
    def unpack(cls, arrays, shape):
        """The effect in `DustMask.effect`, of a mask of this shape; None if there is none.

        Raises
        ------
        DustbustError
            when the arrays, which may come from a stranger, do not fit the shape and each other.
        """
        if "density" not in arrays:
            return None
        try:
            effect = cls._unpacked(arrays, shape)
            labels, _ = effect.particles
            fits = (len(effect.density) == len(effect.error) == len(labels) and len(effect.share) == len(effect.dark)
                    and not (effect.core & ~effect.where).any() and 0 <= labels.min(initial=0) and labels.max(initial=-1) < len(effect.share)
                    and arrays["where"].size == arrays["core"].size == -(-shape[0] * shape[1] // 8)
                    and arrays["dark"].size == -(-len(effect.share) // 8)
                    and arrays["responses"].shape == (2, 2) and np.isfinite(arrays["responses"]).all()
                    and arrays["responses"][:, 0].min() > 0)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise DustbustError("what the mask knows of its dust is damaged ({error}); estimate it again", error=error) from error
        if not fits:
            raise DustbustError("what the mask knows of its dust is damaged (its parts do not fit each other); estimate it again")
        return effect

    @classmethod
    def _unpacked(cls, arrays, shape):
        where, core = (np.unpackbits(arrays[name], count=shape[0] * shape[1]).view(bool).reshape(shape) for name in ("where", "core"))
        share = arrays["share"].astype(np.float32) / 255
        return cls(where, core, arrays["density"].astype(np.float32) * np.float32(DENSITY_STEP),
                   (SMALLEST_ERROR * ERROR_STEP ** arrays["error"].astype(np.float32)).astype(np.float32), share,
                   np.unpackbits(arrays["dark"], count=share.size).view(bool),
                   *(Response(float(lift), float(fade)) for lift, fade in arrays["responses"]))


def look_around(frame, membranes, *, also_unknown=None, threads=None):
    """What a frame shows at some pixels, and what their surroundings suggest.

    Parameters
    ----------
    frame : a picture, (H, W) or (H, W, C)
    membranes : `_kernels.Membranes` of the mask of N pixels.
    also_unknown : bool (H, W), more pixels that say nothing about their neighbours.

    Returns
    -------
    observed, filled : float32 (N, colours) in 0..1
    spread : float32 (N,), standard deviation by which the clean picture is likely to differ from `filled`; 1 where there is no data.
    """
    frame = np.ascontiguousarray(check_image(frame, "frame"))
    alpha, unknown = alpha_channel(frame), also_unknown
    if alpha is not None:
        unknown = alpha == 0 if unknown is None else unknown | (alpha == 0)
    observed, filled, spread = membranes(frame, colour_channels(frame).shape[2], np.float32(1 / largest(frame.dtype)), unknown, count(threads))
    if alpha is not None:
        hidden = alpha.ravel()[membranes.positions] == 0
        filled[hidden & (spread == 1)] = 0          # all around is hidden, too: that of the pixel itself says nothing
        observed[hidden], spread[hidden] = filled[hidden], 1
    return observed, filled, np.maximum(spread, np.float32(VALUE_NOISE))


def mirrored(values, dark):
    """Values with black and white exchanged where the dust is dark."""
    return np.where(dark if values.ndim == 1 else dark[:, None], 1 - values, values) if dark.any() else values


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


class EffectMeter:
    """Measures the effect of dust, frame after frame.

    The first FRAMES_HELD frames settle what is to be expected of the others; so they are best taken from all over the run. Then each
    frame is read once, for itself, and the readings are summed in whole steps: the sums do not depend on the order of the frames, and
    those of parts of a run merge to the same bytes.

    Parameters
    ----------
    dusty : bool (H, W), where the dust is.
    polarity : "light", "dark" or "both".

    >>> meter = EffectMeter(np.eye(12, dtype=bool))
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
        self._held = {}             # number of a frame -> what it shows
        self._readings = 0          # sum of weight * density, int64 (N,)
        self._weights = 0           # sum of the weights, int64 (N,)
        self._present = 0           # sum of the chances, int64 (P,)
        self._responses = []        # of each frame: lift and fade for light dust, lift and fade for dark dust

    def another(self):
        """An empty meter for other frames of the run, which expects the same of them."""
        other = copy(self)
        other._held, other._responses = {}, []
        other._readings = other._weights = other._present = 0
        return other

    def __getstate__(self):
        # What follows from the place of the dust is found again rather than sent to another process.
        return {name: value for name, value in vars(self).items() if name not in ("where", "graph", "membranes")}

    @cached_property
    def where(self):
        """bool (H, W), the N pixels at which the effect is measured."""
        return dilate(self.core, RIM, threads=self.threads)

    @cached_property
    def graph(self):
        """(labels, neighbours) as `Effect.particles`, and how many particles there are."""
        return _kernels.particles(self.where, self.core)

    @cached_property
    def membranes(self):
        return _kernels.Membranes(self.where)

    def look(self, plane, seen=None, *, threads=None):
        """What a frame says about the dust, for `take`: it depends on the frame and on what is expected, nothing else.

        Parameters
        ----------
        plane : luminance of the frame, float32 (H, W) in 0..1.
        seen : bool (H, W), False where the frame has no data; None: it has everywhere.
        """
        if seen is not None:
            plane = np.stack([plane, seen], axis=2, dtype=np.float32)
        observed, filled, spread = look_around(plane, self.membranes, threads=threads)
        values = observed[:, 0], filled[:, 0], spread
        return tuple(a.astype(np.float16) for a in values) if self.expected is None else self._read(values)

    def take(self, number, said):
        """Take in what `look` gave for the frame with this number."""
        if self.expected is None:
            self._held[number] = said
        else:
            self._count(said)

    def _count(self, said):
        self._readings += in_steps(said.weight * said.density)
        self._weights += in_steps(said.weight)
        self._present += in_steps(said.chance)
        self._responses.append([value for kind in (False, True) for value in astuple(said.responses[kind])])

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
        self.expected = Expected(np.zeros(labels.size, np.float32), np.full(particles, USUAL_SHARE, np.float32), self._polarities(held),
                                 {False: Response(), True: Response()})
        for step in range(ROUNDS if held else 0):
            readings, weights, present, responses = np.float32(0), np.float32(0), np.float32(0), []
            for said in read_ahead(held, partial(self._read, blind=step == 0, free=step == 1), self.threads):
                readings += said.weight * said.density
                weights += said.weight
                present += said.chance
                responses.append(said.responses)
                if step == ROUNDS - 1:
                    self._count(said)
            self.expected = replace(self.expected, density=density_of(readings, weights))
            if step > 0:
                self.expected = replace(self.expected, share=present / np.float32(len(held)), usual={
                    kind: Response(*np.median([astuple(each[kind]) for each in responses], axis=0).tolist()) for kind in (False, True)})

    def effect(self):
        """What was measured so far, as an `Effect`."""
        if self.expected is None:
            self.settle()
        frames = len(self._responses)
        if frames == 0:
            density, share, responses = self.expected.density, self.expected.share, self.expected.usual.values()
            weights = np.zeros_like(density)
        else:
            weights = self._weights * STEP
            density = density_of(self._readings * STEP, weights)
            share = (self._present * (STEP / frames)).astype(np.float32)
            medians = np.median(self._responses, axis=0).tolist()
            responses = Response(*medians[:2]), Response(*medians[2:])
        error = 1 / np.sqrt(np.maximum(weights, 1e-6))
        return Effect(self.where, self.core, density, error.astype(np.float32), share, self.expected.dark, *responses)

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
        sighting = None if blind else sight(observed, filled, spread, density=expected.density, labels=labels, neighbours=neighbours,
                                            share=expected.share, dark=expected.dark, usual=expected.usual, priors=not free, still=free, threads=1)
        responses = expected.usual if blind else sighting.responses
        response = for_each(responses, dark)
        reading = response.density(observed, filled)
        weight = (response.speed(filled) / spread) ** 2
        usable = (observed > BLACK) & (observed < WHITE)
        if sighting:        # what should be clipped, but is not, would make the dust too faint
            predicted = response.observed(filled, sighting.density)
            usable &= (predicted > BLACK / 2) & (predicted < (1 + WHITE) / 2)
        weight *= np.where(usable, 1, np.float32(CLIPPED))
        if blind:
            return Reading(reading, weight, np.ones(particles, np.float32), responses)
        weight *= sighting.chance[labels]
        if sighting.shift != (0.0, 0.0):
            # Moved back to where the dust of the run lies: the difference only, so that what is known does not get blurred.
            down, right = sighting.shift
            difference = moved(weight * (reading - sighting.density), neighbours, -down, -right)
            weight = np.maximum(moved(weight, neighbours, -down, -right), 0)
            reading = expected.density + np.clip(difference / np.maximum(weight, 1e-3), -1, 1)
        return Reading(reading, weight, sighting.chance, responses)


def in_steps(values):
    """Values as whole steps, int64."""
    return np.rint(values * np.float64(1 / STEP)).astype(np.int64)


def density_of(readings, weights):
    """Mean density, float32 (N,), from the sums of weight * density and of the weights."""
    return np.maximum(readings / np.maximum(weights, 1e-9), 0).astype(np.float32)
