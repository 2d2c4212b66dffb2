"""Maps of the dust in single frames, at reduced size, from which frames are placed.

A map shows the difference of a frame from its background, in deviations. Weak differences are left
out and strong ones are limited, so that a few bright details of the picture do not outweigh many
faint particles. Edges of the picture have a counterpart of the other sign beside them; dust does
not.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.placement import Shape
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side
from ..image.filters import gaussian_blur
from .background import FIRST_RADIUS, Surroundings
from .film_borders import levels_of

# The constants of this module were chosen on rolls of simulated film whose placements are known.

# Length of the longer side of a map, about.
MAP_SIDE = 768

# Differences below THRESHOLD deviations count as 0. Differences are limited to CLIP deviations more
# than that.
THRESHOLD, CLIP = 1.0, 3.0

# Radius of the neighbourhood in which a particle has no counterpart of the other sign, map px.
ALONE_RADIUS = 4

# Deviation of the picture, 0..1, at or below which places have the full weight.
SMOOTH = 0.03

# Backgrounds beyond these are film borders, holes and holders. Blocks up to this many blocks away
# from them are not used either.
DARKEST, LIGHTEST = 0.03, 0.96
MARGIN = 2

# Steps of a map per deviation, and the margin at its edges that is left out, map px.
STEPS = 42
EDGE = 3

# Numbers along the longer side of a digest, and the deviation of the blur that is slow in it.
DIGEST_SIDE = 96
SLOW = 4.0

# A digest with less contrast than this, or less picture, carries no information on the scene.
SMALLEST_CONTRAST = 0.004
SMALLEST_PICTURE = 0.1


@dataclass(frozen=True)
class DustMap:
    """The dust map of one frame.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the frame as it is stored.
    factor : int
        Side of a map pixel, px of the frame.
    shape : tuple of int
        (rows, columns) of the map.
    packed : bytes
        The map, int8 in steps of 1 / STEPS deviations, compressed: positive where the frame is
        lighter than its background.
    digest : ndarray of float32, shape (rows, columns), or None
        The scene without slow changes, of length 1; None if it is plain.
    levels : ndarray of uint8, shape (rows, columns)
        See `film_borders.levels_of`.
    """

    size: Shape
    factor: int
    shape: Shape
    packed: bytes
    digest: Plane | None
    levels: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, plane: Plane, has_data: Mask | None, factor: int) -> "DustMap":
        """The map of a frame.

        Parameters
        ----------
        plane : ndarray of float32, shape (H, W)
            Luminance, 0..1.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data.
        factor : int
            Side of a map pixel, px.
        """
        surroundings = Surroundings.of(plane, has_data, radius=FIRST_RADIUS, threads=1)
        inside = _picture(surroundings.background)
        values = _stand_out(plane, has_data, surroundings, inside, factor)
        height, width = plane.shape
        return cls(
            (height, width),
            factor,
            (values.shape[0], values.shape[1]),
            zlib.compress(np.rint(values * STEPS).astype(np.int8).tobytes(), 1),
            _digest(surroundings.background, inside),
            levels_of(plane, has_data),
        )

    def values(self, kind: str) -> Plane:
        """The differences with the sign of a kind of dust, "light" or "dark", less their mean."""
        signed = np.frombuffer(zlib.decompress(self.packed), np.int8).reshape(self.shape)
        values = np.maximum(signed if kind == "light" else -signed.astype(np.int16), 0)
        values = values.astype(np.float32) * np.float32(1 / STEPS)
        return np.asarray(values - values.mean())


def factor_for(longest: int) -> int:
    """Side of a map pixel, px, for a roll whose longest side has this many px."""
    return max(1, round(longest / MAP_SIDE))


def _picture(background: Plane) -> Plane:
    """1 where the background is that of a picture, 0 at and beside borders and holes."""
    other = (background > LIGHTEST) | (background < DARKEST)
    if other.any():
        other = _kernels.dilate(other, MARGIN, 1)
    return (~other).astype(np.float32)


def _stand_out(
    plane: Plane, has_data: Mask | None, surroundings: Surroundings, inside: Plane, factor: int
) -> Plane:
    """Differences from the background in weighted deviations, float32 (rows, columns)."""
    rows, columns = (length // factor for length in plane.shape)
    small, share = (
        part[:rows, :columns] for part in _kernels.block_means(plane, has_data, factor, 1)
    )
    side = block_side(plane.shape)
    background, variance = (
        _resized(blocks, side / factor, (rows, columns))
        for blocks in (surroundings.background, surroundings.variance)
    )
    deviation = np.sqrt(variance)
    residue = (small - background) / deviation
    values = np.sign(residue) * np.clip(np.abs(residue) - np.float32(THRESHOLD), 0, CLIP)
    total = _kernels.box_blur(values, ALONE_RADIUS, 1)
    size = _kernels.box_blur(np.abs(values), ALONE_RADIUS, 1)
    values *= (total / (size + np.float32(1e-3))) ** 2
    values *= np.minimum(1, np.float32(SMOOTH) / deviation)
    if inside.min() < 1:
        values *= _resized(inside, side / factor, (rows, columns)) > 0.99
    if has_data is not None:
        values *= ~_kernels.dilate(share < 1, EDGE, 1)
    for edge in (slice(0, EDGE), slice(-EDGE, None)):
        values[edge] = values[:, edge] = 0
    return np.asarray(values)


def _resized(blocks: Plane, side: float, shape: Shape) -> Plane:
    """A plane of blocks at the pixels of a map, bilinear; a block has `side` map px."""
    for axis, length in enumerate(shape):
        at = np.clip((np.arange(length) + 0.5) / side - 0.5, 0, blocks.shape[axis] - 1)
        low = np.minimum(at.astype(np.intp), max(blocks.shape[axis] - 2, 0))
        part = (at - low).astype(np.float32)
        part = part[:, None] if axis == 0 else part
        first = np.take(blocks, low, axis)
        second = np.take(blocks, np.minimum(low + 1, blocks.shape[axis] - 1), axis)
        blocks = first + part * (second - first)
    return np.asarray(blocks)


def _digest(background: Plane, inside: Plane) -> Plane | None:
    """The scene without slow changes, of length 1; None if it is plain."""
    factor = max(1, round(max(background.shape) / DIGEST_SIDE))
    weight = _kernels.block_means(inside, None, factor, 1)[0]
    detail = _kernels.block_means(background * inside, None, factor, 1)[0]
    detail = np.where(weight > 0.5, detail / np.maximum(weight, np.float32(0.5)), np.float32(0))
    weight = (weight > 0.5).astype(np.float32)
    if weight.mean() < SMALLEST_PICTURE:
        return None
    slow, known = (gaussian_blur(part, SLOW, 1) for part in (detail * weight, weight))
    detail = (detail - slow / np.maximum(known, np.float32(1e-3))) * weight
    detail -= weight * (detail.sum() / weight.sum())
    length = float(np.sqrt((detail**2).sum()))
    if length < SMALLEST_CONTRAST * np.sqrt(weight.sum()):
        return None
    return np.asarray(detail / np.float32(length))


class MapPass:
    """The maps of the frames: a pass over a run, see `passes.Pass`.

    Parameters
    ----------
    factor : int
        Side of a map pixel, px.
    """

    def __init__(self, factor: int) -> None:
        self.factor = factor
        self.maps: dict[int, DustMap] = {}

    @property
    def start(self) -> "Callable[[], MapPass]":
        """See `passes.Pass`."""
        return partial(MapPass, self.factor)

    def look(self, plane: Plane, has_data: Mask | None) -> DustMap:
        """See `passes.Pass`."""
        return DustMap.of(plane, has_data, self.factor)

    def take(self, number: int, observed: DustMap) -> None:
        """See `passes.Pass`."""
        self.maps[number] = observed

    def merge(self, other: "MapPass") -> None:
        """See `passes.Pass`."""
        self.maps |= other.maps
