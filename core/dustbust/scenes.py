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
    """Digests of frames, and how much each block differs between them.

    Parameters
    ----------
    shape : (H, W) of the frames.
    """

    def __init__(self, shape):
        self.shape = shape
        self.kept = []                  # numbers of the frames that count
        self.left_out = {}              # number of a frame -> number of the frame that shows the same scene
        self._digests = []
        grid = grid_shape(shape)
        self._sum, self._squares = np.zeros(grid, np.int64), np.zeros(grid, np.int64)

    def add(self, index, surroundings):
        """Whether a frame counts: it does unless one of the same scene was there before."""
        digest = digest_of(surroundings.background)
        if digest is not None and self._digests:
            others = np.stack([other for _, other in self._digests]).astype(np.float32)
            alike = others @ digest.astype(np.float32) / (np.linalg.norm(others, axis=1) * np.linalg.norm(digest.astype(np.float32)))
            best = int(np.argmax(alike))
            if alike[best] > ALIKE:
                self.left_out[index] = self._digests[best][0]
                return False
        if digest is not None:
            self._digests.append((index, digest))
        self.kept.append(index)
        values = np.rint(surroundings.background * STEPS).astype(np.int64)
        self._sum += values
        self._squares += values ** 2
        return True

    def outside(self):
        """bool (H, W): film borders and holders, which touch the edge of the frames and are the same in all of them."""
        frames = max(len(self.kept), 1)
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
