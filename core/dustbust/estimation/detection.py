"""What two passes over a run found: which pixels are marked."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.mask import COARSE_STEP, SUGGESTION, DustMask
from ..image.arrays import Mask, Plane, Positions, Values
from ..image.block_grid import block_side, grid_shape, on_pixels
from ..image.fixed_point import to_steps
from ..runtime.read_ahead import at_once, over_rows
from ..runtime.threads import count
from .candidates import noise_floor, noise_of
from .evidence import Evidence

# A pixel that loses this share of its light, in the values of the picture, is marked. In a noisy
# map it takes this many deviations of the noise.
SUGGESTED_THRESHOLD = 0.05
SUGGESTED_DEVIATIONS = 2.5
LARGEST_THRESHOLD = 0.9

# With fewer scenes than this, nothing is marked.
FEWEST_SCENES = 3

# Opacities are divided by the share of the frames in which the particle is present, but not by less
# than this: a rarer particle does not belong to the run.
SMALLEST_SHARE = 0.4

# A particle may reach this far beyond its candidate pixels, in blocks.
NEAR_BLOCKS = 0.75

# Larger areas that all frames have in common, as a share of the picture, are lamps, windows or
# frame edges. Hairs may be larger, and are at most THICKEST_HAIR blocks thick.
LARGEST_SHARE = 0.02
THICKEST_HAIR = 2.5

# Dust of the other kind lowers the map in more than LOWERED_SHARE of the picture, and in more than
# LOWERED times the area in which the map is raised. In a run of slides that was taken for negatives
# the lowered area was 17 times the raised one, and 0.6 % of the picture. In runs with the right
# polarity it was smaller than the raised one.
LOWERED = 2
LOWERED_SHARE = 5e-4

# Outside the particles, the grey of a mask stays below its threshold by this factor.
BELOW = 0.98

# Grey below this, in coarse steps of a mask (a quarter of the slider), is noise of the map, and no
# particle is marked there. In runs of photographs 3 to 6 % of the pixels reach it.
LOWEST_LEVEL = 64


def suggested_threshold(noise: float) -> float:
    """The opacity from which a pixel is marked, in a map with this standard deviation of noise."""
    return min(max(SUGGESTED_THRESHOLD, SUGGESTED_DEVIATIONS * noise), LARGEST_THRESHOLD)


def lower_beside(dust: Mask, opacity: Plane, threshold: float) -> None:
    """Compress a map to values below the threshold, except where there is dust."""
    _kernels.lower_beside(opacity, dust, threshold, BELOW, count())


def mask_of_map(
    opacity: Plane, threshold: float, smallest: float, largest: float | None, **fields: Any
) -> DustMask:
    """The mask of a map: a lower threshold shows no particles of the wrong size either.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        Share of the light that the dust takes, 0..1; from the threshold on only where dust of the
        right size is.
    threshold : float
        Opacity from which a pixel is dust.
    smallest, largest : float
        Limits of a particle's area, px. None for `largest` stands for a fiftieth of the picture.
    **fields
        See `DustMask`.
    """
    steps = _kernels.grey_steps(opacity, threshold, count())
    limit = LARGEST_SHARE * steps.size if largest is None else largest
    _kernels.limit_areas(
        steps,
        min(math.ceil(smallest), steps.size + 1),
        min(math.floor(limit), steps.size + 1),
        COARSE_STEP,
        LOWEST_LEVEL,
        int(to_steps(SUGGESTION)) // COARSE_STEP,
        count(),
    )
    return DustMask(cast(Plane, steps), SUGGESTION, scale=threshold, **fields)


class Detection:
    """What two passes found of one kind of dust.

    Parameters
    ----------
    opacity : ndarray of float32, shape (H, W)
        The map of the second pass, with the grain smoothed. It is changed.
    evidence : Evidence
        Evidence for the candidates of the first pass.
    outside : ndarray of bool, shape (rows, columns)
        Blocks in which there is no picture.
    enough : bool
        Whether there are enough frames to tell dust from picture.
    threads : int or None
        Number of threads.
    rare : ndarray of bool, shape (rows, columns), or None
        Blocks that too few frames show, so that the map is noisy there.
    """

    def __init__(
        self,
        opacity: Plane,
        evidence: Evidence,
        outside: Mask,
        enough: bool,
        threads: int | None = None,
        *,
        rare: Mask | None = None,
    ) -> None:
        self.evidence, self.threads = evidence, threads
        at_edge = on_pixels(outside, opacity.shape) if outside.any() else None
        if at_edge is not None:
            opacity[at_edge] = 0
        self.dust = evidence.is_dust() if enough else np.zeros(evidence.particles, bool)
        self.reach = round(NEAR_BLOCKS * block_side(opacity.shape))
        works: list[Callable[[], Any]] = [
            lambda: _kernels.dilate(evidence.mask_of(self.dust), self.reach, count(threads)),
            self._shares_of_blocks,
            partial(self._measure, opacity, outside, rare),
        ]
        self.near, self._shares, _ = at_once(works, threads)
        if at_edge is not None:
            self.near &= ~at_edge
        # The mean includes frames from which a particle is absent. Where it is present, it takes
        # more light than the mean.
        self.opacity = opacity

        def divide(rows: slice) -> None:
            positions = np.flatnonzero(self.near[rows])
            values = opacity[rows].ravel()
            shares = self.shares_at(positions + rows.start * opacity.shape[1])
            values[positions] = np.minimum(
                values[positions] / np.maximum(shares, SMALLEST_SHARE), 1
            )

        over_rows(divide, len(opacity), threads)
        self.marked = self.near

    def _measure(self, opacity: Plane, outside: Mask, rare: Mask | None) -> None:
        """Find the noise of the map, and how much of it is raised and lowered."""
        floor = noise_floor(opacity, self.threads)
        self.noise = noise_of(floor, opacity.shape, ~outside)
        self.threshold = suggested_threshold(self.noise)
        rarely = None if rare is None else on_pixels(rare, opacity.shape)

        def stand_out(rows: slice) -> tuple[int, int]:
            often = opacity[rows] if rarely is None else opacity[rows][~rarely[rows]]
            return (
                int(np.count_nonzero(often > self.threshold)),
                int(np.count_nonzero(often < -self.threshold)),
            )

        counts = np.sum(over_rows(stand_out, len(opacity), self.threads), axis=0)
        self.raised, self.lowered = (counts / opacity.size).tolist()

    def mark(self, threshold: float, smallest: float, largest: float | None) -> None:
        """Mark the particles at a threshold, except those of the wrong size.

        Parameters
        ----------
        threshold : float
            Opacity from which a pixel is marked.
        smallest, largest : float
            Limits of a particle's area, px. `largest` may be None: see `too_large`.
        """
        self.marked = np.empty_like(self.near)

        def compare(rows: slice) -> None:
            marked = np.greater_equal(
                self.opacity[rows], np.float32(threshold), out=self.marked[rows]
            )
            marked &= self.near[rows]

        over_rows(compare, len(self.near), self.threads)
        labels, neighbours, particles = _kernels.connected_components(self.marked, self.marked)
        area = np.bincount(labels, minlength=particles)
        rim = np.bincount(labels, (neighbours < 0).any(axis=1), particles)
        wrong = (area < smallest) | (
            self.too_large(area, rim) if largest is None else area > largest
        )
        if not wrong.any():
            return
        left = np.zeros_like(self.marked)
        left[self.marked] = wrong[labels]
        self.marked &= ~left
        # Their surroundings must not appear either when the user lowers the threshold.
        self.near &= ~_kernels.dilate(left, self.reach, count(self.threads))
        self.near |= self.marked

    def too_large(self, area: npt.NDArray[Any], rim: npt.NDArray[Any]) -> Mask:
        """Which particles are too large for dust: not those that are long and thin.

        Parameters
        ----------
        area, rim : ndarray, shape (P,)
            Number of pixels of each particle, and of those at its edge.

        Returns
        -------
        ndarray of bool, shape (P,)
        """
        thick = 2 * area / np.maximum(rim, 1) > THICKEST_HAIR * block_side(self.marked.shape)
        return np.asarray((area > LARGEST_SHARE * self.marked.size) & thick)

    def looks_wrong(self) -> bool:
        """Whether the map is lowered, as by dust of the other kind, and hardly raised.

        Details of the picture both lower and raise it.
        """
        return bool(self.lowered > max(LOWERED * self.raised, LOWERED_SHARE))

    def strength(self) -> float:
        """Sum of the opacity of all marked pixels."""
        return float(self.opacity[self.marked].sum())

    def give(self, threshold: float) -> Plane:
        """The opacity in the mask, see `lower_beside`. The detection does not keep it."""
        opacity = self.opacity
        del self.opacity  # as large as all the rest of a detection
        lower_beside(self.near, opacity, threshold)
        return opacity

    def shares_at(self, positions: Positions) -> Values:
        """Share of the frames in which the dust at or beside some pixels is present.

        Parameters
        ----------
        positions : ndarray of int64, shape (N,)
            row * W + column of each pixel.

        Returns
        -------
        ndarray of float32, shape (N,)
            1 where there is no dust.
        """
        side = block_side(self.near.shape)
        y, x = np.divmod(positions, self.near.shape[1])
        return np.asarray(self._shares[y // side, x // side])

    def _shares_of_blocks(self) -> Plane:
        """The same for the pixels of each block, shape (rows, columns)."""
        shape = self.evidence.shape
        side = block_side(shape)
        dust = self.dust[self.evidence.labels]
        y, x = np.divmod(self.evidence.positions[dust], shape[1])
        blocks = np.zeros([n + 2 for n in grid_shape(shape)], np.float32)
        np.maximum.at(
            blocks,
            (y // side + 1, x // side + 1),
            self.evidence.share()[self.evidence.labels[dust]].astype(np.float32),
        )
        for axis in (0, 1):
            blocks = np.maximum.reduce([np.roll(blocks, step, axis) for step in (-1, 0, 1)])
        return np.asarray(np.where(blocks > 0, blocks, np.float32(1))[1:-1, 1:-1])
