"""Decides in which scans a particle of the scanner is present, and finds dust that overlaps."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Plane, Positions
from ..image.filters import gaussian_blur
from ..image.morphology import connected, dilate
from ..runtime.read_ahead import at_once, over_rows, read_ahead
from .dust_polarity import mean_around
from .evidence import STRONG, WEAK, Bytes, Differences, Evidence, shade
from .samples import Box
from .scans import Scans

# Width of the soft edge of a particle that is fainter than the noise, px.
SOFT_EDGE = 2

# A particle is present in one of two scans if this scan shows at least this share of the evidence
# that the other scan shows. Otherwise it was wiped off or arrived between the scans.
PRESENT = 0.25

# A particle that only one of two scans can show, because the other one shows no page there, is
# taken to be present in that other one, too, if at least this share of the particles that both can
# show stayed. With other dust in each scan, a few seem to stay by chance. Filling where no dust
# lies costs less than leaving dust, so the share is small.
STAYED = 0.2

# Steps that need surroundings work on square tiles of this side, px, and skip empty tiles.
TILE = 256

# Margins of a tile that the blurs of `overlaid` and of `find_votes` need, px.
OVERLAID_MARGIN, VOTES_MARGIN = 72, 25

# Pixels up to this distance from a strong difference belong to it, px.
BESIDE = 4


def tiles(where: Mask) -> Iterator[Box]:
    """Left, top, width, height of the tiles in which a mask has pixels."""
    height, width = where.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            if where[top : top + TILE, left : left + TILE].any():
                yield left, top, min(TILE, width - left), min(TILE, height - top)


def _with_margin(box: Box, margin: int, shape: tuple[int, int]) -> tuple[Box, tuple[slice, slice]]:
    """A box with a margin, cut off at the picture's edges; and the slices of the box in it."""
    left, top, width, height = box
    first_x, first_y = max(left - margin, 0), max(top - margin, 0)
    end_x, end_y = min(left + width + margin, shape[1]), min(top + height + margin, shape[0])
    inner = _slices((left - first_x, top - first_y, width, height))
    return (first_x, first_y, end_x - first_x, end_y - first_y), inner


def present(core: Mask, codes: Sequence[Bytes], threads: int | None = None) -> list[Mask]:
    """The particles that are present in each of two scans.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        All particles.
    codes : sequence of ndarray of uint8, shape (H, W)
        Codes of each scan, see `Evidence.codes`.
    threads : int or None
    """
    positions, labels, number = connected(core)

    def strong_and_unknown(plane: Bytes) -> list[npt.NDArray[np.intp]]:
        own = plane.ravel()[positions]
        return [
            np.bincount(labels[own == code], minlength=number)
            for code in (_kernels.STRONG_CODE, _kernels.UNKNOWN_CODE)
        ]

    strong, unknown = zip(*read_ahead(codes, strong_and_unknown, threads), strict=True)
    size = np.bincount(labels, minlength=number)
    shown = [each >= PRESENT * np.maximum(strong[0], strong[1]) for each in strong]
    hidden = [2 * each > size for each in unknown]
    in_both = ~(hidden[0] | hidden[1])
    stayed = np.count_nonzero(shown[0] & shown[1] & in_both)

    def plane_of(k: int) -> Mask:
        assumed = hidden[k] & (stayed >= STAYED * np.count_nonzero(in_both))
        return mask_at(positions, (shown[k] | assumed)[labels], core.shape)

    return list(read_ahead((0, 1), plane_of, threads))


def mask_at(positions: Positions, values: Mask, shape: tuple[int, ...]) -> Mask:
    """A mask that has some values at some positions, and is False elsewhere.

    Examples
    --------
    >>> mask_at(np.array([1, 5]), np.array([False, True]), (2, 3)).tolist()
    [[False, False, False], [False, False, True]]
    """
    mask = np.zeros(shape, bool)
    mask.ravel()[positions] = values
    return mask


def differing(core: Mask, votes: npt.NDArray[np.int8], scans: Scans) -> list[Mask]:
    """The dust of each of two scans, where it does not stay and its polarity is not known.

    Where the scans differ, the dusty one is the one that differs more from its surroundings.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        Dust that stays with the scanner.
    votes : ndarray of int8, shape (H, W)
        See `find_votes`.
    scans : Scans
    """
    stays = dilate(core, SOFT_EDGE, threads=scans.threads)
    where, alone = np.empty(votes.shape, bool), scans.alone

    def look(rows: slice) -> None:
        box = (0, rows.start, votes.shape[1], rows.stop - rows.start)
        stay = stays[rows] | (alone.marks_on_page(1, stays.view(np.uint8), box) > 0)
        np.greater(votes[rows] != 0, stay, out=where[rows])

    over_rows(look, len(votes), scans.threads)
    positions, labels, number = connected(where)
    of_first = np.bincount(labels, votes.ravel()[positions], number) > 0
    works = [
        lambda: mask_at(positions, of_first[labels], where.shape),
        lambda: scans.moved_mask(
            1, mask_at(positions, ~of_first[labels], where.shape), inverse=True
        ),
    ]
    return at_once(works, scans.threads)


def find_votes(evidence: Evidence, box: Box) -> npt.NDArray[np.int8]:
    """Votes on which of two scans differs more from its surroundings, on the grid of scan 0.

    Above 0: scan 0. Below 0: scan 1. The vote is 0 where the scans do not differ.

    Parameters
    ----------
    evidence : Evidence
        It keeps this box of scan 0 with `VOTES_MARGIN`.
    box : tuple of int
        Left, top, width, height of a part of the scanner.
    """
    left, top, width, height = box
    all_rows, all_columns = evidence.scans.pictures.shapes[0][:2]
    votes = np.zeros((height, width), np.int8)
    rows, end = min(height, all_rows - top), min(left + width, all_columns)
    for first in range(left, end if rows > 0 else left, TILE):
        columns = min(TILE, end - first)
        tile = (first, top, columns, rows)
        wider, inner = _with_margin(tile, VOTES_MARGIN, (all_rows, all_columns))
        part = _votes_of_tile(evidence.of_scan(0, wider), evidence.scans.threads)
        if part is not None:
            votes[:rows, first - left : first - left + columns] = part[inner]
    return votes


def _votes_of_tile(seen: Differences, threads: int) -> npt.NDArray[np.int8] | None:
    """The votes in a part of scan 0; None if there are none."""
    strength, known = np.abs(seen.score), seen.data > 0
    strong = (strength > STRONG) & known
    if not strong.any():
        return None
    beside = dilate(strong, BESIDE, threads=threads)
    beside &= (strength > WEAK) & known
    both = (seen.value + seen.page) * np.float32(0.5)
    mean = mean_around(both, ~beside & known, threads)[beside]
    vote = np.abs(seen.value[beside] - mean) - np.abs(seen.page[beside] - mean)
    values = np.clip(np.rint(127 * vote), -127, 127)
    values[values == 0] = 1
    votes = np.zeros(beside.shape, np.int8)
    votes[beside] = values
    return votes


def overlaid(core: Mask, opacity: Bytes, scans: Scans, polarity: int) -> Mask:
    """Parts of particles that overlap other dust in the other scan.

    Both scans are dusty there, so they do not differ. In both scans, these parts belong to dust
    that was found or lie between two parts of it, and all scans are as dark there as dust.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        The dust that was found.
    opacity : ndarray of uint8, shape (H, W)
        The marks of `ScannerDust`, which are raised where dust overlaps.
    scans : Scans
    polarity : {-1, 1}
        Of the dust.
    """
    threads, alone = scans.threads, scans.alone
    reach = min(int(np.ceil(scans.moved)) + SOFT_EDGE, 16)
    closed = ~dilate(~dilate(core, reach, threads=threads), reach, threads=threads)
    picture = closed.view(np.uint8)
    middle = np.zeros_like(core)

    def look(tile: Box) -> None:
        both = np.zeros(tile[:1:-1], bool)
        for registration in scans.registrations[1:]:
            for inverse in (False, True):  # one at a time: there may be many scans
                both |= registration.resample_marks(picture, tile, inverse=inverse, threads=1) > 0
        both &= closed[_slices(tile)]
        if not both.any():
            return
        box, part = _bounds(both, tile)
        here, both = _slices(box), both[part]
        wider, inner = _with_margin(box, OVERLAID_MARGIN, core.shape)
        taken, solid = _light_taken(shade(alone, wider, polarity), inner, 1)
        middle[here] = both & ~core[here] & solid
        raised = (both & core[here] & (taken > 0.25)) | middle[here]
        marks = _kernels.DUST_MARK + _kernels.DUST_PER_OPACITY * np.clip(taken[raised], 0, 1)
        seen = opacity[here]
        seen[raised] = np.maximum(seen[raised], marks.astype(np.uint8))

    for _ in read_ahead(tiles(closed), look, threads):
        pass  # each writes into its own tile
    return middle


def _bounds(where: Mask, box: Box) -> tuple[Box, tuple[slice, slice]]:
    """The part of a box in which a mask of it has pixels, and the slices of that part in it."""
    rows, columns = (np.flatnonzero(where.any(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
    inside = (left, top, width, height)
    return (box[0] + left, box[1] + top, width, height), _slices(inside)


def _slices(box: Box) -> tuple[slice, slice]:
    left, top, width, height = box
    return slice(top, top + height), slice(left, left + width)


def _light_taken(light: Plane, inner: tuple[slice, slice], threads: int) -> tuple[Plane, Mask]:
    """The share of the light that is missing, and where it is enough (0.4) to be dust."""
    around = np.maximum(gaussian_blur(light, 20.0, threads), np.float32(0.05))
    # The blur tells dust, which is solid, from letters. Where dust is known, less blur suffices.
    taken: Plane = (1 - gaussian_blur(light, 1.0, threads) / around)[inner]
    solid: Mask = (1 - gaussian_blur(light, 2.0, threads) / around)[inner] > 0.4
    return taken, solid
