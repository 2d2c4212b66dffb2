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
from .fill import dilate
from .response import BLACK, PIXELS_PER_READING, WHITE, Response, fit_response
from .threads import count

# Dust has soft edges: its effect is measured so many pixels beyond the mask.
RIM = 4

# So many frames are held (only their pixels at the dust), to be gone through several times.
FRAMES_HELD = 8
ROUNDS = 4

# Before a particle's frames are counted, it is thought to be in this share of them.
USUAL_SHARE = 0.95

# No more pixels than this are used to find a frame's response.
PIXELS_FOR_RESPONSE = 20000

# Densities are kept in steps of 1/1024, errors in steps of 5 %.
DENSITY_STEP = 1 / 1024
SMALLEST_ERROR, ERROR_STEP = 1e-3, 1.05


@dataclass
class Effect:
    """The dust of a run: N pixels that belong to P particles.

    Parameters
    ----------
    where : bool (H, W), the N pixels, in reading order.
    density, error : float32 (N,), how much light the dust takes (the share exp(-density) passes) and how far that can be trusted.
    share : float32 (P,), in how large a share of the frames each particle was. Particles are connected pixels, in reading order.
    dark : bool (P,), True for particles that are darker than the picture.
    light_response, dark_response : Response, usual for the frames of the run.
    """
    where: np.ndarray
    density: np.ndarray
    error: np.ndarray
    share: np.ndarray
    dark: np.ndarray
    light_response: Response = Response()
    dark_response: Response = Response()

    @cached_property
    def labels(self):
        """int32 (N,), the particle of each pixel."""
        return _kernels.particles(self.where)[2]

    def within(self, region):
        """The part of the effect inside a region, bool (H, W)."""
        if not (self.where & ~region).any():
            return self
        kept = region[self.where]
        where = self.where & region
        labels = _kernels.particles(where)[2]
        origin = np.zeros(labels.max(initial=-1) + 1, np.intp)       # the particle that each new one was part of
        origin[labels] = self.labels[kept]
        return replace(self, where=where, density=self.density[kept], error=self.error[kept], share=self.share[origin], dark=self.dark[origin])

    def pack(self):
        """As the small arrays that travel with a `DustMask`."""
        codes = np.log(np.maximum(self.error, SMALLEST_ERROR) / SMALLEST_ERROR) / np.log(ERROR_STEP)
        return {"where": np.packbits(self.where),
                "density": np.clip(np.rint(self.density / DENSITY_STEP), 0, 65535).astype(np.uint16),
                "error": np.clip(np.rint(codes), 0, 255).astype(np.uint8),
                "share": np.rint(self.share * 255).astype(np.uint8),
                "dark": np.packbits(self.dark),
                "responses": np.array([[r.lift, r.fade] for r in (self.light_response, self.dark_response)], np.float16)}

    @classmethod
    def unpack(cls, arrays, shape):
        """The effect in `DustMask.effect`, of a mask of this shape; None if there is none."""
        if "density" not in arrays:
            return None
        where = np.unpackbits(arrays["where"], count=shape[0] * shape[1]).view(bool).reshape(shape)
        share = arrays["share"].astype(np.float32) / 255
        return cls(where, arrays["density"].astype(np.float32) * np.float32(DENSITY_STEP),
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
    spread : float32 (N,), standard deviation by which the clean picture is likely to differ from `filled`.
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
    return colours[where].astype(np.float32) * scale, filled, np.maximum(spread, np.float32(0.004))


def presence(observed, filled, spread, density, response, labels, share):
    """How probable it is that each particle is in a frame.

    The frame is compared with what it would show with the particle and without it; `share` is what is thought before.

    Parameters
    ----------
    observed, filled, spread, density : float32 (N,)
    response : Response of the frame.
    labels : int (N,), the particle of each pixel.
    share : float (P,)

    Returns
    -------
    float32 (P,)
    """
    expected = response.observed(filled, density) - filled
    residual = np.clip(observed - filled, -2 * np.abs(expected), 2 * np.abs(expected))
    variance = (spread * response.slope(density)) ** 2 + np.float32(0.004 ** 2)
    usable = (filled > BLACK) & (filled < WHITE)
    evidence = usable * (2 * residual - expected) * expected / (2 * variance)
    pixels = np.bincount(labels, minlength=share.size)
    logit = np.bincount(labels, evidence, share.size) / np.clip(pixels, 1, PIXELS_PER_READING)
    before = np.clip(share, 0.02, 0.98)
    logit += np.log(before / (1 - before))
    return (1 / (1 + np.exp(-np.clip(logit, -30, 30)))).astype(np.float32)


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
    ...     meter.add(np.where(np.eye(12, dtype=bool), level + 0.5 * (1 - level), level).astype(np.float32))
    >>> effect = meter.effect()
    >>> bool(abs(np.exp(-effect.density.max()) - 0.5) < 0.05)
    True
    """

    def __init__(self, dusty, *, polarity="light", threads=None):
        self.threads = threads
        self.where = dilate(dusty, RIM, threads=threads)
        _, self.neighbours, self.labels, particles = _kernels.particles(self.where)
        self.dark = None if polarity == "both" else np.full(particles, polarity == "dark")
        self.share = np.full(particles, USUAL_SHARE, np.float32)
        self.responses = {False: Response(), True: Response()}      # of light and of dark dust, usual for the run
        self.density = None
        self._held = []
        self._frames = 0
        self._readings = np.zeros(self.labels.size)             # sum of weight * reading
        self._weights = np.zeros(self.labels.size)
        self._present = np.zeros(particles)                     # sum over frames

    def add(self, plane):
        """Take in a frame: its luminance, float32 (H, W) in 0..1. Give it back what its surroundings suggest, float32 (N,)."""
        observed, filled, spread = look_around(plane, self.where, threads=self.threads)
        self._held.append(tuple(a.astype(np.float16) for a in (observed[:, 0], filled[:, 0], spread)))
        if len(self._held) == FRAMES_HELD:
            self._settle()
        return filled[:, 0]

    def effect(self):
        """What was measured so far, as an `Effect`."""
        self._settle()
        error = 1 / np.sqrt(np.maximum(self._weights, 1e-6))
        return Effect(self.where, self.density.astype(np.float32), error.astype(np.float32), self.share, self.dark, *self.responses.values())

    def result(self):
        """What was measured so far, as it travels with a `DustMask`."""
        return self.effect().pack()

    def _settle(self):
        """Work the held frames in: density, responses and presence depend on each other, so several rounds."""
        if self.density is None:
            self.density = np.zeros(self.labels.size, np.float32)
        if not self._held:
            return
        held = [tuple(a.astype(np.float32) for a in frame) for frame in self._held]
        self._held = []
        if self.dark is None:
            balance = sum(np.bincount(self.labels, (o - f) / s, self.share.size) for o, f, s in held)
            self.dark = balance < 0
        dark = self.dark[self.labels]
        held = [(mirrored(o, dark), mirrored(f, dark), s) for o, f, s in held]
        first = self._frames == 0
        self._frames += len(held)
        responses = [dict(self.responses) for _ in held]
        for step in range(ROUNDS if first else 2):
            if step or not first:
                self._find_responses(held, responses, dark, free=first and step == 1)
            readings, weights, present = self._readings.copy(), self._weights.copy(), self._present.copy()
            for (observed, filled, spread), response in zip(held, responses):
                here = np.ones(self.share.size, np.float32)
                for kind in (False, True):
                    at = dark == kind
                    if not at.any():
                        continue
                    o, f, s, d = (a[at] for a in (observed, filled, spread, self.density))
                    usable = (o > BLACK) & (o < WHITE)
                    if step or not first:
                        predicted = response[kind].observed(f, d)
                        usable &= (predicted > BLACK / 2) & (predicted < (1 + WHITE) / 2)
                        chance = presence(o, f, s, d, response[kind], self.labels[at], self.share)
                        here = np.where(self.dark == kind, chance, here)
                    # A clipped value is better than none.
                    weight = (response[kind].speed(f) / s) ** 2 * np.where(usable, 1, 1e-4) * here[self.labels[at]]
                    readings[at] += weight * response[kind].density(o, f)
                    weights[at] += weight
                present += here
            self.density = np.maximum(readings / np.maximum(weights, 1e-9), 0).astype(np.float32)
            if step or not first:
                self.share = (present / self._frames).astype(np.float32)
        self._readings, self._weights, self._present = readings, weights, present

    def _find_responses(self, held, responses, dark, free):
        """The response of each held frame; in the first rounds also what is usual for the run."""
        for kind in (False, True):
            at = np.flatnonzero((dark == kind) & (self.density > 0.02))
            if at.size == 0:
                continue
            at = at[::max(1, at.size // PIXELS_FOR_RESPONSE)]
            for frame, response in zip(held, responses):
                response[kind] = fit_response(*(a[at] for a in (frame[0], frame[1], self.density, frame[2])), response[kind],
                                              None if free else self.responses[kind])
            self.responses[kind] = Response(float(np.median([r[kind].lift for r in responses])),
                                            float(np.median([r[kind].fade for r in responses])))
