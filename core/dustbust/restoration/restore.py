"""Bringing back the picture under dust: translucent dust is un-mixed, opaque dust is filled."""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..dust.model import RIM, look_around, mirrored
from ..dust.observation import as_array, observe
from ..dust.response import BLACK, WHITE
from ..image.arrays import largest, put, share_changed
from ..image.morphology import count_particles, dilate
from ..runtime.threads import count
from .inpaint import fill_at, fill_dust, grain_at

# What un-mixing amplifies, measured on scans: noise of the values, and errors of the density and of the response near white.
NOISE = 5 / 255

# How far a frame's response can be trusted, as a share of what it takes away.
RESPONSE_ERROR = 0.06

# The densities of a pixel and of those beside it are so many times as large as their errors, or there is no dust.
SIGNIFICANT_DEVIATIONS = 1.7

# A pixel that is un-mixed to this share or more counts as known when the others are filled.
KNOWN = 0.8


@dataclass(frozen=True)
class RepairReport:
    """What was done to a frame.

    Parameters
    ----------
    particles : how many particles the mask has.
    restored, filled, absent : how many of them were un-mixed for the most part, filled for the most part, not in this frame.
    changed : share of the frame's pixels that are not what they were.
    unfilled : how many pixels could not be filled, since there was no picture within reach.
    """

    particles: int
    restored: int
    filled: int
    absent: int
    changed: float
    unfilled: int = 0


class Restorer:
    """Brings back the picture under the dust of a run, frame after frame.

    Parameters
    ----------
    dusty : bool (H, W), what to take off. Dust that `effect` knows nothing of is filled; and the effect away from `dusty` is let be.
    effect : `DustModel` of the frames' run.
    """

    def __init__(self, dusty, effect, *, threads=None):
        self.effect = effect.within(dilate(dusty, RIM, threads=threads) & significant(effect))
        self.positions = np.flatnonzero(self.effect.where)
        self.labels, _ = self.effect.particles
        (
            self.effect.membranes,
            self.effect.pieces,
        )  # made ready here, before several threads ask for them
        other = dusty & ~effect.where
        self.others = count_particles(other)
        self.other = other if self.others else None
        self.near_other = dilate(other, RIM, threads=threads) if self.others else None
        self.touched = (
            np.flatnonzero(self.effect.where | self.near_other) if self.others else self.positions
        )

    def __call__(self, frame, *, threads=None):
        """A frame with the picture under its dust brought back.

        Each pixel is both un-mixed and filled, and the two are weighted by the errors that are to be expected of them.

        Parameters
        ----------
        frame : a picture, left as it is.

        Returns
        -------
        clean : like `frame`
        report : `RepairReport`
        """
        frame = np.ascontiguousarray(frame)
        unmixed, filled, weight, here = unmix(
            frame, self.effect, also_unknown=self.near_other, threads=threads
        )
        clean = frame.copy()
        put(clean, self.positions, weight * unmixed + (1 - weight) * filled)

        # What could not be un-mixed well is filled once more, from the un-mixed pixels around it.
        share = weight.mean(axis=1)
        doubtful = np.flatnonzero((share < KNOWN) & here)
        if doubtful.size:
            mask = np.zeros(frame.shape[:2], bool)
            mask.ravel()[self.positions[doubtful]] = True
            white, part = np.float32(largest(frame.dtype)), weight[doubtful]
            better = (
                white * part * unmixed[doubtful]
                + (1 - part) * fill_at(clean, mask, threads=threads)[1]
            )
            better += grain_at(clean, mask, better, 1 - share[doubtful], threads=threads)
            put(clean, self.positions[doubtful], better / white)
        if self.others:
            clean, _ = fill_dust(clean, self.other, threads=threads)
        return clean, self._report(frame, clean, share, here)

    def _report(self, frame, clean, share, here):
        """`RepairReport`: particles of which at least a part is here were restored or filled."""
        density, particles = self.effect.density * here, self.effect.share.size
        some = np.bincount(self.labels, here, particles) > 0
        mostly = np.bincount(self.labels, share * density, particles) > 0.5 * np.bincount(
            self.labels, density, particles
        )
        return RepairReport(
            particles + self.others,
            int((some & mostly).sum()),
            int((some & ~mostly).sum()) + self.others,
            int((~some).sum()),
            share_changed(frame, clean, self.touched),
        )


def significant(effect):
    """bool (H, W): the pixels of an effect at which there is dust: the mask, and around it what stands out of the errors of the density."""
    _, neighbours = effect.particles
    excess = np.append(
        effect.density**2 - (SIGNIFICANT_DEVIATIONS * effect.error) ** 2, np.float32(0)
    )
    result = effect.core.copy()
    result[effect.where] |= excess[:-1] + excess[neighbours].sum(axis=1) > 0
    return result


def unmix(frame, effect, *, also_unknown=None, threads=None):
    """The picture at the pixels of an effect, with the dust computed off.

    Parameters
    ----------
    also_unknown : bool (H, W), more pixels that say nothing about their neighbours.

    Returns
    -------
    unmixed : float32 (N, colours) in 0..1; what is observed, where the dust is not in this frame.
    filled : float32 (N, colours), what the surroundings suggest.
    weight : float32 (N, colours), by how much `unmixed` is to be preferred to `filled`.
    here : bool (N,), which dust is in the frame.
    """
    observed, filled, spread = look_around(
        frame, effect.membranes, also_unknown=also_unknown, threads=threads
    )
    labels, neighbours = effect.particles
    dark = effect.dark[labels]
    observed, filled = mirrored(observed, dark), mirrored(filled, dark)
    seen = observe(
        observed,
        filled,
        spread,
        density=effect.density,
        labels=labels,
        neighbours=neighbours,
        share=effect.share,
        dark=effect.dark,
        pieces=effect.pieces,
        usual={False: effect.light_response, True: effect.dark_response},
        threads=threads,
    )
    here = seen.chance > 0.5
    unmixed, weight = _kernels.unmix(
        observed,
        seen.density,
        labels,
        effect.dark,
        as_array(seen.of_colours),
        (BLACK, WHITE),
        here,
        filled,
        spread,
        effect.error,
        NOISE,
        RESPONSE_ERROR,
        count(threads),
    )
    return mirrored(unmixed, dark), mirrored(filled, dark), weight, here
