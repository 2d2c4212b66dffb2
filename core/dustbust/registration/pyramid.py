"""The details of a scan at several reductions."""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Picture, Plane, alpha_channel, largest
from .transform import UNDISTORTED, Transform, warp_arguments

Integers = npt.NDArray[np.int32]


class Scan:
    """A scan, and its details at several reductions; of a negative, those of the positive."""

    def __init__(self, image: Picture, name: str, threads: int, *, negative: bool = False) -> None:
        self.name, self.threads, self.negative = name, threads, negative
        self.shape: tuple[int, int] = image.shape[:2]
        self.image = np.ascontiguousarray(image)
        self.luminances: dict[int, Plane] = {}
        self.levels: dict[tuple[int, int], Level] = {}

    def without(self, dust: Mask, fine: int, step: int) -> "Scan":
        """The same without the `dust`, bool, that was found in its level."""
        dust, clean = dust.repeat(step, axis=0).repeat(step, axis=1), copy(self)
        clean.luminances, clean.levels = {}, {}
        luminance = clean._reduced(fine, 1)
        luminance[: dust.shape[0], : dust.shape[1], 1] *= ~dust
        return clean

    def make_levels(self, fine: int, steps: Iterable[int]) -> None:
        """Make levels that are needed soon, and drop the luminance.

        The luminance takes most of the memory of a scan, and is made again for another level.
        """
        for step in steps:
            self.level(fine, step)
        self.luminances.clear()

    def level(self, fine: int, step: int) -> "Level":
        """Reduced by the factors `fine` and `step`."""
        if (fine, step) not in self.levels:
            self.levels[fine, step] = Level(self._reduced(fine, step), self.threads)
            if self.levels[fine, step].has_many_patches:
                self.levels[fine, step].look_only_at_best(self.level(fine, 2 * step))
        return self.levels[fine, step]

    def _reduced(self, fine: int, step: int) -> Plane:
        if fine not in self.luminances:
            image = self.image
            reduced = _kernels.reduce_luminance(
                image, alpha_channel(image) is not None, fine, largest(image.dtype), self.threads
            )
            if self.negative:
                reduced[..., 0] = 1 - reduced[..., 0]
            self.luminances[fine] = reduced
        whole = self.luminances[fine]
        return (
            whole if step == 1 else _kernels.reduce_luminance(whole, True, step, 1.0, self.threads)
        )


CELL = _kernels.CELL_SIDE
PATCH = CELL * _kernels.PATCH_CELLS
CELLS = _kernels.PATCH_CELLS**2

# Details are smaller than twice this, px.
DETAIL = 12

# About this number of patches is compared: of more, the best ones of each square of SQUARE by
# SQUARE patches.
MANY_PATCHES, SQUARE = 1200, 4

# Rows of a level that are warped at a time.
WARPED_ROWS = 128

# Contrasts are compared at about POINTS points: the steepest ones, of each patch at most
# POINTS_OF_PATCH.
POINTS, POINTS_OF_PATCH = 2000, 8


class Level:
    """The details of a scan, reduced.

    Parameters
    ----------
    luminance : ndarray of float32, shape (H, W, 2)
        Second channel 1 where there is data.
    threads : int
    """

    def __init__(self, luminance: Plane, threads: int) -> None:
        self.shape: tuple[int, int] = luminance.shape[:2]
        self.details = _kernels.find_details(luminance, DETAIL, threads)
        self.threads = threads

    @cached_property
    def corners(self) -> Integers:
        """int32 (n, 2), x and y of the first pixel of each patch that lies fully inside."""
        rows, columns = self.shape[0] // PATCH, self.shape[1] // PATCH
        y, x = np.divmod(np.arange(rows * columns, dtype=np.int32), max(columns, 1))
        return np.ascontiguousarray(np.stack([x, y], axis=1) * np.int32(PATCH))

    @cached_property
    def steepest(self) -> tuple[npt.NDArray[Any], ...]:
        """(x, y, gradient), each (n, POINTS_OF_PATCH): where gradients are strongest in each patch.

        A misalignment has most effect there. Every second row and column is examined.
        """
        y, x = np.mgrid[:PATCH:2, :PATCH:2].reshape(2, -1).astype(np.int32)
        x, y = (
            np.clip(self.corners[:, c : c + 1] + at, 1, self.shape[1 - c] - 2)
            for c, at in ((0, x), (1, y))
        )
        detail = self.details
        gradient = np.nan_to_num(
            np.abs(detail[y, x + 1] - detail[y, x - 1])
            + np.abs(detail[y + 1, x] - detail[y - 1, x])
        )
        best = _largest(gradient, POINTS_OF_PATCH)
        return tuple(np.take_along_axis(plane, best, axis=1) for plane in (x, y, gradient))

    def part(self, used: Mask) -> "Part":
        """Those of the patches that are `used` (bool)."""
        x, y, gradient = (plane[used].ravel() for plane in self.steepest)
        best = _largest(gradient[None], POINTS)[0] if len(x) > POINTS else np.arange(len(x))
        return Part(
            used,
            np.ascontiguousarray(self.corners[used]),
            np.ascontiguousarray(np.stack([x[best], y[best]], axis=1)),
        )

    @cached_property
    def whole(self) -> "Part":
        """All patches."""
        return self.part(np.ones(len(self.corners), bool))

    def warped(self, transform: Transform, details: Plane) -> Plane:
        """Details of another level, seen from this one."""
        rows, columns = self.shape
        seen = np.empty(self.shape, np.float32)
        for top in range(0, rows, WARPED_ROWS):  # the places of all pixels would take much room
            strip = seen[top : top + WARPED_ROWS]
            points = np.empty((*strip.shape, 2), np.int32)
            points[..., 0] = np.arange(columns)
            points[..., 1] = np.arange(top, top + len(strip))[:, None]
            strip[...] = _kernels.warp_points(
                details, *warp_arguments(transform), points.reshape(-1, 2), self.threads
            ).reshape(strip.shape)
        return seen

    @property
    def has_many_patches(self) -> bool:
        """Whether some are to be left out."""
        return len(self.corners) > MANY_PATCHES

    def look_only_at_best(self, half: "Level") -> None:
        """Leave out patches with little structure. half: this level, half as large."""
        sums = _kernels.match_patches(
            half.details,
            half.details,
            np.eye(3),
            *UNDISTORTED,
            half.corners,
            1.0,
            np.inf,
            self.threads,
        )
        hxx, hxy, hyy = np.moveaxis(sums.reshape(-1, sums.shape[2])[:, 4:7], 1, 0)
        # A patch counts for the structure that holds it in place in both directions and, less, in
        # one direction: J. Shi, C. Tomasi, "Good features to track", 1994,
        # doi:10.1109/CVPR.1994.323794.
        trace, least = hxx + hyy, (hxx + hyy) / 2 - np.hypot((hxx - hyy) / 2, hxy)
        x, y = (2 * c for c in centres(half.corners))
        square = (y // (SQUARE * PATCH)).astype(int) * self.shape[1] + (
            x // (SQUARE * PATCH)
        ).astype(int)
        order = np.lexsort((-(least + 0.1 * trace), square))
        place = np.arange(len(order)) - np.searchsorted(square[order], square[order])
        best = order[
            place < max(1, round(MANY_PATCHES / len(np.unique(square))))
        ]  # square by square: neighbours in memory
        corners = np.stack([x[best], y[best]], axis=1).astype(np.int32) // PATCH * PATCH
        self.corners = np.ascontiguousarray(
            corners[
                (corners[:, 0] + PATCH <= self.shape[1]) & (corners[:, 1] + PATCH <= self.shape[0])
            ]
        )


def _largest(values: Plane, number: int) -> npt.NDArray[np.intp]:
    """Columns of the largest values of each row, ascending; of equal values the first ones.

    What `np.argpartition` chooses among equal values, and its order, depend on the processor.
    """
    limit = np.partition(values, -number, axis=1)[:, -number, None]
    above, equal = values > limit, values == limit
    missing = number - above.sum(axis=1, keepdims=True)
    chosen = above | (equal & (np.cumsum(equal, axis=1) <= missing))
    return np.nonzero(chosen)[1].reshape(len(values), number)


def centres(corners: Integers) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """x and y, (4 n,), of the middle of each cell of each patch."""
    y, x = (
        np.mgrid[: _kernels.PATCH_CELLS, : _kernels.PATCH_CELLS].reshape(2, -1) * CELL
        + (CELL - 1) / 2
    )
    return (corners[:, :1] + x).ravel(), (corners[:, 1:] + y).ravel()


@dataclass
class Part:
    """Some patches of a level.

    Parameters
    ----------
    used : ndarray of bool, shape (patches,)
        Which ones.
    corners : ndarray of int32, shape (n, 2)
        Their first pixels (x, y).
    points : ndarray of int32, shape (m, 2)
        Where in them contrasts are compared.
    """

    used: Mask
    corners: Integers
    points: Integers


def of_patches(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Sums over the cells of each patch."""
    sums: npt.NDArray[Any] = values.reshape((*values.shape[:-1], -1, CELLS)).sum(axis=-1)
    return sums
