"""What the dust of a run does to its frames, pixel by pixel: measured in a second pass over the run, used by "restore".

The mask says where the dust is. Around each particle the frame is known, and spans a membrane over it; how far the frame lies from the
membrane is one noisy reading of the dust's density. Readings of many frames, each weighted by how far its surroundings can be trusted,
give the density and its error. In the same loop each frame's `Response` is found, and which particles are there.
"""
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from . import _kernels
from .arrays import alpha_channel, check_image, colour_channels, largest
from .errors import DustbustError
from .fill import dilate
from .response import BLACK, WHITE, Response
from .sighting import VALUE_NOISE, moved, sight
from .threads import count

# Dust has soft edges: its effect is measured so many pixels beyond the mask.
RIM = 4

# So many frames are held (only their pixels at the dust), to be gone through several times.
FRAMES_HELD = 8
ROUNDS = 4

# Before a particle's frames are counted, it is thought to be in this share of them.
USUAL_SHARE = 0.95

# A clipped value is better than none, by so much.
CLIPPED = 1e-4

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
                    and not (effect.core & ~effect.where).any() and labels.max(initial=-1) < len(effect.share)
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


def look_around(frame, where, *, also_unknown=None, threads=None):
    """What a frame shows at some pixels, and what their surroundings suggest.

    Parameters
    ----------
    frame : a picture, (H, W) or (H, W, C)
    where : bool (H, W), N pixels.
    also_unknown : bool (H, W), more pixels that say nothing about their neighbours.

    Returns
    -------
    observed, filled : float32 (N, colours) in 0..1
    spread : float32 (N,), standard deviation by which the clean picture is likely to differ from `filled`; 1 where there is no data.
    """
    frame = np.ascontiguousarray(check_image(frame, "frame"))
    where = np.ascontiguousarray(where)
    colours = colour_channels(frame)
    alpha = alpha_channel(frame)
    unknown = where if also_unknown is None else where | also_unknown
    if alpha is not None:
        unknown = unknown | (alpha == 0)
    scale = np.float32(1 / largest(frame.dtype))
    filled, spread = _kernels.surroundings(frame, colours.shape[2], scale, where, unknown, count(threads))
    observed = colours[where].astype(np.float32) * scale
    if alpha is not None:
        hidden = alpha[where] == 0
        observed[hidden], spread[hidden] = filled[hidden], 1
    return observed, filled, np.maximum(spread, np.float32(VALUE_NOISE))


def mirrored(values, dark):
    """Values with black and white exchanged where the dust is dark."""
    return np.where(dark if values.ndim == 1 else dark[:, None], 1 - values, values)


class EffectMeter:
    """Measures the effect of dust, frame after frame.

    Parameters
    ----------
    dusty : bool (H, W), where the dust is.
    polarity : "light", "dark" or "both".

    >>> meter = EffectMeter(np.eye(12, dtype=bool))
    >>> for level in (0.2, 0.4, 0.6):
    ...     _ = meter.add(np.where(np.eye(12, dtype=bool), level + 0.5 * (1 - level), level).astype(np.float32))
    >>> effect = meter.effect()
    >>> bool(abs(np.exp(-effect.density.max()) - 0.5) < 0.1)
    True
    """

    def __init__(self, dusty, *, polarity="light", threads=None):
        self.threads = threads
        self.core = np.ascontiguousarray(dusty)
        self.where = dilate(dusty, RIM, threads=threads)
        self.labels, self.neighbours, particles = _kernels.particles(self.where, self.core)
        self.dark = None if polarity == "both" else np.full(particles, polarity == "dark")
        self.share = np.full(particles, USUAL_SHARE, np.float32)
        self.usual = {False: Response(), True: Response()}      # of light and of dark dust
        self.density = np.zeros(self.labels.size, np.float32)
        self._held = []
        self._frames = 0
        self._readings = np.zeros(self.labels.size, np.float32)     # sum of weight * reading
        self._weights = np.zeros(self.labels.size, np.float32)
        self._present = np.zeros(particles)                         # sum over frames

    def add(self, plane):
        """Take in a frame: its luminance, float32 (H, W) in 0..1. Give back what its surroundings suggest, float32 (N,)."""
        observed, filled, spread = look_around(plane, self.where, threads=self.threads)
        self._held.append(tuple(a.astype(np.float16) for a in (observed[:, 0], filled[:, 0], spread)))
        if len(self._held) == FRAMES_HELD:
            self._settle()
        return filled[:, 0]

    def effect(self):
        """What was measured so far, as an `Effect`."""
        self._settle()
        error = 1 / np.sqrt(np.maximum(self._weights, 1e-6))
        dark = np.zeros(self.share.size, bool) if self.dark is None else self.dark
        return Effect(self.where, self.core, self.density, error.astype(np.float32), self.share, dark, *self.usual.values())

    def result(self):
        """What was measured so far, as it travels with a `DustMask`."""
        return self.effect().pack()

    def _settle(self):
        """Work the held frames in. Density, responses and presence depend on each other, so several rounds."""
        if not self._held:
            return
        held = [tuple(a.astype(np.float32) for a in frame) for frame in self._held]
        self._held = []
        if self.dark is None:
            balance = sum(np.bincount(self.labels, (observed - filled) / spread, self.share.size) for observed, filled, spread in held)
            self.dark = balance < 0
        dark = self.dark[self.labels]
        held = [(mirrored(observed, dark), mirrored(filled, dark), spread) for observed, filled, spread in held]
        first = self._frames == 0
        self._frames += len(held)
        for step in range(ROUNDS if first else 2):
            blind = first and step == 0
            sightings = [None if blind else sight(*frame, density=self.density, labels=self.labels, neighbours=self.neighbours,
                                                  share=self.share, dark=self.dark, usual=self.usual, priors=not (first and step == 1),
                                                  still=first and step == 1) for frame in held]
            readings, weights, present = self._readings.copy(), self._weights.copy(), self._present.copy()
            for frame, sighting in zip(held, sightings):
                reading, weight = self._read(*frame, dark, sighting)
                readings += weight * reading
                weights += weight
                present += 1 if blind else sighting.chance
            self.density = np.maximum(readings / np.maximum(weights, 1e-9), 0)
            if not blind:
                self.share = (present / self._frames).astype(np.float32)
                self.usual = {kind: Response(float(np.median([s.responses[kind].lift for s in sightings])),
                                             float(np.median([s.responses[kind].fade for s in sightings]))) for kind in self.usual}
        self._readings, self._weights, self._present = readings, weights, present

    def _read(self, observed, filled, spread, dark, sighting):
        """Readings of the density in one frame and their weights (one over the variance), both float32 (N,)."""
        reading, weight = np.empty_like(observed), np.empty_like(observed)
        usable = (observed > BLACK) & (observed < WHITE)
        for kind in (False, True):
            at = dark == kind
            response = (sighting.responses if sighting else self.usual)[kind]
            reading[at] = response.density(observed[at], filled[at])
            weight[at] = (response.speed(filled[at]) / spread[at]) ** 2
            if sighting:        # what should be clipped, but is not, would make the dust too faint
                predicted = response.observed(filled[at], sighting.density[at])
                usable[at] &= (predicted > BLACK / 2) & (predicted < (1 + WHITE) / 2)
        weight *= np.where(usable, 1, np.float32(CLIPPED))
        if not sighting:
            return reading, weight
        weight *= sighting.chance[self.labels]
        if sighting.shift == (0.0, 0.0):
            return reading, weight
        # Moved back to where the dust of the run lies: the difference only, so that what is known does not get blurred.
        down, right = sighting.shift
        difference = moved(weight * (reading - sighting.density), self.neighbours, -down, -right)
        weight = np.maximum(moved(weight, self.neighbours, -down, -right), 0)
        return self.density + np.clip(difference / np.maximum(weight, 1e-3), -1, 1), weight
