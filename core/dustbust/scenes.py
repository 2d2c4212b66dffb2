"""What the frames of a run show on the whole: which are pictures of the same scene, and what lies outside of the pictures."""
import numpy as np

from . import _kernels
from .evidence import connected
from .opacity import BLOCKS, block_side, grid_shape, soften

# A frame's digest: its background without what is slow, this many numbers along the longer side.
DIGEST = 64

# The numbers of a digest are bytes, so many to a standard deviation.
STEPS_OF_DIGEST = 25

# From this correlation of their digests two frames show the same scene.
ALIKE = 0.85

# A digest with less contrast than this says nothing: two frames of plain sky are not the same scene for that, and tell dust well.
SMALLEST_CONTRAST = 0.004

# Film borders and holders are the same in all frames: blocks at the edge that differ this much less than others.
STILL = 0.2
STEPS = 65535


class Scenes:
    """Which frames count: of those that show the same scene, the first."""

    def __init__(self):
        self.kept = []                  # numbers of the frames that count
        self.left_out = {}              # number of a frame -> number of the frame that shows the same scene
        self._numbers, self._norms = [], []
        self._digests = np.zeros((1, 0), np.float32)

    @classmethod
    def of(cls, digests):
        """Those of frames with these digests: {number: `digest_of` the frame}, in the order of the numbers."""
        self = cls()
        for number in sorted(digests):
            self.add(number, digests[number])
        return self

    def add(self, number, digest):
        """Whether the frame with this number and digest counts."""
        if digest is not None:
            digest = digest.astype(np.float32)
            # Sums of whole numbers, smaller than what float32 holds exactly: their order makes no difference.
            norm, seen = np.sqrt(digest @ digest), len(self._numbers)
            if seen:
                alike = self._digests[:seen] @ digest / (np.array(self._norms, np.float32) * norm)
                best = int(np.argmax(alike))
                if alike[best] > ALIKE:
                    self.left_out[number] = self._numbers[best]
                    return False
            if seen == len(self._digests) or seen == 0:
                self._digests = np.resize(self._digests, (2 * max(seen, 8), digest.size))
            self._digests[seen] = digest
            self._numbers.append(number)
            self._norms.append(norm)
        self.kept.append(number)
        return True


class Borders:
    """How much each block differs between the frames of a run: where none does, there is no picture.

    Parameters
    ----------
    shape : (H, W) of the frames.
    """

    def __init__(self, shape):
        self.shape, self.frames = shape, 0
        grid = grid_shape(shape)
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)

    def add(self, surroundings, *, times=1):
        """Take in a frame. `times` -1 takes it out again."""
        values = np.rint(surroundings.background * STEPS).astype(np.int64)
        self.frames += times
        self._sum += times * values
        self._squares += times * values ** 2

    def merge(self, other):
        """Add those of another part of the run."""
        self.frames += other.frames
        self._sum += other._sum
        self._squares += other._squares

    def outside(self):
        """bool (H, W): film borders and holders, which touch the edge of the frames and are the same in all of them."""
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
        outside = _kernels.dilate(outside, 3, 1)
        side = block_side(self.shape)
        return np.repeat(np.repeat(outside, side, 0), side, 1)[:self.shape[0], :self.shape[1]]


def digest_of(background):
    """A background as a few numbers, int8; None when it is plain."""
    side = max(1, round(max(background.shape) / DIGEST))
    small, _ = _kernels.block_means(background, None, side, 1)
    slow = small
    for _ in range(4):
        slow = soften(slow)
    detail = small - slow
    detail -= detail.mean()
    deviation = float(detail.std())
    if deviation < SMALLEST_CONTRAST:
        return None
    return np.clip(np.rint(detail.ravel() * (STEPS_OF_DIGEST / deviation)), -127, 127).astype(np.int8)
