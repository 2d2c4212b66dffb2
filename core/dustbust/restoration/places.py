"""Finds the place of a frame on the grid of a mask: in the mask's data, or by the frame's dust."""

from functools import cached_property

import numpy as np

from .. import _kernels
from ..dust.mask import DustMask
from ..dust.placement import Placement, Shape
from ..errors import DustbustError
from ..estimation.dust_maps import DustMap, factor_for
from ..estimation.placement import (
    BETTER,
    ERROR_OF_PEAK,
    FARTHEST,
    FARTHEST_SHARE,
    Canvas,
    Match,
)
from ..image.arrays import Picture, Plane, luminance_and_data

# A frame is searched for in other places if more than this share of the dust is absent from it.
MOSTLY_ABSENT = 0.5

# A place is clear at this z, and this height over the next peak. Frames of other runs reached 9.3
# and 1.4 in all turns and in windows of a third of the frame; frames of the run are above 30.
CLEAR_Z, CLEAR_RATIO = 11.0, 1.5

# A frame is placed from at least this many particles.
FEWEST_PARTICLES = 6


class Places:
    """The places of frames on the grid of a mask.

    Parameters
    ----------
    dust : DustMask
        The mask of a run.
    """

    def __init__(self, dust: DustMask) -> None:
        self._dust = dust
        rows, columns = dust.grey.shape
        self.grid: Shape = (rows, columns)
        self._known = (
            dict(zip(dust.frames, dust.placements, strict=True)) if dust.placements else {}
        )
        self._factor = factor_for(max(self.grid))

    def of(self, frame: Picture, name: str) -> Placement | None:
        """The place of a frame; None if it covers the grid exactly.

        Parameters
        ----------
        frame : ndarray, shape (H, W) or (H, W, C)
            The frame.
        name : str
            What the mask calls it, if it was made from this frame.

        Raises
        ------
        DustbustError
            If the frame has another size than those of the run, and does not show their dust.
        """
        size = frame.shape[0], frame.shape[1]
        known = self._known.get(name)
        if known is not None and known.size == size:
            return known
        if not self._known and size == self.grid:
            return None
        return self.find(frame) or self._nominal(size)

    @staticmethod
    def is_doubtful(particles: int, absent: int) -> bool:
        """Whether most of the dust is absent from a frame, so that the frame may lie elsewhere."""
        return particles >= FEWEST_PARTICLES and absent > MOSTLY_ABSENT * particles

    def find(self, frame: Picture) -> Placement | None:
        """The place of a frame by its dust; None if it does not show enough of it."""
        plane, has_data = luminance_and_data(frame)
        if min(plane.shape) < self._factor * 16:
            return None
        found = DustMap.of(plane, has_data, self._factor)
        best: tuple[float, Placement] | None = None
        for kind in ("light", "dark") if self._dust.polarity == "both" else (self._dust.polarity,):
            match, canvas = self._match(found, kind)
            clear = match.z >= CLEAR_Z and match.ratio >= CLEAR_RATIO
            if clear and (best is None or match.z > best[0]):
                best = match.z, self._placement(found, match, canvas)
        return best[1] if best else None

    def _match(self, found: DustMap, kind: str) -> tuple[Match, Canvas]:
        """Where the map of a frame correlates with the mask, in the best turn."""
        values, longest = found.values(kind), max(found.shape)
        wide = [max(lengths) for lengths in zip(self._map.shape, (longest, longest), strict=True)]
        differ = np.abs(np.subtract.outer(self._map.shape, found.shape)).max() / 2
        near = max(FARTHEST, FARTHEST_SHARE * max(self.grid)) / self._factor
        canvas = Canvas((wide[0], wide[1]), int(np.ceil(near + differ)))
        still = canvas.spectrum(self._map)

        def match(turns: int) -> Match:
            return canvas.match(still, canvas.spectrum(np.rot90(values, -turns)), turns)

        likely, other = self._turns(found.size)
        best = max((match(turns) for turns in likely), key=lambda each: each.z)
        if best.z < CLEAR_Z or best.ratio < CLEAR_RATIO:
            turned = max((match(turns) for turns in other), key=lambda each: each.z)
            if turned.z > BETTER * best.z:
                best = turned
        return best, canvas

    def _turns(self, size: Shape) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The likely turns of a frame, and the others."""
        swapped = (size[1] >= size[0]) != (self.grid[1] >= self.grid[0])
        return ((1, 3), (0, 2)) if swapped else ((0,), (2, 1, 3))

    def _placement(self, found: DustMap, match: Match, canvas: Canvas) -> Placement:
        rows, columns = found.size
        factor = self._factor
        down, right = rows % factor, columns % factor  # at the end, not in the map
        before = ((0, 0), (0, down), (down, right), (right, 0))[match.turns]
        turned = match.turns % 2 == 1
        shape = (found.shape[1], found.shape[0]) if turned else found.shape
        corner = canvas.corner(shape) - canvas.corner(self._map_shape) + match.at
        y, x = (float(value) for value in corner * factor - before)
        error = ERROR_OF_PEAK * factor / match.z
        return Placement(found.size, match.turns, (y, x), error, match.z, match.ratio)

    def _nominal(self, size: Shape) -> Placement:
        """The usual place of frames of this size, for one that shows no dust."""
        alike = [place for place in self._known.values() if place.size == size]
        if not alike:
            raise DustbustError(
                "the frame is {frame}, but the mask is {mask}, and the frame does not show the "
                "dust of the mask; use the mask that was made from the frames of this run",
                frame=f"{size[1]} x {size[0]}",
                mask=f"{self.grid[1]} x {self.grid[0]}",
            )
        turns = max(alike, key=lambda place: place.quarter_turns == 0).quarter_turns
        offsets = [place.offset for place in alike if place.quarter_turns == turns]
        y, x = (float(value) for value in np.median(offsets, axis=0))
        return Placement(size, turns, (y, x), placed=False)

    @cached_property
    def _map(self) -> Plane:
        """The dust of the mask, as the map of a frame that shows nothing else."""
        dust = np.where(self._dust.binary(), self._dust.opacity, np.float32(0))
        rows, columns = self._map_shape
        small = _kernels.block_means(dust, None, self._factor, 1)[0][:rows, :columns]
        return np.asarray(small - small.mean())

    @property
    def _map_shape(self) -> Shape:
        return self.grid[0] // self._factor, self.grid[1] // self._factor
