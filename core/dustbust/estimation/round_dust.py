"""Round dust whose size and strength change from frame to frame, found in the frames of a run.

A few frames show whether the size of the dust changes. If it does, each candidate is compared with
the profile of each frame. Dust has the same strength in all frames; details of the picture do not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ..dust.profiles import (
    CHANGING,
    FADING,
    PARTICLES_ASKED,
    SMALLEST_SHADOW,
    Around,
    Profile,
    RoundDust,
    disc,
    shown_strengths,
    weighted_median,
)
from ..image.arrays import Mask, Plane
from ..image.block_grid import block_side
from ..image.elementary import exponential
from ..image.fixed_point import STEPS_OF_16_BIT, to_steps
from .evidence import ENOUGH, Evidence
from .frames import spread_over
from .passes import Pass
from .shadow_search import ShadowSearch

# Number of particles from which a change of size is found, and of candidates that are then
# compared.
ASKED_FIRST, CANDIDATES = 16, 250

# A few frames show whether the size changes, more of them which candidates are dust: of 40 true
# particles, 10 frames showed 26 to 31 and 0 to 9 false ones, 18 frames 33 to 36 and no false one.
# If none of the first FRAMES_BEFORE shows any, as in most runs, the others are not asked.
FRAMES_BEFORE, FRAMES_ASKED_FIRST, FRAMES_ASKED = 4, 8, 40

# The smallest area of such a particle, px, and the fewest particles that are enough.
SMALLEST_AREA, FEWEST_PARTICLES = 4, 5

# A change is found only if at least this many frames show the dust.
FEWEST_FRAMES = 4

# A candidate is dust if its strength over the frames is CLEAR times its error, and if the frames in
# which it has FAINTEST of that strength or more have the share SEEN of all weight. Below
# BEYOND_DOUBT it also takes two thirds of the frames whose error is below CLEARLY of the strength.
# Without the frame that weighs most, which may show a detail of its picture there, the strength
# must still be CONFIRMED times its error. Chosen on the rolls of the measuring kit: of 40 particles
# 35 to 40 are found. Those that one detail makes were confirmed by 2 errors, dust by 6 and more.
CLEAR, CONFIRMED, BEYOND_DOUBT, FAINTEST, SEEN, CLEARLY = 5.0, 4.0, 8.0, 0.4, 0.8, 0.5

# The profile explains this share of the readings around dust.
EXPLAINED = 0.3

# Two particles are at least this far from each other, in half radii where they are sharpest.
APART = 1.2

# Candidates weaker than this share of the median are left out, as chance may make them.
WEAKEST = 0.55

# Offsets from a candidate's place at which its centre is looked for, in parts of the sharpest half
# radius; first coarse, then fine.
OFFSETS = ((0.6, 5), (0.15, 5))

Looked = tuple[Profile, list[Around | None]]
GoOver = Callable[[Pass, Sequence[int]], None]


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

    def shadows(self, shape: Sequence[int]) -> list[Looked]:
        """Significant frames without chance profiles, which are narrower than any shadow."""
        smallest = SMALLEST_SHADOW * block_side(shape)
        return [each for each in self.significant if each[0].half_radius > smallest]

    def size_changes(self, shape: Sequence[int]) -> bool:
        """Whether the size of the dust differs between the frames that show it."""
        profiles = sorted((profile for profile, _ in self.shadows(shape)), key=_half_radius)
        if len(profiles) < max(FEWEST_FRAMES, 2 * len(self.significant) / 3):
            return False
        third = max(1, len(profiles) // 3)
        small, large = profiles[:third], profiles[-third:]
        radii = [float(np.mean([p.half_radius for p in part])) for part in (small, large)]
        middles = [float(np.mean([p.density[0] for p in part])) for part in (small, large)]
        return radii[1] > CHANGING * radii[0] and middles[0] > FADING * middles[1]


def _half_radius(profile: Profile) -> float:
    return profile.half_radius


@dataclass(frozen=True)
class ChangingDust:
    """Round dust of changing size, and the profile of the frame that shows it best."""

    dust: RoundDust
    sharpest: Profile

    def opacity(self, shape: tuple[int, int]) -> Plane:
        """Opacity of the dust where it is strongest: float32 (H, W), in steps of a mask."""
        result = np.zeros(shape, np.float32)
        for centre, strength in zip(self.dust.centres, self.dust.strength, strict=True):
            y, x, distance = disc(centre, self.sharpest.radius, shape)
            density = strength * self.sharpest.at(distance)
            result[y, x] = np.maximum(result[y, x], 1 - exponential(-density))
        grey: Plane = to_steps(result).astype(np.float32) / np.float32(STEPS_OF_16_BIT)
        return grey


def find_round_dust(
    go_over: GoOver,
    few: Sequence[int],
    kept: Sequence[int],
    evidence: Evidence,
) -> ChangingDust | None:
    """Round dust of changing size in a run.

    Parameters
    ----------
    go_over : callable
        Called as go_over(one, numbers): shows these frames to a pass.
    few : sequence of int
        Numbers of a few frames, from all over the run.
    kept : sequence of int
        Numbers of all frames of different scenes.
    evidence : Evidence
        The candidates, after the frames were shown to it.

    Returns
    -------
    ChangingDust or None
        None: there is no such dust.
    """
    is_dust = evidence.is_dust(np.where(evidence.area < SMALLEST_AREA, 0, -ENOUGH))
    first = ProfilePass(_strongest(evidence, is_dust, ASKED_FIRST))
    if len(first.dust.centres) < FEWEST_PARTICLES:
        return None
    for asked in few[:FRAMES_BEFORE], few[FRAMES_BEFORE:FRAMES_ASKED_FIRST]:
        go_over(first, asked)
        if not first.shadows(evidence.shape):
            return None
    if not first.size_changes(evidence.shape):
        return None
    asked = spread_over(kept, FRAMES_ASKED)
    examine = partial(_examine, go_over, asked, evidence.shape)
    # First the candidates of the evidence, of which faint and wide ones are missing. Once the
    # profiles of the frames are known, dust is looked for everywhere.
    every = np.ones(evidence.particles, bool)
    found = examine(_strongest(evidence, is_dust), _strongest(evidence, every, CANDIDATES))
    if found is None:
        return None
    search = ShadowSearch(found.dust, evidence.shape)
    go_over(search, asked)
    apart = APART * found.sharpest.half_radius
    return examine(found.dust, search.found(apart, CANDIDATES))


def _strongest(evidence: Evidence, which: Mask, limit: int = PARTICLES_ASKED) -> RoundDust:
    """The strongest of the candidates `which`, bool (P,)."""
    at = which[evidence.labels]
    numbers = np.cumsum(which, dtype=np.int32) - np.int32(1)
    particles = evidence.positions[at], numbers[evidence.labels[at]], int(which.sum())
    return RoundDust.of(
        particles,
        evidence.expected[at],
        evidence.shape[1],
        dark=evidence.polarity == "dark",
        limit=limit,
    )


def _examine(
    go_over: GoOver,
    asked: Sequence[int],
    shape: tuple[int, int],
    known: RoundDust,
    candidates: RoundDust,
) -> ChangingDust | None:
    """The candidates that are dust, by profiles measured at known dust; None: too few."""
    profiles = ProfilePass(known, candidates)
    go_over(profiles, asked)
    looked = profiles.shadows(shape)
    if len(looked) < FEWEST_FRAMES:
        return None
    sharpest = min((profile for profile, _ in looked), key=_half_radius)
    dust = _sure(candidates, looked, sharpest)
    if len(dust.centres) < FEWEST_PARTICLES:
        return None
    reach = max(profile.radius for profile, _ in looked)
    return ChangingDust(replace(dust, reach=float(reach)), sharpest)


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
        rest = np.arange(weight.size) != np.argmax(weight)
        confirmed = weighted_median(shown[rest], weight[rest]) * np.sqrt(weight[rest].sum())
        seen = shown > FAINTEST * strength
        clearly = error < CLEARLY * strength
        if (
            certainty > CLEAR
            and confirmed > CONFIRMED
            and np.average(seen, weights=weight) >= SEEN
            and _explained(frames, offset, shown / error) > EXPLAINED
            and (certainty > BEYOND_DOUBT or (clearly.any() and seen[clearly].mean() > 0.6))
        ):
            centres.append(np.asarray(centre) + offset)
            strengths.append(strength)
            certainties.append(certainty)
    kept: list[int] = []
    weakest = WEAKEST * float(np.median(strengths)) if strengths else 0.0
    for number in np.argsort(-np.array(certainties), kind="stable"):
        near = [np.hypot(*(centres[number] - centres[k])) for k in kept]
        apart = min(near, default=np.inf) > APART * sharpest.half_radius
        if apart and strengths[number] > weakest:
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
                product = float((shape * each.reading).sum())
                power = max(float((shape * shape).sum()), 1e-9)
                explained += max(product, 0) ** 2 / power / each.deviation**2
            if explained > best:
                best, result = explained, (float(down), float(right))
    return result


def _explained(
    frames: Sequence[tuple[Profile, Any]], offset: tuple[float, float], clearness: Any
) -> float:
    """Share of the readings' power that the profile explains where it is seen best.

    An edge of the picture that passes through a candidate is explained by about half.
    """
    shares = []
    for number in np.argsort(-clearness, kind="stable")[:2]:
        profile, each = frames[number]
        shape = profile.at(each.distance(offset))
        inside = shape > 0
        reading = each.reading[inside]
        strength = float((shape[inside] * reading).sum()) / max(float((shape * shape).sum()), 1e-9)
        rest = float(((reading - strength * shape[inside]) ** 2).sum())
        shares.append(1 - rest / max(float((reading**2).sum()), 1e-9))
    return float(np.mean(shares))


def _strengths(
    frames: Sequence[tuple[Profile, Any]], offset: tuple[float, float]
) -> tuple[Any, Any]:
    """Strength of a candidate in each frame, and its error."""
    shown, error = [], []
    for profile, each in frames:
        moved = each._replace(down=each.down - offset[0], right=each.right - offset[1])
        strength, deviation = shown_strengths([moved], profile)
        shown.append(strength[0])
        error.append(deviation[0])
    return np.array(shown), np.array(error)
