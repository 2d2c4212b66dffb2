"""Groups of frames with the same dust are joined through the frames that they have in common."""

from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.estimation import series_places
from dustbust.estimation.placement import Match
from dustbust.estimation.series_places import _in_groups, _join, _offsets, place_series


def state_of(turns):
    return {number: Match(turns=each) for number, each in turns.items()}


def test_a_group_is_joined_with_the_one_of_most_common_frames():
    places = {
        1: (0, 0, np.array([0.0, 0])),
        2: (0, 0, np.array([1.0, 0])),
        3: (7, 0, np.array([50.0, 9])),
        4: (7, 0, np.array([54.0, 9])),
        5: (7, 2, np.array([59.0, 9])),
    }
    offsets = {
        1: np.array([10.0, 1]),
        3: np.array([12.0, 2]),
        4: np.array([16.0, 2]),
        5: np.array([1.0, 1]),
        6: np.array([20.0, 5]),
    }
    _join(places, offsets, state_of(dict.fromkeys(offsets, 0)), count(8))
    # By the median of (38, 7), of the frames 3 and 4; frame 5 has other turns there.
    group, turns, offset = places[6]
    assert (group, turns, offset.tolist()) == (7, 0, [58, 12])
    assert places[1][2].tolist() == [0, 0]  # what has a place keeps it


def test_a_group_without_common_frames_is_alone():
    places = {1: (0, 0, np.zeros(2))}
    _join(places, {2: np.array([3.0, 4])}, state_of({2: 1}), count(5))
    assert places[2][:2] == (5, 1)
    assert places[2][2].tolist() == [3, 4]


def test_offsets_are_usually_none(monkeypatch):
    monkeypatch.setattr(
        series_places, "nominal", lambda roll, number, turns: np.array([100.0 + turns, 50])
    )
    state = {0: Match((1, 0)), 1: Match((2, 3)), 2: Match((9, 1), turns=1)}
    found = _offsets(SimpleNamespace(factor=4), state)
    assert {number: offset.tolist() for number, offset in found.items()} == {
        0: [-4, -4],
        1: [0, 8],
        2: [29, 0],
    }


def grouped(number, groups, monkeypatch):
    """The frames of each search, where searches find the first of these groups that is left."""
    asked = []

    def find(roll, *, smallest_share):
        assert smallest_share == 0
        asked.append(sorted(roll))
        for group in groups:
            here = sorted(set(group) & set(roll))
            if len(here) >= 2:
                return state_of(dict.fromkeys(here, 0))
        return {}

    monkeypatch.setattr(series_places, "Roll", lambda maps, kind, threads: maps)
    monkeypatch.setattr(series_places, "find_places", find)
    monkeypatch.setattr(
        series_places, "_offsets", lambda roll, state: {n: np.zeros(2) for n in state}
    )
    return _in_groups(dict.fromkeys(range(number)), "light", 1), asked


def test_twenty_four_frames_are_looked_at_together_with_half_in_common(monkeypatch):
    _, asked = grouped(60, [], monkeypatch)
    assert [(each[0], each[-1]) for each in asked] == [(0, 23), (12, 35), (24, 47), (36, 59)]
    for number, last in ((24, (0, 23)), (12, (0, 11)), (3, (0, 2))):
        _, asked = grouped(number, [], monkeypatch)
        assert [(each[0], each[-1]) for each in asked] == [last]
    _, asked = grouped(25, [], monkeypatch)
    assert [(each[0], each[-1]) for each in asked] == [(0, 23), (12, 24)]
    assert grouped(2, [[0, 1]], monkeypatch) == ({}, [])


def test_what_is_left_is_searched_until_nothing_is_found(monkeypatch):
    places, asked = grouped(10, [[0, 1, 2, 3], [4, 5, 6]], monkeypatch)
    assert asked == [list(range(10)), list(range(4, 10)), [7, 8, 9]]
    assert {n: place[0] for n, place in places.items()} == {
        **dict.fromkeys(range(4), 0),
        **dict.fromkeys(range(4, 7), 1),
    }
    _, asked = grouped(6, [[0, 1, 2, 3]], monkeypatch)
    assert len(asked) == 1  # two frames are too few


@pytest.mark.parametrize("better", ["light", "dark"])
def test_frames_are_placed_by_the_kind_of_dust_that_places_most(better, monkeypatch):
    places = {
        0: (0, 0, np.array([0.4, 2.6])),
        1: (0, 1, np.array([5.0, 0.0])),
        2: (0, 0, np.array([1.0, 1.0])),
    }
    monkeypatch.setattr(
        series_places,
        "_in_groups",
        lambda maps, kind, threads: places if kind == better else {0: places[0]},
    )
    runner = SimpleNamespace(
        frames=SimpleNamespace(sizes=dict.fromkeys(range(4), (60, 80))),
        threads=1,
        go_over=lambda passes, numbers: [passes[0].maps.update({n: None}) for n in numbers],
    )
    placements, shape = place_series(runner, range(4))
    assert [placements[n].quarter_turns for n in range(4)] == [0, 1, 0, 0]
    assert [placements[n].placed for n in range(4)] == [True, True, True, False]
    assert [placements[n].corner for n in range(4)] == [(0, 3), (5, 0), (1, 1), (0, 0)]
    assert shape == (85, 83)
    monkeypatch.setattr(series_places, "_in_groups", lambda *_: {})
    assert place_series(runner, range(4)) is None
