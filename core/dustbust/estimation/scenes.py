"""Which frames of a run show the same scene."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Plane
from ..image.filters import soften
from ..image.fixed_point import STEPS_OF_16_BIT

Digest = npt.NDArray[np.uint16]

# A frame's digest is its background without slow changes: this many numbers along the longer side.
DIGEST_SIDE = 64

# Digests that correlate by more than this show the same scene.
SAME_SCENE = 0.85

# A digest with less contrast than this carries no information: two frames of plain sky are not the
# same scene, and show dust well.
SMALLEST_CONTRAST = 0.004


class Scenes:
    """Which frames of a run count: of those that show the same scene, the first.

    Parameters
    ----------
    digests : mapping of int to ndarray
        Number of a frame -> its digest, see `digest_of`.
    outside : ndarray of bool, shape (rows, columns)
        Blocks in which there is no picture, see `Borders`. They do not make scenes alike.

    Attributes
    ----------
    kept : list of int
        Numbers of the frames that count.
    left_out : dict of int to int
        Number of each other frame -> number of the frame that shows the same scene.
    """

    def __init__(self, digests: Mapping[int, Digest], outside: Mask) -> None:
        self.kept: list[int] = []
        self.left_out: dict[int, int] = {}
        inside = _reduced(np.asarray(~outside, np.float32))
        numbers: list[int] = []
        shown = np.zeros((len(digests), inside.size), np.float32)
        for number in sorted(digests):
            digest = np.asarray(digests[number].astype(np.float32) / STEPS_OF_16_BIT, np.float32)
            detail = _detail(digest, inside)
            count = len(numbers)
            if detail is not None and count:
                alike = shown[:count] @ detail
                best = int(np.argmax(alike))
                if alike[best] > SAME_SCENE:
                    self.left_out[number] = numbers[best]
                    continue
            if detail is not None:
                shown[count] = detail
                numbers.append(number)
            self.kept.append(number)


def digest_of(background: Plane) -> Digest:
    """A background, float32 (rows, columns), as a few numbers."""
    return np.rint(np.clip(_reduced(background), 0, 1) * STEPS_OF_16_BIT).astype(np.uint16)


def _reduced(blocks: Plane) -> Plane:
    """A plane of blocks with DIGEST_SIDE numbers along its longer side."""
    return _kernels.block_means(blocks, None, max(1, round(max(blocks.shape) / DIGEST_SIDE)), 1)[0]


def _detail(digest: Plane, inside: Plane) -> Plane | None:
    """A digest without slow changes, of mean 0 and length 1; None if it is plain.

    Parameters
    ----------
    digest : ndarray of float32, shape (rows, columns)
    inside : ndarray of float32, shape (rows, columns)
        Which share of each number is picture, 0..1.

    Returns
    -------
    ndarray of float32, shape (N,), or None
    """
    slow, weight = digest * inside, inside
    for _ in range(4):
        slow, weight = soften(slow), soften(weight)
    detail = (digest - slow / np.maximum(weight, np.float32(1e-6))) * inside
    detail -= inside * (detail.sum() / max(inside.sum(), 1))
    length = float(np.sqrt((detail**2).sum()))
    if length < SMALLEST_CONTRAST * np.sqrt(max(inside.sum(), 1)):
        return None
    return np.asarray((detail / np.float32(length)).ravel())
