"""Gives the frames of a run their places on one grid, if they do not lie on each other."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ..dust.placement import Placement, Shape
from ..errors import DustbustError
from .dust_maps import MapPass, factor_for
from .film_borders import find_margin
from .frames import Frames, in_words, spread_over
from .passes import Runner
from .placement import (
    ERROR_OF_PEAK,
    FARTHEST,
    FARTHEST_SHARE,
    Roll,
    State,
    find_places,
    lie_straight,
)

# Frames that are looked at to see whether a run lies straight.
FRAMES_CHECKED = 5

# Frames that show whether there is a margin of the film around the pictures.
FRAMES_OF_MARGIN = 12

# Frames whose offsets differ by less than this from each other lie straight, unless the offsets are
# whole pixels: small shifts of a frame are measured with its dust, see `observation.observe`. px.
STRAIGHT_WITHIN = 1.5

# Offsets are whole pixels, except for one common fraction, if their fractions agree by Rayleigh's
# test: mean resultant length, and the number of frames times its square.
# K. V. Mardia, P. E. Jupp, "Directional Statistics", 2000, https://doi.org/10.1002/9780470316979
WHOLE_LENGTH, WHOLE_STATISTIC = 0.6, 3.5

# The standard error of an offset is never smaller than this, map px.
SMALLEST_ERROR = 0.03

Offsets = npt.NDArray[np.float64]


def place_frames(
    runner: Runner, kinds: Sequence[str], few: Sequence[int], to_come: int
) -> dict[str, float]:
    """Find where the frames of a run lie, and put it into `runner.frames`.

    Runs whose frames lie on each other are not changed. A few frames are enough to check that.

    Parameters
    ----------
    runner : Runner
        Shows the frames.
    kinds : sequence of {"light", "dark"}
        Kinds of dust to place the frames by. The one that places most frames is used.
    few : sequence of int
        Numbers of a few frames, from all over the run.
    to_come : int
        Number of looks at frames that follow.

    Returns
    -------
    dict of str to float
        How clearly each kind of dust shows in the frames: the sum of z, 0 if it is not clear.
    """
    frames = runner.frames
    maps = MapPass(factor_for(max(max(frames.sizes[number]) for number in frames.usable)))
    clearness = _find_places(runner, maps, kinds, few, to_come)
    frames.margin = find_margin(
        {
            n: maps.maps[n].levels
            for n in spread_over(sorted(maps.maps), FRAMES_OF_MARGIN)
            if n in frames.usable
        },
        frames.sizes,
        frames.placements,
        frames.shape,
        kinds[0] if len(kinds) == 1 else "both",
    )
    return clearness


def _find_places(
    runner: Runner, maps: MapPass, kinds: Sequence[str], few: Sequence[int], to_come: int
) -> dict[str, float]:
    frames = runner.frames
    usable = frames.usable
    if len({frames.sizes[number] for number in usable}) == 1:
        checked = spread_over([number for number in few if number in usable], FRAMES_CHECKED)
        runner.go_over([maps], checked, hold=checked, to_come=to_come)
        found = {kind: lie_straight(Roll(maps.maps, kind, runner.threads)) for kind in kinds}
        if any(straight for straight, _ in found.values()):
            return {kind: z for kind, (_, z) in found.items()}
    others = [number for number in usable if number not in maps.maps]
    runner.go_over([maps], others, to_come=to_come)
    rolls = {kind: Roll(maps.maps, kind, runner.threads) for kind in kinds}
    states = {kind: find_places(roll) for kind, roll in rolls.items()}
    clearness = {kind: sum(match.z for match in state.values()) for kind, state in states.items()}
    best = max(kinds, key=lambda kind: (len(states[kind]), clearness[kind]))
    _place(frames, rolls[best], states[best])
    return clearness


def _place(frames: Frames, roll: Roll, state: State) -> None:
    """Put the places of the frames into `frames`, or leave out those that have none."""
    if not state:
        frames.keep_commonest()
        return
    numbers = sorted(state)
    corners = np.array([nominal(roll, number, state[number].turns) for number in numbers])
    moves = np.array([state[number].at for number in numbers]) * roll.factor
    errors = np.array([max(ERROR_OF_PEAK / state[n].z, SMALLEST_ERROR) for n in numbers])
    errors *= roll.factor
    offsets, whole = in_whole_pixels(corners + moves, errors)
    if _lies_straight(frames, state, offsets, whole):
        frames.keep_commonest()
        return
    places = {
        number: Placement(
            frames.sizes[number],
            state[number].turns,
            (float(offset[0]), float(offset[1])),
            float(error),
            min(state[number].z, 1e3),
            min(state[number].ratio, 1e3),
        )
        for number, offset, error in zip(numbers, offsets, errors, strict=True)
    }
    usual = np.median(moves, axis=0)
    for number in roll.maps:
        if number not in places:
            place = _without_evidence(frames, roll, number, usual)
            if place is None:
                frames.leave({number: _cannot_be_placed(frames, number)})
            else:
                places[number] = place
    frames.placements, frames.shape = on_one_grid(places)


def nominal(roll: Roll, number: int, turns: int) -> Offsets:
    """(y, x) on the canvas of the first pixel of an upright frame at its nominal place, px."""
    rows, columns = roll.maps[number].size
    down, right = rows % roll.factor, columns % roll.factor  # at the end, not in the map
    before = ((0, 0), (0, down), (down, right), (right, 0))[turns]
    corner = roll.canvas.corner(roll.upright_shape(number, turns))
    return np.asarray(corner * roll.factor - before, np.float64)


def in_whole_pixels(offsets: Offsets, errors: Offsets) -> tuple[Offsets, bool]:
    """Offsets, in whole pixels if the frames share one grid of pixels.

    Parameters
    ----------
    offsets : ndarray of float, shape (N, 2)
        (y, x) of each frame, px.
    errors : ndarray of float, shape (N,)
        Standard errors, px.

    Returns
    -------
    offsets : ndarray of float, shape (N, 2)
        Of an axis with whole pixels, relative to the common fraction.
    whole : bool
        Whether both axes have whole pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.placing import in_whole_pixels
    >>> offsets = np.array([[0.31, 4.0], [7.28, 1.05], [3.33, 2.96], [5.3, 9.02]])
    >>> in_whole_pixels(offsets, np.full(4, 0.05))[0].astype(int).tolist()
    [[0, 4], [7, 1], [3, 3], [5, 9]]
    """
    offsets = offsets.copy()
    weights = 1 / np.maximum(errors, 1e-3) ** 2
    weights = np.minimum(weights, 4 * np.median(weights))
    frames = weights.sum() ** 2 / (weights**2).sum()
    whole = True
    for axis in (0, 1):
        mean = (weights * np.exp(2j * np.pi * offsets[:, axis])).sum() / weights.sum()
        if abs(mean) > WHOLE_LENGTH and frames * abs(mean) ** 2 > WHOLE_STATISTIC:
            offsets[:, axis] = np.round(offsets[:, axis] - np.angle(mean) / (2 * np.pi))
        else:
            whole = False
    return offsets, whole


def _lies_straight(frames: Frames, state: State, offsets: Offsets, whole: bool) -> bool:
    """Whether the frames lie on each other after all."""
    if any(match.turns for match in state.values()):
        return False
    if len({frames.sizes[number] for number in state}) > 1:
        return False
    spread = float(np.ptp(offsets, axis=0).max())
    return spread == 0 if whole else spread < STRAIGHT_WITHIN


def _without_evidence(frames: Frames, roll: Roll, number: int, usual: Offsets) -> Placement | None:
    """The nominal place of a frame that shows too little dust; None if it has none."""
    size = frames.sizes[number]
    limit = max(FARTHEST, FARTHEST_SHARE * max(frames.shape))
    if np.abs(np.subtract(size, frames.shape)).max() > limit or roll.is_swapped(number):
        return None
    offset = nominal(roll, number, 0) + usual
    return Placement(size, 0, (float(offset[0]), float(offset[1])), limit, placed=False)


def _cannot_be_placed(frames: Frames, number: int) -> DustbustError:
    return DustbustError(
        "{frame}: is {size}, most frames of the run are {shape}, and it shows too little of their "
        "dust to find its place; leave it out",
        frame=frames.names[number],
        size=in_words(frames.sizes[number]),
        shape=in_words(frames.shape),
    )


def on_one_grid(places: Mapping[int, Placement]) -> tuple[dict[int, Placement], Shape]:
    """Placements on the smallest grid that holds all frames, and the shape of that grid."""
    corners = np.array([place.corner for place in places.values()])
    ends = corners + [place.upright_size for place in places.values()]
    first = corners.min(axis=0)
    rows, columns = (int(length) for length in ends.max(axis=0) - first)
    moved = {number: place.moved(-first) for number, place in places.items()}
    return moved, (rows, columns)
