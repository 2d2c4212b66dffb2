"""Bringing back the picture under dust: translucent dust is un-mixed, opaque dust is filled."""
from dataclasses import dataclass

import numpy as np

from . import _kernels
from .arrays import LUMA, alpha_channel, colour_channels, from_unit
from .effect import RIM, look_around, mirrored
from .fill import dilate, fill_boxes
from .response import BLACK, WHITE
from .sighting import sight

# Noise of the values of an 8-bit JPEG, which un-mixing amplifies.
NOISE = 1.5 / 255

# How far the response can be trusted, as a share of what it takes away.
RESPONSE_ERROR = 0.05


@dataclass(frozen=True)
class Applied:
    """What was done to a frame.

    Parameters
    ----------
    particles : how many particles the mask has.
    restored, filled, absent : how many of them were un-mixed for the most part, filled for the most part, not in this frame.
    changed : share of the frame's pixels that are not what they were.
    """
    particles: int
    restored: int
    filled: int
    absent: int
    changed: float

    @classmethod
    def of_filled(cls, frame, clean, dusty):
        """Of a frame all of whose dust was filled."""
        particles = count_particles(dusty)
        return cls(particles, 0, particles, 0, share_changed(frame, clean))


def count_particles(mask):
    mask = np.ascontiguousarray(mask)
    return _kernels.particles(mask, mask)[2]


def share_changed(frame, clean):
    changed = frame != clean
    return float(np.mean(changed.any(axis=2) if changed.ndim == 3 else changed))


def restore(frame, dusty, effect, *, threads=None):
    """A frame with the picture under its dust brought back.

    Each pixel is both un-mixed and filled, and the two are weighted by the errors that are to be expected of them.

    Parameters
    ----------
    frame : a picture, left as it is.
    dusty : bool (H, W), what to take off. Dust that `effect` knows nothing of is filled; and the effect away from `dusty` is let be.
    effect : `Effect` of the frame's run.

    Returns
    -------
    clean : like `frame`
    report : `Applied`
    """
    wanted = dilate(dusty, RIM, threads=threads)
    other = dusty & ~effect.where
    effect = effect.within(wanted)
    values, _, share, here = unmix(frame, effect, also_unknown=dilate(other, RIM, threads=threads), threads=threads)
    clean = frame.copy()
    put(clean, effect.where, values)
    if other.any():
        clean, _ = fill_boxes(clean, other, threads=threads)
    others = count_particles(other)
    labels, _ = effect.particles
    among = np.bincount(labels, minlength=here.size) > 0
    unmixed = np.bincount(labels, share * effect.density, here.size) > 0.5 * np.bincount(labels, effect.density, here.size)
    return clean, Applied(int(among.sum()) + others, int((among & here & unmixed).sum()), int((among & here & ~unmixed).sum()) + others,
                          int((among & ~here).sum()), share_changed(frame, clean))


def unmix(frame, effect, *, also_unknown=None, threads=None):
    """The picture at the pixels of an effect.

    Parameters
    ----------
    also_unknown : bool (H, W), more pixels that say nothing about their neighbours.

    Returns
    -------
    clean, filled : float32 (N, colours) in 0..1: with the dust taken off, and what the surroundings alone suggest.
    share : float32 (N,), how much of `clean` is un-mixed, not filled.
    here : bool (P,), which particles are in the frame.
    """
    observed, filled, spread = look_around(frame, effect.where, also_unknown=also_unknown, threads=threads)
    labels, neighbours = effect.particles
    dark = effect.dark[labels]
    observed, filled = mirrored(observed, dark), mirrored(filled, dark)
    luma = LUMA if observed.shape[1] == 3 else np.ones(1, np.float32)
    seen = sight(observed @ luma, filled @ luma, spread, density=effect.density, labels=labels, neighbours=neighbours, share=effect.share,
                 dark=effect.dark, usual={False: effect.light_response, True: effect.dark_response})
    here = seen.chance > 0.5
    clean = observed.copy()
    share = np.zeros(labels.size, np.float32)
    for kind, response in seen.responses.items():
        at = np.flatnonzero((dark == kind) & here[labels])
        o, f, density, error, deviation = observed[at], filled[at], seen.density[at], effect.error[at], spread[at]
        unmixed = response.restored(o, density[:, None])
        gain = 1 / response.slope(density)[:, None]
        variance = ((response.speed(np.clip(unmixed, 0, 1)) * error[:, None]) ** 2 + ((gain - 1) * np.float32(NOISE)) ** 2
                    + (np.float32(RESPONSE_ERROR) * (unmixed - o)) ** 2)
        weight = deviation[:, None] ** 2 / (deviation[:, None] ** 2 + variance)
        weight *= (o > BLACK) & (o < WHITE)         # a clipped value tells nothing
        clean[at] = weight * unmixed + (1 - weight) * f
        share[at] = weight.mean(axis=1)
    return mirrored(clean, dark), mirrored(filled, dark), share, here


def put(image, where, values):
    """Write colours (N, colours) in 0..1 into the pixels of a picture; those without any data, alpha 0, stay as they are."""
    before = colour_channels(image)[where]
    after = from_unit(values, image.dtype)
    alpha = alpha_channel(image)
    if alpha is not None:
        after = np.where((alpha[where] == 0)[:, None], before, after)
    colour_channels(image)[where] = after
