"""What the frames of a run show on the whole: which are pictures of the same scene, and what lies outside of the pictures."""
import numpy as np

from . import _kernels
from .evidence import connected
from .opacity import BLOCKS, block_side, soften

# A frame's digest: its background without what is slow, this many numbers along the longer side.
DIGEST = 64

# From this correlation of their digests two frames show the same scene.
ALIKE = 0.85

# A digest with less contrast than this says nothing: two frames of plain sky are not the same scene for that, and tell dust well.
SMALLEST_CONTRAST = 0.004

# Film borders and holders are the same in all frames: blocks at the edge that differ this much less than others.
STILL = 0.2
STEPS = 65535


class Scenes:
    """Which frames of a run count: of those that show the same scene, the first.

    Parameters
    ----------
    digests : {number: `digest_of` the frame with this number}
    outside : bool (rows, columns) of blocks in which there is no picture, see `Borders`: it makes no scenes alike.
    """

    def __init__(self, digests, outside):
        self.kept = []                  # numbers of the frames that count
        self.left_out = {}              # number of a frame -> number of the frame that shows the same scene
        inside = _reduced(1 - outside.astype(np.float32))
        numbers = []
        shown = np.zeros((len(digests), inside.size), np.float32)
        for number in sorted(digests):
            detail = _detail(digests[number].astype(np.float32) / STEPS, inside)
            seen = len(numbers)
            if detail is not None and seen:
                alike = shown[:seen] @ detail
                best = int(np.argmax(alike))
                if alike[best] > ALIKE:
                    self.left_out[number] = numbers[best]
                    continue
            if detail is not None:
                shown[seen] = detail
                numbers.append(number)
            self.kept.append(number)


class Borders:
    """How much each block differs between the frames of a run: where none does, there is no picture.

    Parameters
    ----------
    grid : (rows, columns) of blocks.
    """

    def __init__(self, grid):
        self.frames = 0
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)

    def add(self, background):
        """Take in the background of a frame."""
        values = np.rint(background * STEPS).astype(np.int64)
        self.frames += 1
        self._sum += values
        self._squares += values ** 2

    def merge(self, other):
        """Add those of another part of the run."""
        self.frames += other.frames
        self._sum += other._sum
        self._squares += other._squares

    def outside(self):
        """bool (rows, columns) of blocks: film borders and holders, which touch the edge of the frames and are the same in all of them."""
        frames = max(self.frames, 1)
        mean = self._sum / frames
        deviation = np.sqrt(np.maximum(self._squares / frames - mean ** 2, 0)) / STEPS
        still = deviation < STILL * np.median(deviation)
        positions, labels, count = connected(still)
        rows, columns = still.shape
        y, x = positions // columns, positions % columns
        at_edge = np.zeros(count, bool)
        at_edge[labels[(y == 0) | (x == 0) | (y == rows - 1) | (x == columns - 1)]] = True
        at_edge &= np.bincount(labels, minlength=count) >= BLOCKS / 8
        outside = np.zeros(still.shape, bool)
        outside[y[at_edge[labels]], x[at_edge[labels]]] = True
        # The edge of a film is never quite where it was in the frame before.
        return _kernels.dilate(outside, 3, 1)


def on_pixels(blocks, shape):
    """Numbers of blocks at the pixels of a picture of this shape."""
    side = block_side(shape)
    return np.repeat(np.repeat(blocks, side, 0), side, 1)[:shape[0], :shape[1]]


def digest_of(background):
    """A background as a few numbers, uint16."""
    return np.rint(np.clip(_reduced(background), 0, 1) * STEPS).astype(np.uint16)


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
    length = float(np.sqrt((detail ** 2).sum()))
    return None if length < SMALLEST_CONTRAST * np.sqrt(max(inside.sum(), 1)) else (detail / np.float32(length)).ravel()
