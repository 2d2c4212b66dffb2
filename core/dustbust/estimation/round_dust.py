"""Round dust whose size and strength change from frame to frame, found in the frames of a run.

A few frames tell whether the size of the dust changes at all. If it does, each candidate is
compared with the profile of each frame: dust has the same strength in all of them, picture has not.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..dust.profiles import (
    CHANGING,
    CHANGING_BLOCKS,
    Around,
    Profile,
    RoundDust,
    disc,
    weighted_median,
)
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side

# Particles that tell whether the size changes, and candidates that are compared if it does.
ASKED_FIRST, CANDIDATES = 30, 250

# Fewer frames than this that show the dust do not tell a change.
FEWEST_FRAMES = 4

# A candidate is dust if its strength over the frames is this many times its error, and it is seen
# in at least half of the frames that show the dust.
CLEAR = 5.0

# Offsets from a candidate's place at which its centre is looked for, in parts of the sharpest half
# radius; first coarse, then fine.
OFFSETS = ((0.6, 5), (0.15, 5))

Looked = tuple[Profile, list[Around | None]]


class ProfilePass:
    """Profiles of round dust in frames: a pass over a run, see `passes.Pass`."""

    def __init__(self, dust: RoundDust, others: RoundDust | None = None) -> None:
        self.dust, self.others = dust, others
        self.looked: dict[int, Looked] = {}

    @property
    def start(self) -> "Callable[[], ProfilePass]":
        """See `passes.Pass`."""
        return partial(ProfilePass, self.dust, self.others)

    def look(self, plane: Plane, has_data: Mask | None) -> Looked:
        """See `passes.Pass`: the readings are those of `others`, where there are such."""
        profile, around = self.dust.measure(plane, has_data)
        if self.others is not None and profile.is_significant:
            side = block_side(plane.shape)
            radius = profile.radius + side
            around = self.others.readings(plane, has_data, radius, max(1, side // 4))
        return profile, around

    def take(self, number: int, observed: Looked) -> None:
        """See `passes.Pass`."""
        self.looked[number] = observed

    def merge(self, other: "ProfilePass") -> None:
        """See `passes.Pass`."""
        self.looked |= other.looked

    @property
    def significant(self) -> list[Looked]:
        """Frames that show the dust, in the order of the run."""
        return [self.looked[n] for n in sorted(self.looked) if self.looked[n][0].is_significant]

    def size_changes(self, shape: Sequence[int]) -> bool:
        """Whether the size of the dust differs between the frames that show it."""
        radii = sorted(profile.half_radius for profile, _ in self.significant)
        if len(radii) < FEWEST_FRAMES:
            return False
        third = max(1, len(radii) // 3)
        small, large = float(np.mean(radii[:third])), float(np.mean(radii[-third:]))
        return large > CHANGING * small and large - small > CHANGING_BLOCKS * block_side(shape)


def find_round_dust(
    go_over: Callable[[Any], None], likely: Mask, opacity: Plane, candidates: Mask, dark: bool
) -> tuple[RoundDust, Profile] | None:
    """Round dust of changing size in a run.

    Parameters
    ----------
    go_over : callable
        Shows some frames to a pass.
    likely : ndarray of bool, shape (H, W)
        Where there is probably dust.
    opacity : ndarray of float32, shape (H, W)
        The mean opacity.
    candidates : ndarray of bool, shape (H, W)
        Where there may be dust.
    dark : bool
        Whether it is darker than the picture.

    Returns
    -------
    tuple of RoundDust and Profile, or None
        The dust, and the profile of the frames that show it best. None: there is no such dust.
    """
    first = ProfilePass(RoundDust.of(likely, opacity, dark, ASKED_FIRST))
    if not len(first.dust.centres):
        return None
    go_over(first)
    if not first.size_changes(opacity.shape):
        return None
    dust, sharpest = first.dust, first.significant[0][0]
    others = RoundDust.of(candidates | likely, opacity, dark, CANDIDATES)
    for _ in range(2):
        search = ProfilePass(dust, others)
        go_over(search)
        looked = search.significant
        if len(looked) < FEWEST_FRAMES:
            return None
        sharpest = min((profile for profile, _ in looked), key=lambda p: p.half_radius)
        dust = others = _sure(others, looked, sharpest)
        if not len(dust.centres):
            return None
    return dust, sharpest


def _sure(candidates: RoundDust, looked: Sequence[Looked], sharpest: Profile) -> RoundDust:
    """The candidates that are dust, with their centres and strengths."""
    centres, strengths, certainties = [], [], []
    for number, centre in enumerate(candidates.centres):
        frames = [(p, a[number]) for p, a in looked if a[number] is not None]
        if 2 * len(frames) < len(looked):
            continue
        offset = (0.0, 0.0)
        for share, places in OFFSETS:
            offset = _best_offset(frames, offset, share * sharpest.half_radius, places)
        shown, error = _strengths(frames, offset)
        weight = 1 / error**2
        strength = weighted_median(shown, weight)
        certainty = strength * np.sqrt(weight.sum())
        seen = np.average(shown > 0.3 * strength, weights=weight)
        if certainty > CLEAR and seen > 0.5:
            centres.append(np.asarray(centre) + offset)
            strengths.append(strength)
            certainties.append(certainty)
    kept: list[int] = []
    for number in np.argsort(-np.array(certainties), kind="stable"):
        near = [np.hypot(*(centres[number] - centres[k])) for k in kept]
        if min(near, default=np.inf) > 1.2 * sharpest.half_radius:
            kept.append(int(number))
    kept.sort()
    return RoundDust(
        np.array([centres[k] for k in kept], np.float32).reshape(-1, 2),
        np.array([strengths[k] for k in kept], np.float32),
        candidates.dark,
        candidates.fade,
    )


def _best_offset(
    frames: Sequence[tuple[Profile, Any]], around: tuple[float, float], step: float, places: int
) -> tuple[float, float]:
    """The offset of a centre at which the profiles explain most of the readings."""
    steps = (np.arange(places) - places // 2) * step
    best, result = -np.inf, around
    for down in steps + around[0]:
        for right in steps + around[1]:
            explained = 0.0
            for profile, each in frames:
                shape = profile.at(each.distance((down, right)))
                product = float(shape @ each.reading)
                power = max(float(shape @ shape), 1e-9)
                explained += max(product, 0) ** 2 / power / each.deviation**2
            if explained > best:
                best, result = explained, (float(down), float(right))
    return result


def _strengths(
    frames: Sequence[tuple[Profile, Any]], offset: tuple[float, float]
) -> tuple[Any, Any]:
    """Strength of a candidate in each frame, and its error."""
    shown, error = [], []
    for profile, each in frames:
        dust = RoundDust(np.zeros((1, 2), np.float32), np.ones(1, np.float32), True)
        moved = each._replace(down=each.down - offset[0], right=each.right - offset[1])
        strength, deviation = dust.shown([moved], profile)
        shown.append(strength[0])
        error.append(deviation[0])
    return np.array(shown), np.array(error)


def opacity_of_round(dust: RoundDust, profile: Profile, shape: tuple[int, int]) -> Plane:
    """Opacity of round dust with a profile: float32 (H, W)."""
    result = np.zeros(shape, np.float32)
    for centre, strength in zip(dust.centres, dust.strength, strict=True):
        y, x, distance = disc(centre, profile.radius, shape)
        density = strength * profile.at(distance)
        result[y, x] = np.maximum(result[y, x], -np.expm1(-density))
    return result
