"""Looks everywhere in a run for round dust whose profile in each frame is known already.

Each frame is filtered with its own profile, less a ring around it: the answer is the strength that
a particle at that place would have in this frame. Details of the picture answer, too, but elsewhere
in each frame. So the answers of all frames are summed, each limited and weighted by its error.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.placement import Shape
from ..dust.profiles import DARKEST, LIGHTEST, RING, Profile, RoundDust, disc
from ..image.arrays import Grey, Mask, Plane, to_unit
from ..image.block_grid import block_side
from ..image.elementary import logarithm
from ..image.fixed_point import FIXED_POINT_STEP, in_fixed_point

# The error of an answer is its usual size in a square of this many blocks, and a frame counts for
# at most LIMIT errors at any place: fewer than a detail of the picture, more than the noise.
NEAR, LIMIT = 12, 4.0

# Mean of the absolute value of a normal variable of deviation 1.
MEAN_OF_ABSOLUTE = float(np.sqrt(2 / np.pi))

# A place answers only if at least this share of its surroundings has data.
ENOUGH_DATA = 0.7

# Places at which the sum is below this many errors are no candidates. Particles of the measuring
# kit whose strength could be measured at all reached 4 and more.
FAINTEST = 3.5

# Sums have a smaller step than this where a frame says nothing.
SMALLEST_ERROR = 1e-3

Sums = npt.NDArray[np.int64]


class Answers(NamedTuple):
    """How strongly one frame answers to a particle at each place, with weights; (rows, columns)."""

    weighted: Plane
    weight: Plane


class ShadowSearch:
    """Sums of the answers of frames: a pass over a run, see `passes.Pass`.

    Parameters
    ----------
    dust : RoundDust
        Particles that are known, by which the profile of each frame is measured.
    shape : tuple of int
        (H, W) of the frames.
    """

    def __init__(self, dust: RoundDust, shape: Shape) -> None:
        self.dust, self.shape = dust, shape
        self.factor = block_side(shape) // 2
        rows, columns = (-(-length // self.factor) for length in shape)
        self.answers: Sums = np.zeros((rows, columns), np.int64)
        self.weights: Sums = np.zeros((rows, columns), np.int64)

    @property
    def start(self) -> "Callable[[], ShadowSearch]":
        """See `passes.Pass`."""
        return partial(ShadowSearch, self.dust, self.shape)

    def look(self, plane: Grey, has_data: Mask | None) -> Answers | None:
        """See `passes.Pass`. None: the frame does not show the known particles."""
        profile, _ = self.dust.measure(plane, has_data)
        if not profile.is_significant:
            return None
        small, share = _kernels.block_means(to_unit(plane), has_data, self.factor, 1)
        known = (share > ENOUGH_DATA) & (small > DARKEST) & (small < LIGHTEST)
        passing = small if self.dust.dark else 1 - small
        density = -logarithm(np.clip(passing, DARKEST, 1))
        side = block_side(self.shape) / self.factor
        near = round(NEAR * side / 2)
        usual, part = (
            _kernels.box_blur(np.asarray(values, np.float32), near, 1)
            for values in (density * known, known)
        )
        density = np.where(known, density, usual / np.maximum(part, np.float32(1e-3)))
        answer, seen = self._filtered(profile, np.float32(density), known, side)
        size = _kernels.box_blur(np.abs(answer), near, 1)
        error = np.maximum(size / np.float32(MEAN_OF_ABSOLUTE), np.float32(SMALLEST_ERROR))
        limited = np.clip(answer / error, -LIMIT, LIMIT)
        clear = seen > ENOUGH_DATA
        return Answers(np.float32(limited / error * clear), np.float32(clear / error**2))

    def _filtered(
        self, profile: Profile, density: Plane, known: Mask, side: float
    ) -> tuple[Plane, Plane]:
        """The strength of a particle at each place, and the share of its surroundings with data."""
        radius = profile.radius / self.factor
        reach = int(np.ceil(radius + RING * side))
        y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
        distance = np.hypot(y, x)
        shape = profile.at(distance * self.factor).astype(np.float64)
        ring = (distance > radius) & (distance <= radius + RING * side)
        kernel = shape / shape.sum() - ring / np.count_nonzero(ring)
        kernel /= (shape * kernel).sum()
        inside = (distance <= radius) / np.count_nonzero(distance <= radius)
        lengths = [length + 2 * reach for length in density.shape]
        results = []
        for values, weights in ((density, kernel), (known.astype(np.float32), inside)):
            padded = np.pad(values.astype(np.float64), reach, mode="edge")
            spectrum = np.fft.rfft2(padded) * np.fft.rfft2(weights, s=lengths)
            whole = np.fft.irfft2(spectrum, s=lengths)
            results.append(np.float32(whole[2 * reach :, 2 * reach :]))
        return results[0], results[1]

    def take(self, number: int, observed: Answers | None) -> None:
        """See `passes.Pass`."""
        if observed is not None:
            self.answers += in_fixed_point(observed.weighted)
            self.weights += in_fixed_point(observed.weight)

    def merge(self, other: "ShadowSearch") -> None:
        """See `passes.Pass`."""
        self.answers += other.answers
        self.weights += other.weights

    def found(self, apart: float, limit: int) -> RoundDust:
        """The clearest places, at most `limit`, that lie at least `apart` px from each other."""
        answers, weights = self.answers * FIXED_POINT_STEP, self.weights * FIXED_POINT_STEP
        clearness = answers / np.sqrt(np.maximum(weights, 1e-9))
        free = clearness > FAINTEST
        positions = np.flatnonzero(free)
        columns = clearness.shape[1]
        centres, strengths = [], []
        for position in positions[np.argsort(-clearness.ravel()[positions], kind="stable")]:
            if not free.ravel()[position]:
                continue
            place = np.float32(divmod(int(position), columns))
            rows_near, columns_near, _ = disc(place, apart / self.factor, free.shape)
            free[rows_near, columns_near] = False
            centres.append((place + np.float32(0.5)) * np.float32(self.factor) - np.float32(0.5))
            strengths.append(answers.ravel()[position] / weights.ravel()[position])
            if len(centres) == limit:
                break
        order = sorted(range(len(centres)), key=lambda k: tuple(centres[k]))
        return RoundDust(
            np.array([centres[k] for k in order], np.float32).reshape(-1, 2),
            np.array([strengths[k] for k in order], np.float32),
            self.dust.dark,
            self.dust.fade,
        )
