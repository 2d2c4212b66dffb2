"""Film borders and holders, which do not differ between the frames of a run, and film margins with
holes and print, which move from frame to frame."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.film_margin import INSIDE, OUTSIDE, FilmMargin
from ..dust.placement import Placement, Shape
from ..image.arrays import Grey, Mask, Plane, largest
from ..image.block_grid import BLOCKS, block_side, on_pixels
from ..image.fixed_point import STEPS_OF_16_BIT
from ..image.morphology import connected

# Blocks at the edge whose deviation is below this share of the median are still: they show no
# picture.
STILL = 0.2

# A still area at the edge with fewer blocks than this belongs to the picture.
SMALLEST_BORDER = BLOCKS / 8

# Borders are widened by this many blocks, as the edge of a film moves a little between frames.
MARGIN = 3

# Pixels this near to the darkest or the lightest value of a frame, 0..1, may belong to a margin of
# the film. The tolerance covers the grain and the conversion of each frame.
NEAR_DARKEST, NEAR_LIGHTEST = 0.08, 0.12

# Darkest and lightest are these quantiles of about PIXELS_ASKED pixels.
DARKEST, LIGHTEST, PIXELS_ASKED = 0.005, 0.995, 40000

# A block is level if this share of its pixels is dark or light. It belongs to the margin if it is
# level in this share of the frames. The rest allows for edges of holes and for dust.
LEVEL_PIXELS, LEVEL_FRAMES = 0.75, 0.75

# Gaps in the margin up to this many blocks are closed.
GAP = 2

# Blocks that fewer than this share of the frames show, such as at the edges of pictures and holes,
# are not compared with the rest of the map: in a map of few frames the picture stands out.
OFTEN = 0.75

# A margin takes at least this share of the frames' outermost blocks, on average over FEWEST_FRAMES
# frames or more.
OUTERMOST, FEWEST_FRAMES = 0.2, 3

# A margin lies along a whole side of the frames. In this share of its length it ends within MARGIN
# blocks of a straight line. Other dark or light areas at the edges of pictures, such as corners and
# skies, end anywhere.
STRAIGHT = 0.9

# In LEVEL_FRAMES of the frames the margin ends near that line in this share of its length. Film of
# the tests has 0.85 and more. The lower limit allows for pictures that are as dark at their edges
# as the margin.
ENDS = 0.5

# Pictures are at least this share of the width of their frames.
SMALLEST_PICTURE = 0.5

# A margin has both dark and light along one side, each in this share of it, in LEVEL_FRAMES of the
# frames: film with holes or print. A margin of one level is a border, see `Borders`.
BOTH_LEVELS = 0.03


class Borders:
    """How much each block differs between the frames of a run.

    Parameters
    ----------
    grid : tuple of int
        (rows, columns) of blocks.
    """

    def __init__(self, grid: tuple[int, ...]) -> None:
        self.frames = 0
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)
        self._seen = np.zeros(grid, np.int64)

    def add(self, background: Plane, has_data: Mask | None = None) -> None:
        """Take in a frame: its background, float32 (rows, columns), and where it has data."""
        values = np.rint(background * STEPS_OF_16_BIT).astype(np.int64)
        self.frames += 1
        self._sum += values
        self._squares += values**2
        if has_data is None:
            self._seen += 1
        else:
            side = block_side(has_data.shape)
            self._seen += _kernels.block_means(has_data.astype(np.float32), None, side, 1)[0] > 0.5

    def merge(self, other: "Borders") -> None:
        """Add the sums of another part of the run."""
        self.frames += other.frames
        self._sum += other._sum
        self._squares += other._squares
        self._seen += other._seen

    def unseen(self) -> Mask:
        """Blocks that too few frames show to tell dust from picture, bool (rows, columns)."""
        return np.asarray(self._seen < FEWEST_FRAMES)

    def rarely_seen(self) -> Mask:
        """Blocks that fewer than OFTEN of the frames show, bool (rows, columns)."""
        return np.asarray(self._seen < OFTEN * self.frames)

    def outside(self) -> Mask:
        """Film borders and holders, which touch the edge and are the same in all frames.

        Returns
        -------
        ndarray of bool, shape (rows, columns)
        """
        frames = max(self.frames, 1)
        mean = self._sum / frames
        deviation = np.sqrt(np.maximum(self._squares / frames - mean**2, 0)) / STEPS_OF_16_BIT
        still = deviation < STILL * np.median(deviation)
        return _kernels.dilate(_at_edge(still, SMALLEST_BORDER), MARGIN, 1)


def levels_of(plane: Grey, has_data: Mask | None) -> npt.NDArray[np.uint8]:
    """Which blocks of a frame are level, as the margins of a film are.

    Parameters
    ----------
    plane : ndarray of uint8, uint16 or float32, shape (H, W)
        Luminance.
    has_data : ndarray of bool, shape (H, W), or None
        False where the frame has no data.

    Returns
    -------
    ndarray of uint8, shape (rows, columns)
        0: picture. 1: dark for the most part, 2: light.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.film_borders import levels_of
    >>> plane = np.full((12, 12), 0.5, np.float32)
    >>> plane[:4], plane[8:] = 0, 1
    >>> levels_of(plane, None)[:, 0].tolist()
    [1, 0, 2]
    """
    side = block_side(plane.shape)
    known = plane if has_data is None else plane[has_data]
    some = known.ravel()[:: max(1, known.size // PIXELS_ASKED)]
    white = largest(plane.dtype)
    darkest, lightest = np.quantile(some, (DARKEST, LIGHTEST)) if some.size else (0.0, white)
    below, above = darkest + NEAR_DARKEST * white, lightest - NEAR_LIGHTEST * white
    if plane.dtype != np.float32:  # whole numbers are compared with whole numbers: it is faster
        below, above = min(np.ceil(below) - 1, white), max(np.floor(above) + 1, 0)
    dark, light = (
        _kernels.block_means(level.view(np.uint8), has_data, side, 1)[0] * np.float32(255)
        for level in (plane <= plane.dtype.type(below), plane >= plane.dtype.type(above))
    )
    return np.where(dark + light < LEVEL_PIXELS, 0, np.where(dark >= light, 1, 2)).astype(np.uint8)


def find_margin(
    levels: Mapping[int, npt.NDArray[np.uint8]],
    sizes: Mapping[int, Shape],
    placements: Mapping[int, Placement],
    shape: Shape,
    polarity: str,
) -> FilmMargin | None:
    """The margin of the film that the frames of a run show beside their pictures.

    Parameters
    ----------
    levels : mapping of int to ndarray
        Results of `levels_of` for some frames.
    sizes : mapping of int to tuple of int
        (H, W) of these frames.
    placements : mapping of int to Placement
        Where they lie on the grid of the run; empty if each covers it.
    shape : tuple of int
        (H, W) of the grid.
    polarity : {"light", "dark", "both", "auto"}
        Polarity of the dust.

    Returns
    -------
    FilmMargin or None
        None if the frames show only their pictures, or only borders of one level. Dark or light
        areas at the edges of pictures do not make a margin. A margin lies along a whole side, ends
        at a straight line, and has both levels there in most frames.
    """
    outermost = [np.mean(_ring(each) > 0) for each in levels.values()]
    if len(levels) < FEWEST_FRAMES or np.mean(outermost) < OUTERMOST:
        return None
    level, seen = np.zeros(shape, np.uint16), np.zeros(shape, np.uint16)
    side = block_side(shape)
    of_blocks = (slice(None, None, side),) * 2
    placed = []
    for number, each in levels.items():
        place = placements.get(number) or Placement(sizes[number])
        on_grid, part = place.window(shape)
        shown = np.zeros(shape, np.uint8)
        shown[on_grid] = place.upright(on_pixels(each, sizes[number]))[part]
        level += shown > 0
        seen[on_grid] += 1
        placed.append(shown[of_blocks])
    zone = (level >= LEVEL_FRAMES * seen) & (seen > 0)
    gap = GAP * side
    zone = ~_kernels.dilate(~_kernels.dilate(zone, gap, 1), gap, 1)
    zone = _at_edge(zone, SMALLEST_BORDER * side**2)
    sides = _straight_sides((zone | (seen == 0))[of_blocks], placed)
    if not any(_has_both_levels(placed, each) for each in sides):
        return None
    return FilmMargin(zone & on_pixels(np.logical_or.reduce(sides), shape), side, polarity)


def _straight_sides(zone: Mask, placed: Sequence[npt.NDArray[np.uint8]]) -> list[Mask]:
    """The parts of a zone that lie along whole sides and end at straight lines in most frames.

    The zone and the frames are in blocks of the grid.
    """
    sides = []
    for turns in range(4):
        upper = np.rot90(zone, turns)
        across = ~upper.all(axis=0)  # The others are in the margins at the left and the right.
        if np.mean(across) < SMALLEST_PICTURE:
            continue
        depth = np.argmin(upper, axis=0)[across]
        usual = np.median(depth)
        near = (depth > 0) & (np.abs(depth - usual) <= MARGIN)
        ends = [_ends_near(np.rot90(each, turns)[:, across], usual) for each in placed]
        if np.mean(near) >= STRAIGHT and np.mean(np.array(ends) >= ENDS) >= LEVEL_FRAMES:
            row = np.arange(len(upper))[:, None]
            sides.append(np.rot90(upper & (row <= usual + MARGIN), -turns))
    return sides


def _ends_near(levels: npt.NDArray[np.uint8], usual: float) -> float:
    """In which share of its columns a frame has picture for the first time near a row of blocks.

    Edges of holes and dust on them are passed over: what is looked at begins OUTSIDE blocks above.
    """
    first = max(round(usual) - OUTSIDE, 0)
    depth = np.argmin(levels[first:] > 0, axis=0) + first
    ends = (depth > first) & (depth <= usual + INSIDE)
    return float(np.mean(ends))


def _has_both_levels(placed: Sequence[npt.NDArray[np.uint8]], side: Mask) -> bool:
    """Whether most frames, in blocks of the grid, have dark and light in one side of a zone."""
    counts = np.array([np.bincount(each[side], minlength=3)[1:] for each in placed])
    both = counts.min(axis=1) > BOTH_LEVELS * counts.sum(axis=1)
    return bool(np.mean(both) >= LEVEL_FRAMES)


def _ring(blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The outermost blocks of a frame."""
    return np.concatenate([blocks[0], blocks[-1], blocks[:, 0], blocks[:, -1]])


def _at_edge(mask: Mask, smallest: float) -> Mask:
    """The connected areas of a mask that touch the edge and are not small."""
    positions, labels, count = connected(mask)
    rows, columns = mask.shape
    y, x = positions // columns, positions % columns
    at_edge = np.zeros(count, bool)
    at_edge[labels[(y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1)]] = True
    at_edge &= np.bincount(labels, minlength=count) >= smallest
    result = np.zeros(mask.shape, bool)
    result[y[at_edge[labels]], x[at_edge[labels]]] = True
    return result
