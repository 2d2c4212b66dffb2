"""Places of the frames of a series that may be several runs, before it is known where they begin.

Frames of one run lie where their dust matches; those of another run have other dust, and where they
lie relative to the first does not matter. So the frames near each other in the series are divided
into groups of which each has its own dust, and the groups are joined through frames in common.
"""

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import numpy.typing as npt

from ..dust.placement import Placement, Shape
from .dust_maps import DustMap, MapPass, factor_for
from .passes import Runner
from .placement import FEWEST_SCENES, Roll, State, find_places
from .placing import nominal, on_one_grid

# Number of frames in a row that are divided into groups at a time. The next ones have half of them
# in common.
FRAMES_TOGETHER = 24

# Place of a frame: its group, quarter turns, and (y, x) in the group, px.
Place = tuple[int, int, npt.NDArray[np.float64]]


def place_series(
    runner: Runner, numbers: Sequence[int]
) -> tuple[dict[int, Placement], Shape] | None:
    """Where frames in a row lie relative to the others with the same dust.

    Parameters
    ----------
    runner : Runner
        Shows the frames. Those that cannot be read are left out of its series.
    numbers : sequence of int
        Numbers of the frames.

    Returns
    -------
    tuple or None
        The placements of all frames that can be read, and the (H, W) of their common grid. None:
        the frames do not show where they lie.
    """
    sizes = runner.frames.sizes
    maps = MapPass(factor_for(max(max(sizes[number]) for number in numbers)))
    runner.go_over([maps], numbers)
    by_kind = {kind: _in_groups(maps.maps, kind, runner.threads) for kind in ("light", "dark")}
    places = max(by_kind.values(), key=len)
    if not places:
        return None
    placements = {}
    for number in sorted(maps.maps):
        _, turns, offset = places.get(number, (0, 0, np.zeros(2)))
        y, x = (float(round(value)) for value in offset)
        placed = number in places
        placements[number] = Placement(sizes[number], turns, (y, x), placed=placed)
    return on_one_grid(placements)


def _in_groups(maps: Mapping[int, DustMap], kind: str, threads: int | None) -> dict[int, Place]:
    """The places of the frames that show their dust, by number."""
    numbers, places, names = sorted(maps), dict[int, Place](), count()
    step = FRAMES_TOGETHER // 2
    for begin in range(0, max(len(numbers) - step, 1), step):
        left = {number: maps[number] for number in numbers[begin : begin + FRAMES_TOGETHER]}
        while len(left) >= FEWEST_SCENES:
            roll = Roll(left, kind, threads)
            state = find_places(roll, smallest_share=0)
            if not state:
                break
            _join(places, _offsets(roll, state), state, names)
            left = {number: each for number, each in left.items() if number not in state}
    return places


def _offsets(roll: Roll, state: State) -> dict[int, npt.NDArray[np.float64]]:
    """(y, x) of the frames of a group, px; usually about 0."""
    offsets = {
        number: nominal(roll, number, match.turns) + np.multiply(match.at, roll.factor)
        for number, match in state.items()
    }
    usual = np.median(list(offsets.values()), axis=0)
    return {number: offset - usual for number, offset in offsets.items()}


def _join(
    places: dict[int, Place],
    offsets: Mapping[int, npt.NDArray[np.float64]],
    state: State,
    names: "count[int]",
) -> None:
    """Add a group to the places: to the group with which it has most frames in common, or alone."""
    common: dict[int, list[int]] = {}
    for number in offsets:
        if number in places and places[number][1] == state[number].turns:
            common.setdefault(places[number][0], []).append(number)
    group, moved = next(names), np.zeros(2)
    if common:
        group, alike = max(common.items(), key=lambda each: len(each[1]))
        moved = np.median([places[number][2] - offsets[number] for number in alike], axis=0)
    for number, offset in offsets.items():
        if number not in places:
            places[number] = group, state[number].turns, offset + moved
