"""What a method of restoring takes and gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np

from ..dust.model import DustModel, PackedModel
from ..image.arrays import Mask, Picture, Plane, alpha_channel
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
    """What was done to a frame.

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
    """

    particles: int
    restored: int
    filled: int
    absent: int
    changed: float
    unfilled: int = 0


class Repair(Protocol):
    """A method of restoring, ready for the frames of one mask."""

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """Repair a frame, which stays as it is."""
        ...


class Filler:
    """Fills all dust of a mask, frame after frame.

    Parameters
    ----------
    fill : callable
        Called as fill(frame, mask=..., strength=..., threads=..., **options); gives the filled
        frame and the number of pixels that could not be filled.
    dust : DustToRepair
        What to fill.
    **options : int or float
        Options of `fill`.
    """

    def __init__(
        self, fill: Callable[..., tuple[Picture, int]], dust: DustToRepair, **options: Any
    ) -> None:
        self._dusty = dust.binary
        self._fill = partial(fill, mask=dust.binary, strength=dust.strength, **options)

    def __call__(
        self, frame: Picture, *, threads: int | None = None
    ) -> tuple[Picture, RepairReport]:
        """See `Repair`."""
        clean, unfilled = self._fill(frame, threads=threads)
        alpha = alpha_channel(frame)
        particles = count_particles(self._dusty if alpha is None else self._dusty & (alpha != 0))
        changed = (np.asarray(frame) != clean).reshape(*self._dusty.shape, -1).any(axis=2)
        return clean, RepairReport(particles, 0, particles, 0, float(changed.mean()), unfilled)
