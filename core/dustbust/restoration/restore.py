"""Recovering the picture under dust: translucent dust is un-mixed, opaque dust is filled."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import _kernels
from ..dust.model import RIM, DustModel, look_around, mirrored
from ..dust.observation import FrameAtDust, as_array, observe
from ..dust.profiles import RoundDust, without_round
from ..image.arrays import (
    Mask,
    Picture,
    Values,
    alpha_channel,
    largest,
    put,
)
from ..image.morphology import dilate
from ..runtime.read_ahead import at_once
from ..runtime.threads import count
from .inpaint import DustFill, Holes
from .repair import (
    Changes,
    DustToRepair,
    Filler,
    FillOfParticles,
    Repair,
    RepairOfPixels,
    RepairReport,
)
from .round_repair import RoundRepair

# Deviation of a value that un-mixing amplifies, measured on scans; it includes the errors of the
# density and of the response near white.
NOISE = 5 / 255

# Relative error of a frame's response, as a share of the change that un-mixing makes.
RESPONSE_ERROR = 0.06

# A pixel counts as dust if its density and those beside it are at least this many times as large as
# their errors.
SIGNIFICANT_DEVIATIONS = 1.7

# A pixel that is un-mixed to this share or more counts as known when the others are filled.
KNOWN = 0.8

# A particle is removed from a frame that shows at least FEWEST_SHOWN of its dense pixels: those
# with at least the share DENSE of its largest density. Otherwise only the rim of a particle beside
# the frame reaches into it, and the density of a rim is hardly known.
FEWEST_SHOWN, DENSE = 12, 0.3


def prepare_restore(dust: DustToRepair, *, threads: int | None = None) -> Repair:
    """The method "restore" for a mask, see `methods.METHODS`."""
    model, round_dust = dust.model(), RoundDust.unpack(dust.packed)
    if round_dust is not None:
        other = dust.binary & ~round_dust.region(dust.binary.shape)
        rest = DustToRepair(other, dust.strength, without_round(dust.packed))
        needed = other.any() or (model is not None and model.core.any())
        return RoundRepair(
            round_dust, dust.binary, prepare_restore(rest, threads=threads) if needed else None
        )
    if model is None:
        fill = DustFill(dust.binary, strength=dust.strength, threads=threads)
        return Filler(fill, dust.binary)
    return Restorer(dust.binary, model, threads=threads)


class Restorer(RepairOfPixels):
    """Recovers the picture under the dust of a run, frame after frame.

    Parameters
    ----------
    dusty : ndarray of bool, shape (H, W)
        What to remove. Dust that the model does not know is filled; dust of the model away from
        `dusty` stays.
    model : DustModel
        The dust of the frames' run.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.
    """

    def __init__(self, dusty: Mask, model: DustModel, *, threads: int | None = None) -> None:
        near, stands_out = at_once(
            [partial(dilate, dusty, RIM, threads=threads), partial(significant, model)], threads
        )
        near &= stands_out
        self.model = model.within(near)
        other = dusty & ~model.where
        # Made ready here, before several threads ask for them.
        works: list[Callable[[], Any]] = [
            lambda: self.model.pieces,
            lambda: (self.model.membranes, np.flatnonzero(self.model.where)),
            lambda: DustFill(other, threads=threads) if other.any() else None,
        ]
        _, (_, self.positions), fill = at_once(works, threads)
        self.labels, _ = self.model.particles
        self.others: FillOfParticles | None = None
        self.near_other: Mask | None = None
        self.touched = self.positions
        if fill is not None:
            self.others = FillOfParticles(fill, other, fewest_shown=FEWEST_SHOWN)
            self.near_other = dilate(other, RIM, threads=threads)
            touched = self.model.where.copy()
            touched.ravel()[self.others.positions] = True
            self.touched = np.flatnonzero(touched)

    def in_place(
        self, picture: Picture, *, threads: int | None = None
    ) -> tuple[Changes, RepairReport]:
        """Recover the picture under the dust.

        Each pixel is both un-mixed and filled, and the two are weighted by their expected errors.

        Parameters
        ----------
        picture : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
            Contiguous; it is changed.
        threads : int or None
            Threads to use; None: see `dustbust.runtime.threads.count`.

        Returns
        -------
        Changes, RepairReport
        """
        changes = Changes.begin(picture, self.touched)
        shown = self._shown(picture, threads)
        unmixed, filled, weight, present = unmix(
            picture, self.model, shown=shown, also_unknown=self.near_other, threads=threads
        )
        put(picture, self.positions, weight * unmixed + (1 - weight) * filled)

        # Pixels that could not be un-mixed well are filled again from un-mixed pixels around them.
        share = weight.mean(axis=1)
        doubtful = np.flatnonzero((share < KNOWN) & present)
        if doubtful.size:
            holes = Holes(self.positions[doubtful], picture.shape)
            white, part = np.float32(largest(picture.dtype)), weight[doubtful]
            better = (
                white * part * unmixed[doubtful]
                + (1 - part) * holes.fill(picture, threads=threads)[0]
            )
            better += holes.grain(picture, better, 1 - share[doubtful], threads=threads)
            put(picture, holes.positions, better / white)
        report = self._report(share, present, shown)
        if self.others is not None:
            particles, _ = self.others.in_place(picture, threads=threads)
            report = replace(
                report, particles=report.particles + particles, filled=report.filled + particles
            )
        changed = changes.changed(picture).size / (picture.shape[0] * picture.shape[1])
        return changes, replace(report, changed=changed)

    def _shown(self, frame: Picture, threads: int | None) -> Mask | None:
        """Pixels at which the frame shows dust of the mask, or its rim; None: all of them.

        Particles of which the frame shows less than FEWEST_SHOWN dense px are not removed.
        """
        alpha = alpha_channel(frame)
        if alpha is None:
            return None
        opaque = alpha != 0
        core = self.model.core.ravel()[self.positions]
        shown = core & opaque.ravel()[self.positions]
        densest = np.zeros(self.model.share.size, np.float32)
        np.maximum.at(densest, self.labels[core], self.model.density[core])
        dense = core & (self.model.density >= DENSE * densest[self.labels])
        area, area_shown = (
            np.bincount(self.labels, weights, self.model.share.size)
            for weights in (dense, dense & shown)
        )
        kept = area_shown >= np.minimum(area, FEWEST_SHOWN)
        visible = np.zeros_like(self.model.core)
        visible.ravel()[self.positions[shown & kept[self.labels]]] = True
        near = dilate(visible, RIM, threads=threads)
        return np.asarray((near & opaque).ravel()[self.positions])

    def _report(self, share: Values, present: Mask, shown: Mask | None) -> RepairReport:
        """Particles of which at least a part is present were restored or filled.

        Particles of which the frame has no data do not count.
        """
        density, particles = self.model.density * present, self.model.share.size
        some = np.bincount(self.labels, present, particles) > 0
        mostly = np.bincount(self.labels, share * density, particles) > 0.5 * np.bincount(
            self.labels, density, particles
        )
        visible = np.ones(particles, bool)
        if shown is not None:
            visible = np.bincount(self.labels, shown, particles) > 0
        return RepairReport(
            int(visible.sum()),
            int((some & mostly).sum()),
            int((some & ~mostly).sum()),
            int((visible & ~some).sum()),
            0.0,
        )


def significant(model: DustModel) -> Mask:
    """The pixels of a model at which there is dust, shape (H, W).

    These are the mask, and pixels around it whose density stands out of its error.
    """
    _, neighbours = model.particles
    excess = np.append(
        model.density**2 - (SIGNIFICANT_DEVIATIONS * model.error) ** 2, np.float32(0)
    )
    result: Mask = model.core.copy()
    result[model.where] |= excess[:-1] + excess[neighbours].sum(axis=1) > 0
    return result


class Unmixed(NamedTuple):
    """The picture at the pixels of a model, with the dust removed by calculation.

    Parameters
    ----------
    unmixed : ndarray of float32, shape (N, colours)
        0..1; the values of the frame where the dust is absent.
    filled : ndarray of float32, shape (N, colours)
        What the surroundings suggest.
    weight : ndarray of float32, shape (N, colours)
        Share of `unmixed` in the best mean of both.
    present : ndarray of bool, shape (N,)
        Which dust is present in the frame.
    """

    unmixed: Values
    filled: Values
    weight: Values
    present: Mask


def unmix(
    frame: Picture,
    model: DustModel,
    *,
    shown: Mask | None = None,
    also_unknown: Mask | None = None,
    threads: int | None = None,
) -> Unmixed:
    """The picture at the pixels of a model, with the dust removed by calculation.

    Parameters
    ----------
    frame : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
    model : DustModel
        The dust of the frame's run.
    shown : ndarray of bool, shape (N,), or None
        Pixels at which the frame shows the dust; None: all of them. Others stay as they are.
    also_unknown : ndarray of bool, shape (H, W), or None
        More pixels that are not used to fill their neighbours.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    Unmixed
    """
    observed, filled, spread = look_around(
        frame, model.membranes, also_unknown=also_unknown, threads=threads
    )
    labels, _ = model.particles
    dark = model.dark[labels]
    observed, filled = mirrored(observed, dark), mirrored(filled, dark)
    observation = observe(FrameAtDust(observed, filled, spread), model.expected, threads=threads)
    present = observation.probability > 0.5
    if shown is not None:
        present = present & shown
    unmixed, weight = _kernels.unmix(
        observed,
        observation.density,
        labels,
        model.dark,
        as_array(observation.of_colours),
        present,
        filled,
        spread,
        model.error,
        NOISE,
        RESPONSE_ERROR,
        count(threads),
    )
    return Unmixed(mirrored(unmixed, dark), mirrored(filled, dark), weight, present)
