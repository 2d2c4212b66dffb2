"""What the frames of a run show on the whole: which are pictures of the same scene, and what lies outside of the pictures."""

import numpy as np

from .. import _kernels
from ..image.filters import soften
from ..image.fixed_point import STEPS_OF_16_BIT

# A frame's digest: its background without what is slow, this many numbers along the longer side.
DIGEST = 64

# From this correlation of their digests two frames show the same scene.
SAME_SCENE = 0.85

# A digest with less contrast than this says nothing: two frames of plain sky are not the same scene for that, and tell dust well.
SMALLEST_CONTRAST = 0.004


class Scenes:
    """Which frames of a run count: of those that show the same scene, the first.

    Parameters
    ----------
    digests : {number: `digest_of` the frame with this number}
    outside : bool (rows, columns) of blocks in which there is no picture, see `Borders`: it makes no scenes alike.
    """

    def __init__(self, digests, outside):
        self.kept = []  # numbers of the frames that count
        self.left_out = {}  # number of a frame -> number of the frame that shows the same scene
        inside = _reduced(1 - outside.astype(np.float32))
        numbers = []
        shown = np.zeros((len(digests), inside.size), np.float32)
        for number in sorted(digests):
            detail = _detail(digests[number].astype(np.float32) / STEPS_OF_16_BIT, inside)
            seen = len(numbers)
            if detail is not None and seen:
                alike = shown[:seen] @ detail
                best = int(np.argmax(alike))
                if alike[best] > SAME_SCENE:
                    self.left_out[number] = numbers[best]
                    continue
            if detail is not None:
                shown[seen] = detail
                numbers.append(number)
            self.kept.append(number)


def digest_of(background):
    """A background as a few numbers, uint16."""
    return np.rint(np.clip(_reduced(background), 0, 1) * STEPS_OF_16_BIT).astype(np.uint16)


def _reduced(blocks):
    """A plane of blocks, float32, with DIGEST numbers along its longer side."""
    return _kernels.block_means(blocks, None, max(1, round(max(blocks.shape) / DIGEST)), 1)[0]


def _detail(digest, inside):
    """A digest without what is slow, of mean 0 and length 1, as far as it is inside, 0 to 1: float32; None when it is plain."""
    slow, weight = digest * inside, inside
    for _ in range(4):
        slow, weight = soften(slow), soften(weight)
    detail = (digest - slow / np.maximum(weight, np.float32(1e-6))) * inside
    detail -= inside * (detail.sum() / max(inside.sum(), 1))
    length = float(np.sqrt((detail**2).sum()))
    return (
        None
        if length < SMALLEST_CONTRAST * np.sqrt(max(inside.sum(), 1))
        else (detail / np.float32(length)).ravel()
    )
