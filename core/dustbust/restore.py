"""Bringing back the picture under dust: translucent dust is un-mixed, opaque dust is filled."""
from dataclasses import dataclass

import numpy as np

from . import _kernels
from .arrays import LUMA, alpha_channel, colour_channels, from_unit
from .effect import PIXELS_FOR_RESPONSE, RIM, look_around, mirrored, presence
from .fill import dilate, fill_boxes
from .response import BLACK, WHITE, fit_response

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
        particles = _kernels.particles(np.ascontiguousarray(dusty))[3]
        return cls(particles, 0, particles, 0, share_changed(frame, clean))


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
    labels = effect.labels
    unmixed = np.bincount(labels, share * effect.density, here.size) > 0.5 * np.bincount(labels, effect.density, here.size)
    others = _kernels.particles(other)[3]
    return clean, Applied(here.size + others, int((here & unmixed).sum()), int((here & ~unmixed).sum()) + others, int((~here).sum()),
                          share_changed(frame, clean))


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
    labels = effect.labels
    dark = effect.dark[labels]
    observed, filled = mirrored(observed, dark), mirrored(filled, dark)
    luma = LUMA if observed.shape[1] == 3 else np.ones(1, np.float32)
    observed_grey, filled_grey = observed @ luma, filled @ luma
    here = np.ones(effect.share.size, bool)
    clean = observed.copy()
    share = np.zeros(labels.size, np.float32)
    for kind, usual in ((False, effect.light_response), (True, effect.dark_response)):
        at = np.flatnonzero(dark == kind)
        if at.size == 0:
            continue
        density, error, deviation = effect.density[at], effect.error[at], spread[at]
        sample = np.flatnonzero(density > 0.02)
        sample = sample[::max(1, sample.size // PIXELS_FOR_RESPONSE)]
        response = fit_response(observed_grey[at][sample], filled_grey[at][sample], density[sample], deviation[sample], usual, usual)
        chance = presence(observed_grey[at], filled_grey[at], deviation, density, response, labels[at], effect.share)
        here &= (chance > 0.5) | (effect.dark != kind)
        o, f = observed[at], filled[at]
        unmixed = response.restored(o, density[:, None])
        gain = 1 / response.slope(density)[:, None]
        variance = ((response.speed(np.clip(unmixed, 0, 1)) * error[:, None]) ** 2 + ((gain - 1) * np.float32(NOISE)) ** 2
                    + (np.float32(RESPONSE_ERROR) * (unmixed - o)) ** 2)
        weight = deviation[:, None] ** 2 / (deviation[:, None] ** 2 + variance)
        weight *= (o > BLACK) & (o < WHITE)         # a clipped value tells nothing
        clean[at] = weight * unmixed + (1 - weight) * f
        share[at] = weight.mean(axis=1)
    clean = np.where(here[labels][:, None], clean, observed)
    return mirrored(clean, dark), mirrored(filled, dark), share, here


def put(image, where, values):
    """Write colours (N, colours) in 0..1 into the pixels of a picture; those without any data, alpha 0, stay as they are."""
    before = colour_channels(image)[where]
    after = from_unit(values, image.dtype)
    alpha = alpha_channel(image)
    if alpha is not None:
        after = np.where((alpha[where] == 0)[:, None], before, after)
    colour_channels(image)[where] = after
