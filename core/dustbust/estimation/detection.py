"""What was found in a run: which pixels are marked, and how far that can be trusted."""

import numpy as np

from .. import _kernels
from ..image.block_grid import block_side, grid_shape, on_pixels
from ..image.fixed_point import to_steps
from ..runtime.threads import count
from .candidates import denoise, noise_floor

# A pixel that loses this share of its light, in the values of the picture, is marked; in a noisy map it takes more.
SUGGESTED_THRESHOLD = 0.05
SUGGESTED_DEVIATIONS = 2.5

# With fewer, nothing is marked.
FEWEST_SCENES = 3

# A particle that was in fewer frames than this is no part of the run; what is divided by its share has limits.
SMALLEST_SHARE = 0.4

# A particle may be so much larger than its candidate pixels, in blocks.
NEAR_BLOCKS = 0.75

# Larger things that all frames have in common are lamps, windows, frames: share of the picture. Hairs may be larger: what is no thicker
# than this, in blocks.
LARGEST_SHARE = 0.02
THICKEST_HAIR = 2.5

# Dust of the other polarity lowers the map in more of the picture than this, and in so many times more than is raised.
# In a run of slides that was taken for negatives, it was 17 times as much, 0.6 % of the picture; in sound runs less than is raised.
LOWERED = 2
LOWERED_SHARE = 5e-4


class Detection:
    """What two passes found of one kind of dust.

    Parameters
    ----------
    opacity : float32 (H, W), the map of the second pass.
    evidence : Evidence for the candidates of the first.
    outside : bool (H, W), where there is no picture.
    enough : whether there are frames enough to tell dust from picture.
    """

    def __init__(self, opacity, evidence, outside, enough, threads=None):
        self.evidence, self.threads = evidence, threads
        opacity = np.where(outside, 0, denoise(opacity, threads))
        self.noise = float(np.median(noise_floor(opacity, threads)[~outside]))
        self.threshold = max(SUGGESTED_THRESHOLD, SUGGESTED_DEVIATIONS * self.noise)
        self.raised, self.lowered = (
            float((side * opacity > self.threshold).mean()) for side in (1, -1)
        )
        self.dust = evidence.is_dust() if enough else np.zeros(evidence.particles, bool)
        self.reach = round(NEAR_BLOCKS * block_side(opacity.shape))
        self.near = (
            _kernels.dilate(evidence.mask_of(self.dust), self.reach, count(threads)) & ~outside
        )
        # Frames that a particle is missing from have taken part in the mean: what it takes where it is, is more.
        self.opacity = np.where(
            self.near, np.minimum(opacity / np.maximum(self.shares(), SMALLEST_SHARE), 1), opacity
        )

    def mark(self, threshold, smallest, largest):
        """Mark the particles at a threshold, but for those with an area, below the smallest or above the largest (px; None: `too_large`)."""
        # In steps of the mask, so that it has no other particles than those that were measured here.
        self.marked = self.near & (to_steps(self.opacity) >= to_steps(threshold))
        labels, neighbours, particles = _kernels.particles(self.marked, self.marked)
        area = np.bincount(labels, minlength=particles)
        rim = np.bincount(labels, (neighbours < 0).any(axis=1), particles)
        wrong = (area < smallest) | (
            self.too_large(area, rim) if largest is None else area > largest
        )
        left = np.zeros_like(self.marked)
        left[self.marked] = wrong[labels]
        self.marked &= ~left
        # What lies around them is not to turn up either, when the user takes a lower threshold.
        self.near = self.marked | (
            self.near & ~_kernels.dilate(left, self.reach, count(self.threads))
        )

    def too_large(self, area, rim):
        """Which particles, with an area and a rim of so many px, are too large for dust: not those that are long and thin."""
        return (area > LARGEST_SHARE * self.marked.size) & (
            2 * area / np.maximum(rim, 1) > THICKEST_HAIR * block_side(self.marked.shape)
        )

    def looks_wrong(self):
        """Whether the map is lowered, as dust of the other polarity does it, where this one hardly raises it. Pictures do both."""
        return self.lowered > max(LOWERED * self.raised, LOWERED_SHARE)

    def strength(self):
        """How much light the dust takes in all."""
        return float(self.opacity[self.marked].sum())

    def grey(self, threshold):
        """The map: opacity where there is dust; elsewhere what the map has, but always below the threshold."""
        opacity = np.maximum(self.opacity, 0)
        return np.where(
            self.near,
            opacity,
            np.float32(0.98 * threshold) * opacity / (opacity + np.float32(threshold)),
        )

    def shares(self):
        """float32 (H, W): in how large a share of the frames the dust at or beside a pixel was; 1 where there is none."""
        side = block_side(self.near.shape)
        dust = self.dust[self.evidence.labels]
        y, x = np.divmod(self.evidence.positions[dust], self.near.shape[1])
        blocks = np.zeros([n + 2 for n in grid_shape(self.near.shape)], np.float32)
        np.maximum.at(
            blocks,
            (y // side + 1, x // side + 1),
            self.evidence.share()[self.evidence.labels[dust]].astype(np.float32),
        )
        for axis in (0, 1):
            blocks = np.maximum.reduce([np.roll(blocks, step, axis) for step in (-1, 0, 1)])
        return on_pixels(np.where(blocks > 0, blocks, 1)[1:-1, 1:-1], self.near.shape)
