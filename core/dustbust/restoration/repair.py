"""The input and the results of a method of restoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from .. import _kernels
from ..dust.model import DustModel, PackedModel
from ..image.arrays import (
    Labels,
    Mask,
    Picture,
    Plane,
    Positions,
    Values,
    alpha_channel,
    differing,
    pixels,
    put_colours,
)
from ..image.morphology import count_particles


@dataclass(frozen=True)
class DustToRepair:
    """The dust of a mask, as a method of restoring takes it.

    Parameters
    ----------
    binary : ndarray of bool, shape (H, W)
        What to repair.
    strength : ndarray of float32, shape (H, W), or None
        Opacity of the repair, 0..1; None: 1 everywhere.
    packed : dict of str to ndarray
        What is known of the dust beside its place: `DustMask.model`.
    """

    binary: Mask
    strength: Plane | None = None
    packed: PackedModel = field(default_factory=dict)

    def model(self) -> DustModel | None:
        """What is known of the dust beside its place; None: nothing.

        Raises
        ------
        DustbustError
            If it is damaged.
        """
        return DustModel.unpack(self.packed, self.binary.shape)


@dataclass(frozen=True)
class RepairReport:
    """The repairs of a frame, counted.

    Parameters
    ----------
    particles : int
        Particles of the mask.
    restored, filled, absent : int
        Particles that were un-mixed for the most part, filled for the most part, or are not in this
        frame.
    changed : float
        Share of the frame's pixels that changed, 0..1.
    unfilled : int
        Pixels that could not be filled, as there was no picture within reach.
    placed : bool
        Whether the frame shows where it lies, or covers the mask exactly. False: it was taken to
        lie where most frames of its run do.
    """

    particles: int
    restored: int
    filled: int
    absent: int
    changed: float
    unfilled: int = 0
    placed: bool = True


class Repair(Protocol):
    """A method of restoring, ready for the frames of one mask."""

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """Repair a copy of a frame."""
        ...


@dataclass(frozen=True)
class Changes:
    """The pixels that a method of restoring changed in a picture, with their former values.

    Parameters
    ----------
    positions : ndarray of int64, shape (N,)
        row * W + column of the pixels that may have changed; all others are as they were.
    before : ndarray, shape (N, channels)
        Former values of these pixels.
    """

    positions: Positions
    before: Picture

    @classmethod
    def begin(cls, picture: Picture, positions: Positions) -> Changes:
        """Keep the values of some pixels before they are changed."""
        return cls(positions, pixels(picture)[positions])

    @classmethod
    def make(cls, picture: Picture, other: Picture) -> Changes:
        """Make a picture equal to another one of its shape."""
        changes = cls.begin(picture, np.flatnonzero(differing(picture, other)))
        pixels(picture)[changes.positions] = pixels(other)[changes.positions]
        return changes

    def mask(self, picture: Picture) -> Mask:
        """Which pixels differ from their former values, shape (H, W)."""
        result = np.zeros(picture.shape[:2], bool)
        result.ravel()[self.changed(picture)] = True
        return result

    def changed(self, picture: Picture) -> Positions:
        """The pixels that differ from their former values."""
        differ = pixels(picture)[self.positions] != self.before
        # Channel by channel: numpy takes four times as long for `any` along a short axis.
        changed: Positions = self.positions[np.logical_or.reduce([*differ.T])]
        return changed

    def undo(self, picture: Picture) -> None:
        """Restore the former values in the picture."""
        pixels(picture)[self.positions] = self.before


class RepairOfPixels:
    """A method of restoring that changes single pixels. A class of its own fills in `in_place`."""

    def in_place(
        self, picture: Picture, *, threads: int | None = None
    ) -> tuple[Changes, RepairReport]:
        """Repair a picture.

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
        raise NotImplementedError

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """See `Repair`."""
        clean: Picture = np.array(frame, order="C")
        return clean, self.in_place(clean, threads=threads)[1]


class Fill(Protocol):
    """A way to fill dust, ready for the frames of one mask."""

    @property
    def positions(self) -> Positions:
        """row * W + column of each pixel that is filled, ascending."""
        ...

    def __call__(self, picture: Picture, *, threads: int | None = None) -> tuple[Values, int]:
        """Values for these pixels, and the number of pixels that could not be filled.

        The values are float32 (N, colours) in the range of the picture's dtype.
        """
        ...


class FillOfParticles:
    """Fills the particles of a mask, of which a frame may show only a part.

    Parameters
    ----------
    fill : Fill
        The way to fill them.
    dusty : ndarray of bool, shape (H, W)
        The particles.
    fewest_shown : int
        A particle is left alone in a frame that shows fewer of its pixels than this, and not all of
        them: what reaches into the frame is only its soft edge.
    """

    def __init__(self, fill: Fill, dusty: Mask, *, fewest_shown: int = 1) -> None:
        self._fill, self._dusty, self._fewest = fill, dusty, fewest_shown
        self.positions = fill.positions
        self._particles = count_particles(dusty)

    def in_place(self, picture: Picture, *, threads: int | None = None) -> tuple[int, int]:
        """Fill the particles of a picture, which is changed.

        Parameters
        ----------
        picture : ndarray of uint8, uint16 or float32, shape (H, W) or (H, W, C)
            Contiguous. Where its alpha is 0 it does not show its dust.
        threads : int or None
            Threads to use; None: see `dustbust.runtime.threads.count`.

        Returns
        -------
        particles : int
            Number of particles that were filled.
        unfilled : int
            Number of pixels that could not be filled.
        """
        values, unfilled = self._fill(picture, threads=threads)
        alpha = alpha_channel(picture)
        if alpha is None:
            put_colours(picture, self.positions, values)
            return self._particles, unfilled
        labels, marked = self._labels
        shown = marked & (alpha.ravel()[self.positions] != 0)
        area, area_shown = (
            np.bincount(labels[which], minlength=self._particles) for which in (marked, shown)
        )
        filled = area_shown >= np.minimum(area, self._fewest)
        at = filled[labels]
        put_colours(picture, self.positions[at], values[at])
        return int(filled.sum()), unfilled

    @cached_property
    def _labels(self) -> tuple[Labels, Mask]:
        """Number of the particle of each position, and whether the mask marks it; (N,) each."""
        grown = np.zeros_like(self._dusty)
        grown.ravel()[self.positions] = True
        labels, *_ = _kernels.connected_components(grown, self._dusty)
        return labels, self._dusty.ravel()[self.positions]


class Filler(RepairOfPixels):
    """Fills all dust of a mask, frame after frame.

    Parameters
    ----------
    fill : Fill
        The way to fill it.
    dusty : ndarray of bool, shape (H, W)
        The dust.
    """

    def __init__(self, fill: Fill, dusty: Mask) -> None:
        self._fill = FillOfParticles(fill, dusty)

    def in_place(
        self, picture: Picture, *, threads: int | None = None
    ) -> tuple[Changes, RepairReport]:
        """See `RepairOfPixels`."""
        changes = Changes.begin(picture, self._fill.positions)
        particles, unfilled = self._fill.in_place(picture, threads=threads)
        share = changes.changed(picture).size / (picture.shape[0] * picture.shape[1])
        return changes, RepairReport(particles, 0, particles, 0, share, unfilled)
