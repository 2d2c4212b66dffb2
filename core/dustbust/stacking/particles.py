"""Which particles of the scanner lie on which scan, where scans differ or are dusty together."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.filters import gaussian_blur
from ..image.morphology import dilate
from .dust_polarity import mean_around
from .evidence import STRONG, WEAK, Bytes, Evidence, shade
from .samples import Box
from .scans import Scans

# The soft edge of a particle continues where it is fainter than the noise, px.
SOFT_EDGE = 2

# Of two scans: a particle is on a scan that shows at least this share of what the other one shows
# of it; without this share the particle was wiped off or has come.
PRESENT = 0.25

# What needs its surroundings is done in squares of this side, px, and only in those in which there
# is something to do.
TILE = 256

# px around a tile that the blurs of `overlaid` and of `differing` need.
OVERLAID_MARGIN, DIFFERING_MARGIN = 72, 32

# px next to a strong difference that belong to it.
BESIDE = 4


def tiles(where: Mask) -> Iterator[Box]:
    """Left, top, width, height of the tiles in which a mask has pixels."""
    height, width = where.shape
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            if where[top : top + TILE, left : left + TILE].any():
                yield left, top, min(TILE, width - left), min(TILE, height - top)


def _with_margin(box: Box, margin: int, shape: tuple[int, int]) -> tuple[Box, tuple[slice, slice]]:
    """A box with a margin, as far as there is one; and the slices of the box in it."""
    left, top, width, height = box
    first_x, first_y = max(left - margin, 0), max(top - margin, 0)
    end_x, end_y = min(left + width + margin, shape[1]), min(top + height + margin, shape[0])
    inner = _slices((left - first_x, top - first_y, width, height))
    return (first_x, first_y, end_x - first_x, end_y - first_y), inner


def present(core: Mask, codes: list[Bytes]) -> list[Mask]:
    """The particles that lie on each of two scans.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        All particles.
    codes : list of ndarray of uint8, shape (H, W)
        What each scan shows of them.
    """
    labels = _kernels.connected_components(core, core)[0]
    number = int(labels.max(initial=-1)) + 1
    strong, unknown = (
        [np.bincount(labels[plane[core] == code], minlength=number) for plane in codes]
        for code in (_kernels.STRONG_CODE, _kernels.UNKNOWN_CODE)
    )
    size = np.bincount(labels, minlength=number)
    planes = []
    for k in (0, 1):
        enough = strong[k] >= PRESENT * np.maximum(strong[0], strong[1])
        plane = np.zeros_like(core)
        plane[core] = (enough | (2 * unknown[k] > size))[labels]
        planes.append(plane)
    return planes


def differing(core: Mask, codes: Bytes, evidence: Evidence) -> list[Mask]:
    """Where two scans differ, nothing stays and no polarity is known: the dust of each scan.

    The dusty one of the two differs more from its surroundings.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        What stays with the scanner.
    codes : ndarray of uint8, shape (H, W)
        What scan 0 shows.
    evidence : Evidence
    """
    scans = evidence.scans
    votes = _votes(codes, evidence)
    stays = dilate(core, SOFT_EDGE, threads=scans.threads)
    where: Mask = (votes != 0) & ~(stays | scans.moved_mask(1, stays))
    labels = _kernels.connected_components(where, where)[0]
    total = np.bincount(labels, votes[where])
    of_first, of_second = np.zeros_like(where), np.zeros_like(where)
    of_first[where], of_second[where] = total[labels] > 0, total[labels] <= 0
    return [of_first, scans.moved_mask(1, of_second, inverse=True)]


def _votes(codes: Bytes, evidence: Evidence) -> npt.NDArray[np.int8]:
    """Above 0 where scan 0 differs more from its surroundings, below 0 where scan 1 does.

    0 where they do not differ. All on the grid of scan 0.
    """
    threads = evidence.scans.threads
    votes = np.zeros(codes.shape, np.int8)
    near = dilate(codes == _kernels.STRONG_CODE, BESIDE, threads=threads)
    for box in tiles(near):
        wider, inner = _with_margin(box, DIFFERING_MARGIN, codes.shape)
        seen = evidence.of_scan(0, wider)
        strength, known = np.abs(seen.score), seen.data > 0
        beside = dilate((strength > STRONG) & known, BESIDE, threads=threads)
        beside &= (strength > WEAK) & known
        both = (seen.value + seen.page) * np.float32(0.5)
        mean = mean_around(both, ~(beside | ~known), threads)
        vote = np.abs(seen.value - mean) - np.abs(seen.page - mean)
        values = np.clip(np.rint(127 * vote), -127, 127) * beside
        values[(values == 0) & beside] = 1
        part = values[inner]
        left, top = box[:2]
        votes[top : top + part.shape[0], left : left + part.shape[1]] = part
    return votes


def overlaid(core: Mask, opacity: Bytes, scans: Scans, polarity: int) -> Mask:
    """Parts of particles that lie on other parts of them in the other scan.

    There each scan is as dusty as the other, and no difference shows. They are, or lie between,
    parts that were found, in both scans, and all scans are as dark there as dust.

    Parameters
    ----------
    core : ndarray of bool, shape (H, W)
        The parts that were found.
    opacity : ndarray of uint8, shape (H, W)
        The marks of `ScannerDust`; raised there.
    scans : Scans
    polarity : {-1, 1}
        Of the dust.
    """
    threads = scans.threads
    reach = int(np.clip(np.ceil(scans.moved) + SOFT_EDGE, 2, 16))
    closed = ~dilate(~dilate(core, reach, threads=threads), reach, threads=threads)
    picture = closed.view(np.uint8)
    middle = np.zeros_like(core)
    for tile in tiles(closed):
        both = np.zeros(tile[:1:-1], bool)
        for registration in scans.registrations[1:]:
            for inverse in (False, True):  # one at a time: there may be many scans
                moved = registration.resample(picture, tile, inverse=inverse, threads=threads)
                both |= moved[..., 0] > 0
        both &= closed[_slices(tile)]
        if not both.any():
            continue
        box, part = _bounds(both, tile)
        here, both = _slices(box), both[part]
        wider, inner = _with_margin(box, OVERLAID_MARGIN, core.shape)
        taken, solid = _light_taken(shade(scans, wider, polarity), inner, threads)
        middle[here] = both & ~core[here] & solid
        raised = (both & core[here] & (taken > 0.25)) | middle[here]
        marks = _kernels.DUST_MARK + _kernels.DUST_PER_OPACITY * np.clip(taken[raised], 0, 1)
        seen = opacity[here]
        seen[raised] = np.maximum(seen[raised], marks.astype(np.uint8))
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
    """The share of the light that dust takes, and where so much is missing that there is dust."""
    around = np.maximum(gaussian_blur(light, 20.0, threads), np.float32(0.05))
    # Blurred, for dust is solid where letters are not; less so where dust is known to be.
    taken: Plane = (1 - gaussian_blur(light, 1.0, threads) / around)[inner]
    solid: Mask = (1 - gaussian_blur(light, 2.0, threads) / around)[inner] > 0.4
    return taken, solid
