"""Where a frame lies relative to the dust of its run.

Scanner programs crop each frame by itself, start a few pixels off, or turn portrait frames. The
dust stays on the glass. So the mask lies on a grid of its own, the run's, and each frame has a
placement on it. Frames are turned by index and placed by whole pixels: they are never resampled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import Sentence
from ..image.arrays import Mask, Picture, Plane

Shape = tuple[int, int]

# Version of `rows_of`. A mask with a later one is refused.
VERSION = 1

# Larger frames or offsets are refused as invalid, px.
LARGEST_SIDE = 1 << 20


@dataclass(frozen=True)
class Placement:
    """Where a frame lies on the grid of its run.

    Parameters
    ----------
    size : tuple of int
        (H, W) of the frame as it is stored.
    quarter_turns : int
        Number of quarter turns, counter-clockwise, applied to the frame after scanning: 0 to 3.
    offset : tuple of float
        (y, x) on the grid of the first pixel of the upright frame, px.
    error : float
        Standard error of the offset, px.
    z : float
        Height of the correlation with the dust above its noise, in standard deviations.
    ratio : float
        The height of the peak over that of the next one.
    placed : bool
        Whether the dust gave evidence. Otherwise the frame is at its nominal place.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.dust.placement import Placement
    >>> frame = np.arange(6, dtype=np.uint8).reshape(3, 2)
    >>> place = Placement((3, 2), quarter_turns=1, offset=(0.0, 1.0))
    >>> place.upright(frame).tolist()
    [[4, 2, 0], [5, 3, 1]]
    >>> np.array_equal(place.as_stored(place.upright(frame)), frame)
    True
    """

    size: Shape
    quarter_turns: int = 0
    offset: tuple[float, float] = (0.0, 0.0)
    error: float = 0.0
    z: float = 0.0
    ratio: float = 0.0
    placed: bool = True

    @property
    def upright_size(self) -> Shape:
        """(H, W) of the frame when its turns are undone."""
        return self.size if self.quarter_turns % 2 == 0 else (self.size[1], self.size[0])

    @property
    def corner(self) -> Shape:
        """(y, x) of the first pixel in whole pixels."""
        return round(self.offset[0]), round(self.offset[1])

    def covers(self, grid: Shape) -> bool:
        """Whether the frame, as it is stored, covers the grid exactly."""
        return self.quarter_turns == 0 and self.corner == (0, 0) and self.size == grid

    def upright(self, picture: Picture) -> Picture:
        """The frame with its turns undone: a view."""
        return np.rot90(picture, -self.quarter_turns)

    def as_stored(self, picture: Picture) -> Picture:
        """An upright picture, turned as the frame is stored: a view."""
        return np.rot90(picture, self.quarter_turns)

    def window(self, grid: Shape) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the grid that the frame covers, and the part of the upright frame in it."""
        on_grid, in_frame = [], []
        for length, side, start in zip(grid, self.upright_size, self.corner, strict=True):
            begin, end = max(start, 0), min(start + side, length)
            end = max(begin, end)
            on_grid.append(slice(begin, end))
            in_frame.append(slice(begin - start, end - start))
        return (on_grid[0], on_grid[1]), (in_frame[0], in_frame[1])

    def on_grid(
        self, plane: Plane, has_data: Mask | None, grid: Shape
    ) -> tuple[Plane, Mask | None]:
        """The luminance of the frame on the grid, and where the grid has data of it.

        Parameters
        ----------
        plane : ndarray of float32, shape (H, W)
            The luminance as it is stored.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.
        grid : tuple of int
            (H, W) of the grid.
        """
        if self.covers(grid):
            return plane, has_data
        window, part = self.window(grid)
        placed, covered = np.zeros(grid, plane.dtype), np.zeros(grid, bool)
        placed[window] = self.upright(plane)[part]
        covered[window] = True if has_data is None else self.upright(has_data)[part]
        return placed, None if covered.all() else covered

    def pasted(self, picture: Picture, grid: Shape) -> Picture:
        """A picture of the frame on the grid, with alpha: 0 outside the frame.

        Parameters
        ----------
        picture : ndarray, shape (H, W) or (H, W, C)
            The frame as it is stored; with 2 and 4 channels the last is alpha.
        grid : tuple of int
            (H, W) of the grid.

        Returns
        -------
        ndarray, shape (H, W, 2) or (H, W, 4)
        """
        channels = picture[..., None] if picture.ndim == 2 else picture
        colours = 3 if channels.shape[2] >= 3 else 1
        window, part = self.window(grid)
        pasted = np.zeros((*grid, colours + 1), picture.dtype)
        upright = self.upright(channels)[part]
        pasted[window][..., : upright.shape[2]] = upright
        if upright.shape[2] == colours:
            opaque = 1 if picture.dtype.kind == "f" else np.iinfo(picture.dtype).max
            pasted[window][..., colours] = opaque
        return pasted

    def taken_back(self, pasted: Picture, picture: Picture) -> Picture:
        """A copy of a frame with the pixels of a picture from `pasted` that was changed since.

        Pixels of the frame beyond the grid stay as they are.
        """
        window, part = self.window((pasted.shape[0], pasted.shape[1]))
        result = picture.copy()
        channels = self.upright(result[..., None] if result.ndim == 2 else result)
        channels[part] = pasted[window][..., : channels.shape[2]]
        return np.asarray(result)

    def moved(self, by: Sequence[float]) -> "Placement":
        """The same frame, with an offset that is larger by (y, x) px."""
        return replace(self, offset=(self.offset[0] + by[0], self.offset[1] + by[1]))


def on_places(frames: int, unplaced: int) -> list[Sentence]:
    """What to tell the user about frames that show too little dust to be placed.

    Parameters
    ----------
    frames : int
        Number of frames.
    unplaced : int
        How many of these are taken to lie at their nominal place.

    Examples
    --------
    >>> from dustbust.dust.placement import on_places
    >>> on_places(12, 0)
    []
    >>> print(*on_places(12, 2))
    2 of 12 frames show too little dust to find where they lie, and are taken to lie where most do.
    """
    if 2 * unplaced > frames:
        return [
            Sentence(
                "Only {number} of {frames} frames show enough dust to find where they lie. "
                "The others are taken to lie where most do; check their cleaned copies.",
                number=frames - unplaced,
                frames=frames,
            )
        ]
    if unplaced:
        return [
            Sentence(
                "{number} of {frames} frames show too little dust to find where they lie, and "
                "are taken to lie where most do.",
                number=unplaced,
                frames=frames,
            )
        ]
    return []


def rows_of(placements: Iterable[Placement]) -> list[list[Any]]:
    """Placements as plain JSON data, which `placements_of` reads."""
    return [
        [
            *place.size,
            place.quarter_turns,
            *(round(value, 3) for value in (*place.offset, place.error, place.z, place.ratio)),
            place.placed,
        ]
        for place in placements
    ]


def placements_of(rows: Any, frames: int) -> tuple[Placement, ...]:
    """The placements of a mask with this number of frames, from what `rows_of` gave, or none.

    Raises
    ------
    ValueError
        If the rows, which may come from an untrusted source, are not those of placements.
    """
    if not isinstance(rows, list) or len(rows) not in (0, frames):
        raise ValueError("its placements are not those of its frames")
    return tuple(_placement_of(row) for row in rows)


def _placement_of(row: Any) -> Placement:
    if not isinstance(row, list) or len(row) != 9:
        raise ValueError("a placement has another form")
    height, width, turns, *numbers, placed = row
    sound = (
        all(type(value) is int and 0 < value < LARGEST_SIDE for value in (height, width))
        and type(turns) is int
        and 0 <= turns <= 3
        and all(type(value) in (int, float) and abs(value) < LARGEST_SIDE for value in numbers)
        and type(placed) is bool
    )
    if not sound:
        raise ValueError("a placement is out of range")
    y, x, error, z, ratio = map(float, numbers)
    return Placement((height, width), turns, (y, x), error, z, ratio, placed)
