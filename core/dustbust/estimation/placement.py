"""Finds where each frame of a roll lies, from the dust that the frames have in common.

The maps of two frames correlate through their dust, at the shift between them. The search begins
with clear pairs among a few frames. Then each frame is compared with the sum of the others, in
several rounds. Frames that may show one scene are never compared with each other, because their
pictures correlate, too.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from threading import Lock

import numpy as np
import numpy.typing as npt

from ..dust.placement import Shape
from ..image.arrays import Plane
from ..image.robust import DEVIATIONS_PER_MAD
from ..runtime.read_ahead import read_ahead
from .dust_maps import DustMap
from .frames import spread_over

# The constants of this module were chosen on rolls of simulated film whose placements are known:
# cropped, wandering, turned, with 6 to 20 frames, 30 particles and more, with and without dust.

# A frame may lie this far from its nominal place: px, and share of the longer side.
FARTHEST, FARTHEST_SHARE = 64, 0.03

# Exponent of whitening: between correlation (0) and phase correlation (1).
WHITENING = 0.5

# Values nearer to a peak than this belong to it, map px.
NEAR = 3

# A peak is clear if it is this much higher than the next one.
CLEAR_RATIO = 1.3

# z of a clear pair of frames; of a frame that joins the others; and of a frame for which other
# turns need not be tried. z of a frame is at least USUAL_SHARE of the usual z in the roll.
Z_PAIR, Z_JOIN, Z_STRONG = 5.5, 6.0, 8.0
Z_PAIR_TURNED = 6.0
USUAL_SHARE = 0.08

# Another turn is taken if its z is larger by this factor.
BETTER = 1.1

# Frames of which pairs are compared, frames that the sum of a round is made of, and rounds.
SEEDS, VOTERS, ROUNDS = 12, 48, 8

# Backgrounds that correlate by more than this, at any shift, may show one scene.
ALIKE = 0.45

# A roll is placed from at least this many scenes and at least this share of the frames.
FEWEST_SCENES, SMALLEST_SHARE = 3, 0.5

# A frame's weight in the sum, at least, as a share of the clearest one's.
LEAST_WEIGHT = 0.05

# Sides that differ by no more than this factor are a square's.
SQUARE = 1.02

# Frames lie on each other if their peaks are no farther away than this: map px, and standard
# errors of a peak.
STRAIGHT, STRAIGHT_ERRORS = 0.12, 2.5

# Standard error of a peak's place, in map px times its z.
ERROR_OF_PEAK = 1.25

Spectrum = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Match:
    """Where a frame correlates with others.

    Parameters
    ----------
    at : tuple of float
        (y, x) from the nominal place, map px.
    z : float
        Height of the peak, in deviations of the surface.
    ratio : float
        That over the next peak's.
    turns : int
        Quarter turns that the frame was given.
    height : float
        Height of the peak over the median of the surface.
    """

    at: tuple[float, float] = (0.0, 0.0)
    z: float = 0.0
    ratio: float = 0.0
    turns: int = 0
    height: float = 0.0

    def is_clear(self, z: float) -> bool:
        """Whether the peak stands out, at this z or more."""
        return self.z >= z and self.ratio >= CLEAR_RATIO


class Canvas:
    """The plane on which maps are compared.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns) of the largest map.
    limit : int
        Largest shift, map px.
    """

    def __init__(self, shape: Shape, limit: int) -> None:
        self.limit = limit
        self.shape = tuple(_fast_length(length + limit) for length in shape)
        self._down = np.fft.fftfreq(self.shape[0])[:, None]
        self._right = np.fft.rfftfreq(self.shape[1])[None]

    def corner(self, shape: Shape) -> npt.NDArray[np.int64]:
        """(y, x) of the first pixel of a map of this shape at its nominal place."""
        return np.asarray((np.array(self.shape) - shape) // 2, np.int64)

    def spectrum(self, values: Plane) -> Spectrum:
        """The whitened spectrum of a map, of mean power 1."""
        plane = np.zeros(self.shape, np.float32)
        top, left = self.corner((values.shape[0], values.shape[1]))
        plane[top : top + values.shape[0], left : left + values.shape[1]] = values
        spectrum: Spectrum = np.fft.rfft2(plane).astype(np.complex64)
        size = np.abs(spectrum)
        mean = size.mean()
        if mean < 1e-9:
            return np.zeros(spectrum.shape, np.complex64)
        spectrum /= (size + np.float32(0.1) * mean) ** np.float32(WHITENING)
        return np.asarray(spectrum / _power(spectrum), np.complex64)

    def moved(self, spectrum: Spectrum, by: tuple[float, float], weight: float = 1) -> Spectrum:
        """The spectrum of a map that is moved by (y, x) and weighted."""
        down = np.exp(-2j * np.pi * self._down * by[0]).astype(np.complex64)
        right = (weight * np.exp(-2j * np.pi * self._right * by[1])).astype(np.complex64)
        return np.asarray(spectrum * (down * right), np.complex64)

    def match(self, still: Spectrum, moving: Spectrum, turns: int = 0) -> Match:
        """Where the second map lies relative to the first."""
        surface = np.fft.irfft2(still * np.conj(moving), s=self.shape)
        limit = self.limit
        surface = np.concatenate([surface[-limit:], surface[: limit + 1]])
        surface = np.concatenate([surface[:, -limit:], surface[:, : limit + 1]], axis=1)
        return _peak(np.asarray(surface, np.float32), turns)


def _fast_length(length: int) -> int:
    """The next even length with no prime factors above 5, which is fast to transform."""
    length += length % 2
    rest = length
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    return length if rest == 1 else _fast_length(length + 2)


def _power(spectrum: Spectrum) -> np.float32:
    """Root of the mean power."""
    power: np.float32 = np.sqrt(np.mean(spectrum.real**2 + spectrum.imag**2))
    return power


def _peak(surface: Plane, turns: int) -> Match:
    """The highest place of a correlation surface, (2 L + 1, 2 L + 1)."""
    limit = surface.shape[0] // 2
    median = float(np.median(surface))
    deviation = DEVIATIONS_PER_MAD * float(np.median(np.abs(surface - median)))
    if not deviation > 0:
        return Match(turns=turns)
    y, x = (int(place) for place in np.unravel_index(np.argmax(surface), surface.shape))
    height = float(surface[y, x]) - median
    other = surface.copy()
    other[max(0, y - NEAR) : y + NEAR + 1, max(0, x - NEAR) : x + NEAR + 1] = -np.inf
    second = float(other.max()) - median
    dy = _vertex(surface[y - 1 : y + 2, x])
    dx = _vertex(surface[y, x - 1 : x + 2])
    return Match(
        (y - limit + dy, x - limit + dx),
        height / deviation,
        height / max(second, 1e-6 * deviation),
        turns,
        height,
    )


def _vertex(values: Plane) -> float:
    """Where the parabola through three values has its top, from the middle one; 0 at an end."""
    if values.size < 3:
        return 0.0
    before, middle, after = map(float, values)
    bend = before - 2 * middle + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


@dataclass
class Roll:
    """The maps of the frames of a roll, and the canvas on which they are compared.

    Parameters
    ----------
    maps : mapping of int to DustMap
        By the number of the frame.
    kind : {"light", "dark"}
        Kind of the dust.
    threads : int or None
        Number of threads.
    """

    maps: Mapping[int, DustMap]
    kind: str
    threads: int | None = None
    canvas: Canvas = field(init=False)
    factor: int = field(init=False)

    def __post_init__(self) -> None:
        shapes = [found.shape for found in self.maps.values()]
        self.factor = next(iter(self.maps.values())).factor
        self.wide = 2 * sum(width >= height for height, width in shapes) >= len(shapes)
        upright = np.array([self.upright_shape(number) for number in self.maps])
        spread = float(np.ptp(upright, axis=0).max()) / 2
        longest = self.factor * int(upright.max())
        limit = max(FARTHEST, FARTHEST_SHARE * longest) / self.factor + spread
        rows, columns = upright.max(axis=0)
        self.canvas = Canvas((int(rows), int(columns)), int(np.ceil(limit)))
        self._spectra: dict[tuple[int, int], Spectrum] = {}
        self._lock = Lock()
        self.kin = self._kin()

    def is_swapped(self, number: int) -> bool:
        """Whether a frame is upright where most lie across, or the other way."""
        height, width = self.maps[number].shape
        return (width >= height) != self.wide and max(height, width) > SQUARE * min(height, width)

    def turns(self, number: int) -> tuple[int, ...]:
        """The likely turns of a frame."""
        return (1, 3) if self.is_swapped(number) else (0,)

    def other_turns(self, number: int) -> tuple[int, ...]:
        """The turns of a frame that are possible, but not likely."""
        height, width = self.maps[number].shape
        if self.is_swapped(number):
            return ()
        return (2,) if max(height, width) > SQUARE * min(height, width) else (1, 2, 3)

    def upright_shape(self, number: int, turns: int | None = None) -> Shape:
        """Shape of a map when the turns of its frame are undone."""
        turns = self.turns(number)[0] if turns is None else turns
        rows, columns = self.maps[number].shape
        return (columns, rows) if turns % 2 else (rows, columns)

    def spectrum(self, number: int, turns: int) -> Spectrum:
        """The spectrum of a frame's map with the turns undone."""
        key = number, turns
        with self._lock:
            if key in self._spectra:
                return self._spectra[key]
        values = np.rot90(self.maps[number].values(self.kind), -turns)
        spectrum = self.canvas.spectrum(values)
        with self._lock:
            while len(self._spectra) >= VOTERS + SEEDS:
                self._spectra.pop(next(iter(self._spectra)))
            self._spectra[key] = spectrum
        return spectrum

    def moved(self, number: int, match: Match) -> Spectrum:
        """The spectrum of a frame at its place, weighted by how well it shows the dust."""
        return self.canvas.moved(self.spectrum(number, match.turns), match.at, match.height)

    def match(self, still: Spectrum, number: int, turns: Iterable[int]) -> Match:
        """Where a frame lies relative to others, in the best of some turns."""
        return max(
            (self.canvas.match(still, self.spectrum(number, turn), turn) for turn in turns),
            key=lambda match: match.z,
        )

    def _kin(self) -> dict[int, set[int]]:
        """The frames that may show the same scene as each frame, with itself."""
        longest = max(
            (max(found.digest.shape) for found in self.maps.values() if found.digest is not None),
            default=0,
        )
        limit = int(np.ceil(self.canvas.limit * longest / max(self.canvas.shape))) + 1
        side = _fast_length(longest + limit)
        spectra: dict[int, list[Spectrum]] = {}
        for number, found in self.maps.items():
            if found.digest is not None:
                spectra[number] = [
                    np.fft.rfft2(np.rot90(found.digest, -turns), s=(side, side)).astype(
                        np.complex64
                    )
                    for turns in self.turns(number)
                ]
        kin = {number: {number} for number in self.maps}
        stacked = {number: np.stack(each) for number, each in spectra.items()}
        for first, second in combinations(spectra, 2):
            products = stacked[first][:, None] * np.conj(stacked[second])[None]
            surface = np.fft.irfft2(products, s=(side, side))
            best = max(
                float(surface[..., rows, columns].max())
                for rows in (slice(None, limit + 1), slice(-limit, None))
                for columns in (slice(None, limit + 1), slice(-limit, None))
            )
            if best > ALIKE:
                kin[first].add(second)
                kin[second].add(first)
        return kin

    def scenes(self, numbers: Iterable[int]) -> int:
        """Number of certainly different scenes among some frames."""
        different: list[int] = []
        for number in numbers:
            if not self.kin[number].intersection(different):
                different.append(number)
        return len(different)


State = dict[int, Match]


def find_places(roll: Roll, *, smallest_share: float = SMALLEST_SHARE) -> State:
    """Where the frames of a roll lie relative to each other.

    Parameters
    ----------
    roll : Roll
        The maps of all frames.
    smallest_share : float
        A roll of which a smaller share can be placed is not placed at all.

    Returns
    -------
    dict of int to Match
        Number of each frame that could be placed, and its place. Empty if the frames give no
        evidence.
    """
    if roll.scenes(roll.maps) < FEWEST_SCENES:
        return {}
    state = _begin(roll)
    for step in range(ROUNDS if state else 0):
        before, state = state, _round(roll, state)
        if step >= 2 and _is_settled(before, state):
            break
    settled = roll.scenes(state) >= FEWEST_SCENES and len(state) >= smallest_share * len(roll.maps)
    return state if settled else {}


def _begin(roll: Roll) -> State:
    """The best connected frame of a few, and those that form clear pairs with it."""
    likely = [number for number in sorted(roll.maps) if not roll.is_swapped(number)]
    seeds = spread_over(likely, SEEDS)
    pairs = [pair for pair in combinations(seeds, 2) if pair[1] not in roll.kin[pair[0]]]
    clear = _clear_pairs(roll, pairs, roll.turns, Z_PAIR)
    if not clear:  # the frames may lie differently turned
        clear = _clear_pairs(roll, pairs, roll.other_turns, Z_PAIR_TURNED)
    if not clear:
        return {}
    # Not the clearest pair: two pictures of one scene are a clear pair, too.
    links = {
        seed: sum(min(match.z, 3 * Z_PAIR) for pair, match in clear.items() if seed in pair)
        for seed in seeds
    }
    first = max(links, key=lambda seed: links[seed])
    state = {first: Match(z=99.0, ratio=99.0, height=1.0)}
    for (one, other), match in clear.items():
        if one == first:
            state[other] = replace(match, height=1.0)
        elif other == first and match.turns == 0:
            back = (-match.at[0], -match.at[1])
            state[one] = replace(match, at=back, height=1.0)
    if len(state) == 1:  # only pairs in which it is the turned one
        (one, other), match = max(clear.items(), key=lambda each: each[1].z)
        state = {one: state[first], other: replace(match, height=1.0)}
    return state


def _clear_pairs(
    roll: Roll,
    pairs: Sequence[tuple[int, int]],
    turns: Callable[[int], tuple[int, ...]],
    z: float,
) -> dict[tuple[int, int], Match]:
    def match(pair: tuple[int, int]) -> Match:
        one, other = pair
        return roll.match(roll.spectrum(one, 0), other, turns(other))

    found = zip(pairs, read_ahead(pairs, match, roll.threads), strict=True)
    return {pair: each for pair, each in found if each.is_clear(z)}


def _round(roll: Roll, state: State) -> State:
    """Compare each frame with the sum of the placed ones, without itself and its kin."""
    voters = spread_over(sorted(state), VOTERS)
    total = np.sum([roll.moved(number, state[number]) for number in voters], axis=0)
    usual = 0.0
    if len(state) > 2:
        usual = USUAL_SHARE * float(np.median([min(match.z, 300) for match in state.values()]))
    look = partial(_match_with_others, roll, state, voters, total)
    new = {}
    for number, match in zip(
        roll.maps, read_ahead(list(roll.maps), look, roll.threads), strict=True
    ):
        if match is not None and match.is_clear(max(usual, Z_JOIN)):
            new[number] = match
    highest = max((match.height for match in new.values()), default=1.0)
    return {
        number: replace(match, height=max(match.height / highest, LEAST_WEIGHT))
        for number, match in new.items()
    }


def _match_with_others(
    roll: Roll, state: State, voters: Sequence[int], total: Spectrum, number: int
) -> Match | None:
    kin = [each for each in voters if each in roll.kin[number]]
    if len(kin) == len(voters):
        return None
    others = total
    if kin:
        others = total - np.sum([roll.moved(each, state[each]) for each in kin], axis=0)
    power = _power(others)
    if not power > 0:
        return None
    if number in state:
        match = roll.match(others, number, [state[number].turns])
    else:
        match = roll.match(others, number, roll.turns(number))
        if roll.other_turns(number) and not match.is_clear(Z_STRONG):
            turned = roll.match(others, number, roll.other_turns(number))
            if turned.z > BETTER * match.z:
                match = turned
    return replace(match, height=max(match.height / float(power), 1e-3))


def _is_settled(before: State, state: State) -> bool:
    """Whether a round changed nothing that counts."""
    if set(before) != set(state):
        return False
    steps = [np.abs(np.subtract(before[number].at, state[number].at)).max() for number in state]
    return max(steps, default=0) <= 0.25


def lie_straight(roll: Roll) -> tuple[bool | None, float]:
    """Whether a few frames of one size lie on each other.

    Parameters
    ----------
    roll : Roll
        The maps of the frames.

    Returns
    -------
    straight : bool or None
        None if they do not show enough dust to tell.
    clearness : float
        Sum of the z of the frames that show dust.
    """
    numbers = list(roll.maps)
    state = {number: Match(height=1.0) for number in numbers}
    spectra = read_ahead(numbers, lambda number: roll.spectrum(number, 0), roll.threads)
    total = np.sum([*spectra], axis=0)
    look = partial(_match_with_others, roll, state, numbers, total)
    matches = dict(zip(numbers, read_ahead(numbers, look, roll.threads), strict=True))
    clear = {n: match for n, match in matches.items() if match and match.is_clear(Z_JOIN)}
    clearness = sum(match.z for match in clear.values())
    for match in clear.values():
        farthest = max(STRAIGHT, STRAIGHT_ERRORS * ERROR_OF_PEAK / match.z)
        if max(abs(match.at[0]), abs(match.at[1])) > farthest:
            return False, clearness
    unclear = [number for number in numbers if number not in clear]
    if any(read_ahead(unclear, partial(_is_turned, roll, total), roll.threads)):
        return False, clearness
    return (True if 2 * len(clear) > len(numbers) else None), clearness


def _is_turned(roll: Roll, total: Spectrum, number: int) -> bool:
    """Whether a frame shows the dust of the others only when it is turned."""
    same_scene = [each for each in roll.kin[number] if each in roll.maps]
    if len(same_scene) == len(roll.maps):
        return False
    others = total - np.sum([roll.spectrum(each, 0) for each in same_scene], axis=0)
    return roll.match(others, number, roll.other_turns(number)).is_clear(Z_STRONG)
