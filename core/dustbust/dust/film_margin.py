"""The margin of the film: what surrounds the picture where a frame is scanned past its edges.

It is dark (the film's base, a holder) and light (sprocket holes, edge print), and moves with the
film, from frame to frame. So each frame is divided into parts: the picture, and the level areas of
the margin on which dust can be seen. Nothing is compared or filled across the edges of a part.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..errors import DustbustError
from ..image.arrays import Grey, Mask, Plane, Values, to_unit
from ..image.robust import DEVIATIONS_PER_MAD

# The constants of this module were chosen on slides with sprocket holes whose dust is known: two
# sets of pictures, holes in four places.

# Light and dark of a margin differ by at least this, 0..1. Otherwise the margin has one level.
SMALLEST_STEP = 0.2

# A pixel counts as dark, or as light, as the margin if it differs from that level by less than
# LEVEL_DEVIATIONS standard deviations or by less than LEVEL_WITHIN, 0..1.
LEVEL_DEVIATIONS, LEVEL_WITHIN = 4.0, 0.04

# The edge of the picture is looked for up to this many blocks outside and inside the edge of the
# margin that all frames have.
OUTSIDE, INSIDE = 4, 10

# An edge is accepted if at least this share of its columns or rows agree on it within 1 px.
# Otherwise the picture is as dark as the margin, and the edge of the common margin is used. Film
# lies straight within SLOPES, px for each px.
AGREE = 0.1
SLOPES = np.linspace(-0.01, 0.01, 21)

# Radius of a majority filter, in blocks. It keeps dust and grain from making edges.
DECIDED_BY = 1.5

# Pixels within EDGE blocks of an edge belong to neither side, because edges are blurred. Pixels
# within FALL_OFF blocks of the picture's edge are not used to find dust: pictures get darker there
# by 3 to 5 %, like faint dust.
EDGE, FALL_OFF = 0.25, 1.5

# Levels are measured on about this many pixels.
PIXELS_FOR_LEVELS = 20000


@dataclass(frozen=True)
class FilmMargin:
    """The margin that the frames of a run have in common.

    Parameters
    ----------
    zone : ndarray of bool, shape (H, W)
        True where no frame shows its picture.
    side : int
        Side of a block, px: the unit of small distances.
    polarity : {"light", "dark", "both", "auto"}
        Polarity of the dust. Light dust does not show on a light margin, nor dark dust on a dark
        one.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.dust.film_margin import FilmMargin
    >>> frame = np.full((80, 160), 0.02, np.float32)
    >>> frame[40:] = 0.5  # the picture
    >>> frame[12:28, 60:100] = 0.95  # a hole
    >>> zone = np.zeros(frame.shape, bool)
    >>> zone[:36] = True
    >>> picture, hole = FilmMargin(zone, 4, "dark").parts(frame, None)
    >>> bool(picture[44:].all()), bool(picture[:40].any())
    (True, False)
    >>> bool(hole[16:24, 64:96].all()), bool(hole[:, :56].any())
    (True, False)
    """

    zone: Mask
    side: int
    polarity: str

    def parts(self, plane: Grey, has_data: Mask | None) -> tuple[Mask, Mask]:
        """The parts of a frame on which dust can be seen.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            Luminance.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.

        Returns
        -------
        picture, level : ndarray of bool, shape (H, W)
            The picture, and the part of the margin that has the level on which dust can be seen.
            The two do not touch each other.
        """
        plane = to_unit(plane)
        known = np.ones_like(self.zone) if has_data is None else has_data
        levels = _Levels.of(plane[self.zone & known])
        margin = self.zone.copy()
        for turns in range(4):
            upper = np.rot90(plane, turns), np.rot90(self.zone, turns), np.rot90(margin, turns)
            _extend(*upper, levels, self.side)
        radius, edge = max(2, round(DECIDED_BY * self.side)), max(1, round(EDGE * self.side))
        shows = levels.shows_dust(plane, self.polarity)
        inside = margin & known
        # Holes and print are the smaller part of the margin. The rest surrounds them.
        rare = 2 * np.count_nonzero(shows & inside) < np.count_nonzero(inside)
        areas = _areas(inside & (shows if rare else ~shows), radius)
        level = inside & (areas if rare else ~areas)
        return known & ~_near(margin, edge), ~_near(~level, edge)

    def data(self, plane: Grey, has_data: Mask | None) -> Mask:
        """Where a frame has data on the dust of its run: inside both of its parts.

        Outside the zone only its picture counts, and in the zone only its margin.
        """
        picture, level = self.parts(plane, has_data)
        inner = ~_near(~picture, round((FALL_OFF - EDGE) * self.side))
        return np.where(self.zone, level, inner)

    def blocks(self) -> Mask:
        """The zone in blocks, bool (rows, columns)."""
        zone = self.zone.astype(np.float32)
        return np.asarray(_kernels.block_means(zone, None, self.side, 1)[0] > 0.5)

    def part(self, rows: slice, columns: slice) -> "FilmMargin":
        """The margin in a part of the grid."""
        return replace(self, zone=np.ascontiguousarray(self.zone[rows, columns]))

    def pack(self) -> dict[str, npt.NDArray[Any]]:
        """The margin as small arrays that travel with a `DustMask`, beside its model."""
        return {
            "margin_zone": np.packbits(self.zone),
            "margin_side": np.array([self.side], np.uint16),
        }

    @classmethod
    def unpack(
        cls, arrays: Mapping[str, npt.NDArray[Any]], shape: tuple[int, ...], polarity: str
    ) -> "FilmMargin | None":
        """The margin in `DustMask.model`, or None.

        Raises
        ------
        DustbustError
            If the arrays, which may come from a stranger, do not fit each other.
        """
        if "margin_zone" not in arrays:
            return None
        try:
            packed, (side,) = arrays["margin_zone"], arrays["margin_side"].tolist()
            if packed.size != -(-shape[0] * shape[1] // 8) or not 1 <= int(side) <= max(shape):
                raise ValueError("its parts do not fit each other")
            zone = np.unpackbits(packed, count=shape[0] * shape[1]).view(bool).reshape(shape)
        except (KeyError, ValueError, TypeError) as error:
            raise DustbustError(
                "what the mask knows of its dust is damaged ({error}); estimate it again",
                error=error,
            ) from error
        return cls(zone, int(side), polarity)


def without_margin(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a mask's model without those of the margin."""
    return {name: array for name, array in arrays.items() if not name.startswith("margin_")}


@dataclass(frozen=True)
class _Levels:
    """Dark and light level of a frame's margin, 0..1, and the tolerance of each.

    A margin of one level has the same value for both.
    """

    dark: float
    light: float
    within: tuple[float, float]

    @classmethod
    def of(cls, values: Values) -> "_Levels":
        """The levels of a frame, from its values in the margin that all frames have."""
        values = values[:: max(1, values.size // PIXELS_FOR_LEVELS)]
        if not values.size:
            return cls(0.0, 1.0, (0.0, 0.0))
        low, high = (float(value) for value in np.quantile(values, (0.01, 0.99)))
        sides = [values, values]
        if high - low >= SMALLEST_STEP:
            darker = values < (low + high) / 2
            sides = [values[darker], values[~darker]]
        (dark, above), (light, below) = map(_level, sides)
        return cls(dark, light, (above, below))

    def like_margin(self, plane: Plane, at_edge: Values) -> Mask:
        """Which pixels are as dark, or as light, as the margin is at the edge of the picture."""
        if np.median(at_edge) < (self.dark + self.light) / 2 or self.dark == self.light:
            return np.asarray(plane < self.dark + self.within[0])
        return np.asarray(plane > self.light - self.within[1])

    def shows_dust(self, plane: Plane, polarity: str) -> Mask:
        """Which pixels of the margin have the level on which dust can be seen."""
        dark_only = self.dark == self.light and self.dark < 0.5
        light_only = self.dark == self.light and not dark_only
        if dark_only or light_only:
            return np.full(plane.shape, dark_only == (polarity == "light"))
        light = plane > (self.dark + self.light) / 2
        return np.asarray(~light if polarity == "light" else light)


def _level(values: Values) -> tuple[float, float]:
    value = float(np.median(values))
    deviation = DEVIATIONS_PER_MAD * float(np.median(np.abs(values - value)))
    return value, max(LEVEL_DEVIATIONS * deviation, LEVEL_WITHIN)


def _extend(plane: Plane, zone: Mask, margin: Mask, levels: _Levels, side: int) -> None:
    """Move the upper edge of the picture to its place in this frame. `margin` is changed."""
    depth = np.argmin(zone, axis=0)  # of the zone; 0 in columns without the zone or full of it
    outside, inside = OUTSIDE * side, INSIDE * side
    columns = np.flatnonzero((depth > outside) & (depth + inside < len(zone)))
    if not columns.size:
        return
    rows = depth[columns] + np.arange(-outside, inside)[:, None]
    values = plane[rows, columns]
    like = levels.like_margin(values, values[0])
    ends = ~like[1:-1] & ~like[2:]
    clear = like[0] & like[1] & ends.any(axis=0)
    at = (rows[1:-1][np.argmax(ends, axis=0), np.arange(columns.size)])[clear]
    x = columns[clear]
    best: tuple[int, float, float] = (0, 0.0, 0.0)
    for slope in SLOPES[np.argsort(np.abs(SLOPES), kind="stable")]:
        start = np.rint(at - slope * x).astype(np.int64)
        if start.size:
            votes = np.bincount(start - start.min())
            votes = np.convolve(votes, [1, 1, 1], "same")
            first = int(np.argmax(votes))
            if votes[first] > best[0]:
                best = int(votes[first]), float(slope), float(first + start.min())
    if best[0] < AGREE * columns.size:
        return
    line = np.rint(best[2] + best[1] * np.arange(zone.shape[1]))
    row = np.arange(len(zone) // 2)[:, None]
    moved = (zone[0] & ~zone.all(axis=0)) & (row < np.maximum(depth, line))
    upper = margin[: len(zone) // 2]
    upper[moved] = (row < line)[moved]


def _areas(mask: Mask, radius: int) -> Mask:
    """The areas of a mask with their corners, without dust in them or around them.

    A majority in a square removes dust on both sides, but also the corners of areas. Pixels with a
    majority both in their row and in their column bring the corners back. The mask is continued
    beyond its edges.
    """
    padded = np.pad(mask.astype(np.float32), radius, mode="edge")
    inner, length = slice(radius, -radius), 2 * radius + 1
    square = _kernels.box_blur(padded, radius, 1)[inner, inner]
    row = _sums_along(padded[inner], length)
    column = _sums_along(padded[:, inner].T, length).T
    return np.asarray((square > 0.5) | (2 * np.minimum(row, column) > length))


def _sums_along(values: Plane, length: int) -> Plane:
    """Sums of `length` neighbours in each row: (H, W) gives (H, W - length + 1)."""
    total = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    return np.asarray(total[:, length:] - total[:, :-length])


def _near(mask: Mask, radius: int) -> Mask:
    return _kernels.dilate(np.ascontiguousarray(mask), radius, 1)
