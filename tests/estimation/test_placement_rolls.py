"""Places of the frames of a roll: which pairs, sums and turns are compared, and what counts."""

import zlib
from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.estimation import placement
from dustbust.estimation.dust_maps import STEPS, DustMap
from dustbust.estimation.placement import Canvas, Match, Roll, find_places, lie_straight


def made_map(values, digest=None, factor=2):
    """A map of these differences, deviations; lighter is above 0."""
    rows, columns = values.shape
    packed = zlib.compress(np.rint(values * STEPS).astype(np.int8).tobytes())
    size = rows * factor, columns * factor
    return DustMap(size, factor, (rows, columns), packed, digest, np.zeros((1, 1), np.uint8))


def blank(rows, columns, digest=None, factor=2):
    return made_map(np.zeros((rows, columns)), digest, factor)


def roll_of(*maps, kind="light"):
    return Roll(dict(enumerate(maps)), kind, 1)


def test_a_match_is_clear_by_its_height_and_over_the_next_peak():
    assert Match(z=6.0, ratio=1.3).is_clear(6.0)
    assert not Match(z=5.9, ratio=1.3).is_clear(6.0)
    assert not Match(z=6.0, ratio=1.29).is_clear(6.0)


def test_a_spectrum_is_half_whitened_and_has_a_mean_power_of_one():
    canvas = Canvas((20, 30), 4)
    assert canvas.shape == (24, 36)
    values = np.random.default_rng(1).random((18, 28)).astype(np.float32)
    plane = np.zeros((24, 36))
    plane[3:21, 4:32] = values
    spectrum = np.fft.rfft2(plane)
    size = np.abs(spectrum)
    whitened = spectrum / np.sqrt(size + 0.1 * size.mean())
    expected = whitened / np.sqrt((np.abs(whitened) ** 2).mean())
    assert canvas.spectrum(values) == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert not canvas.spectrum(np.zeros((18, 28), np.float32)).any()
    assert canvas.spectrum(np.full((18, 28), 1e-7, np.float32)).any()


@pytest.mark.parametrize("at", [(4, -4), (-4, 4), (5, 0), (0, -5)])
def test_shifts_are_looked_for_up_to_the_limit(at):
    rng = np.random.default_rng(3)
    glass = np.where(rng.random((60, 70)) < 0.03, 1, 0).astype(np.float32)
    canvas = Canvas((40, 50), 4)
    first, second = (glass[10 + y : 50 + y, 10 + x : 60 + x] for y, x in ((0, 0), at))
    match = canvas.match(canvas.spectrum(first), canvas.spectrum(second))
    if max(map(abs, at)) <= 4:
        assert match.at == pytest.approx(at, abs=0.1)
    assert (match.z > 30) == (max(map(abs, at)) <= 4)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("sign", [-1, 1])
def test_what_lies_within_three_px_of_a_peak_belongs_to_it(axis, sign):
    def ratio(away):
        surface = np.random.default_rng(1).normal(0, 1, (41, 41)).clip(-3, 3)
        surface[20, 20] = 40
        place = [20, 20]
        place[axis] += sign * away
        surface[tuple(place)] = 20
        return placement._peak(surface.astype(np.float32), 0).ratio

    assert ratio(4) == pytest.approx(2, rel=0.05)
    assert ratio(3) > 5


def test_also_at_the_edge_of_what_is_looked_at():
    for place, beside in (((2, 20), (0, 20)), ((20, 1), (20, 0)), ((40, 20), (38, 20))):
        surface = np.random.default_rng(1).normal(0, 1, (41, 41)).clip(-3, 3)
        surface[place], surface[beside] = 40, 20
        assert placement._peak(surface.astype(np.float32), 0).ratio > 5


@pytest.mark.parametrize(
    ("rows", "columns", "factor", "limit"),
    [
        (100, 150, 2, 32),  # 64 px
        (1000, 1600, 2, 48),  # 3 % of 3200 px
        (1000, 1100, 2, 33),
        (100, 150, 1, 64),
    ],
)
def test_how_far_a_frame_may_lie_from_its_nominal_place(rows, columns, factor, limit):
    assert roll_of(*[blank(rows, columns, factor=factor)] * 3).canvas.limit == limit


def test_frames_of_different_sizes_may_lie_farther_by_half_of_the_difference():
    roll = roll_of(blank(100, 150), blank(110, 150), blank(100, 143))
    assert roll.canvas.limit == 32 + 5
    assert roll.canvas.shape == (150, 192)  # quick lengths from 147 and 187 on


def test_turns_that_are_likely_and_those_that_are_possible():
    wide, tall, square = blank(100, 150), blank(150, 100), blank(100, 101)
    roll = roll_of(wide, tall, square, wide)
    assert [roll.is_swapped(n) for n in range(4)] == [False, True, False, False]
    assert [roll.turns(n) for n in range(3)] == [(0,), (1, 3), (0,)]
    assert [roll.other_turns(n) for n in range(3)] == [(2,), (), (1, 2, 3)]
    assert roll.upright_shape(1) == (100, 150)
    assert roll.upright_shape(1, 2) == (150, 100)
    assert roll.upright_shape(0) == (100, 150)
    assert roll.upright_shape(0, 3) == (150, 100)
    # Of as many wide ones as tall ones, the wide ones are upright; of more tall ones, those.
    assert roll_of(wide, tall).is_swapped(1)
    assert roll_of(wide, tall, tall).is_swapped(0)
    assert roll_of(tall, tall, square).is_swapped(2) is False
    almost = blank(100, 102), blank(100, 103)
    assert [roll_of(tall, tall, tall, each).is_swapped(3) for each in almost] == [False, True]
    assert [roll_of(wide, each).other_turns(1) for each in almost] == [(1, 2, 3), (2,)]


def digests(correlation, shift=0):
    """Two scenes of length 1 that correlate by so much where one lies `shift` lower."""
    one, other = (np.random.default_rng(n).normal(size=(40, 60)) for n in (1, 2))
    one[-shift or 40 :] = 0
    one /= np.sqrt((one**2).sum())
    moved = np.roll(one, shift, axis=0)
    other -= moved * (other * moved).sum()
    other /= np.sqrt((other**2).sum())
    return np.float32(one), np.float32(correlation * moved + (1 - correlation**2) ** 0.5 * other)


@pytest.mark.parametrize(
    ("correlation", "shift", "alike"),
    [(0.47, 0, True), (0.43, 0, False), (0.6, 7, True), (0.6, 30, False)],
)
def test_scenes_that_correlate_may_be_the_same(correlation, shift, alike):
    one, other = digests(correlation, shift)
    roll = roll_of(blank(200, 300, one), blank(200, 300), blank(200, 300, other))
    assert roll.kin == {0: {0, 2} if alike else {0}, 1: {1}, 2: {0, 2} if alike else {2}}
    assert roll.scenes([0, 1, 2]) == (2 if alike else 3)
    # Whichever of them lies lower.
    again = roll_of(blank(200, 300, other), blank(200, 300), blank(200, 300, one))
    assert again.kin == roll.kin
    across = [blank(300, 200, digest.T.copy()) for digest in (one, other)]
    assert roll_of(across[0], blank(300, 200), across[1]).kin == roll.kin
    assert roll_of(across[1], blank(300, 200), across[0]).kin == roll.kin
    turned = roll_of(
        blank(200, 300, one), blank(200, 300), blank(300, 200, np.rot90(other, 3).copy())
    )
    assert turned.kin == roll.kin


GLASS = np.where(np.random.default_rng(5).random((200, 240)) < 0.01, 2.5, 0)


def frame_at(y, x, seed, dust=1.0, rows=120, columns=160):
    """A map of the part of the glass that begins at (y, x), with details of its own."""
    rng = np.random.default_rng([seed, 3])
    details = np.where(rng.random((rows, columns)) < 0.01, 2.5, 0)
    return np.maximum(dust * GLASS[y : y + rows, x : x + columns], details)


PLACES = [(20, 20), (26, 14), (18, 25), (31, 22), (12, 12), (20, 30)]


def corners(state):
    """Places relative to that of frame 0."""
    return {n: tuple(np.subtract(state[n].at, state[0].at).round(1)) for n in state}


def test_frames_are_placed_by_the_dust_that_they_have_in_common():
    maps = [made_map(frame_at(*place, n)) for n, place in enumerate(PLACES)]
    state = find_places(roll_of(*maps))
    true = {n: tuple(np.subtract(place, PLACES[0])) for n, place in enumerate(PLACES)}
    assert set(state) == set(true)
    for number, corner in corners(state).items():
        assert corner == pytest.approx(true[number], abs=0.2)
    assert max(match.height for match in state.values()) == 1
    dark = find_places(
        roll_of(*[made_map(-frame_at(*p, n)) for n, p in enumerate(PLACES)], kind="dark")
    )
    assert corners(dark) == corners(state)


@pytest.mark.parametrize(
    ("without", "options", "found"), [(3, {}, 3), (4, {}, 0), (4, {"smallest_share": 0.4}, 3)]
)
def test_half_of_the_frames_must_be_placed(without, options, found):
    maps = [made_map(frame_at(*place, n)) for n, place in enumerate(PLACES[:3])]
    maps += [made_map(frame_at(0, 0, 20 + n, dust=0)) for n in range(without)]
    state = find_places(roll_of(*maps), **options)
    assert sorted(state) == list(range(found))


def test_two_scenes_place_nothing():
    one, other = digests(0.9)
    maps = [made_map(frame_at(*place, n)) for n, place in enumerate(PLACES[:3])]
    assert len(find_places(roll_of(*maps))) == 3
    assert find_places(roll_of(*maps[:2])) == {}
    alike = [made_map(frame_at(*PLACES[n], n), digest) for n, digest in enumerate((one, other))]
    assert find_places(roll_of(*alike, maps[2])) == {}


def test_frames_that_lie_upside_down_or_across_are_turned_back():
    maps = [made_map(frame_at(*place, n)) for n, place in enumerate(PLACES)]
    for number, turns in ((2, 2), (4, 1), (5, 3)):
        maps[number] = made_map(np.rot90(frame_at(*PLACES[number], number), turns))
    state = find_places(roll_of(*maps))
    assert {n: match.turns for n, match in state.items()} == {0: 0, 1: 0, 2: 2, 3: 0, 4: 1, 5: 3}
    for number, corner in corners(state).items():
        assert corner == pytest.approx(tuple(np.subtract(PLACES[number], PLACES[0])), abs=0.2)


class MadeRoll:
    """A roll whose matches are given: (still, moving, turns) -> Match."""

    def __init__(self, number, matches=(), kin=(), others=(2,)):
        self.maps = dict.fromkeys(range(number))
        self.kin = {n: {n} for n in self.maps}
        for one, other in kin:
            self.kin[one].add(other)
            self.kin[other].add(one)
        self.matches, self.others, self.threads = dict(matches), others, 1
        self.swapped, self.seen = set(), []

    def is_swapped(self, number):
        return number in self.swapped

    def turns(self, number):
        return (0,)

    def other_turns(self, number):
        return self.others

    def spectrum(self, number, turns):
        return np.complex64([10**number, 0])

    def moved(self, number, match):
        return self.spectrum(number, match.turns) * match.height

    def match(self, still, number, turns):
        self.seen.append((still[0].real, number, tuple(turns)))
        found = [
            self.matches.get((round(float(still[0].real)), number, t), Match(turns=t))
            for t in turns
        ]
        return max(found, key=lambda match: match.z)


def pair(z, at=(0.0, 0.0), turns=0):
    return Match(at, z, 2.0, turns, 5.0)


def test_the_search_begins_with_the_frame_of_most_clear_pairs():
    # Frame 1 has two clear pairs; the clearest pair counts as 3 times 5.5 only.
    matches = {
        (1, 1, 0): pair(9, (1, 2)),
        (10, 2, 0): pair(9, (3, -1)),
        (1, 3, 0): pair(17, (5, 5)),
        (100, 3, 0): pair(5.4),
    }
    state = placement._begin(MadeRoll(4, matches))
    assert set(state) == {0, 1, 3}  # 9 + 16.5 are more than 9 + 9
    matches[1, 3, 0] = pair(5.5)
    state = placement._begin(MadeRoll(4, matches))
    assert {n: match.at for n, match in state.items()} == {1: (0, 0), 0: (-1, -2), 2: (3, -1)}
    assert {match.height for match in state.values()} == {1.0}
    assert (state[1].z, state[1].ratio) == (99, 99)
    assert state[0].z == 9
    matches = {(1, 1, 0): pair(80), (10, 2, 0): pair(9), (100, 3, 0): pair(9)}
    state = placement._begin(MadeRoll(4, matches))
    assert set(state) == {0, 1, 2}  # 16.5 + 9 are more than 9 + 9
    assert placement._begin(MadeRoll(3)) == {}


def test_no_pairs_of_one_scene_and_of_swapped_frames_are_compared():
    roll = MadeRoll(4, {(1, 1, 0): pair(50), (1, 2, 0): pair(5.5)}, kin=[(0, 1)])
    roll.swapped = {3}
    assert set(placement._begin(roll)) == {0, 2}
    assert {(still, number) for still, number, _ in roll.seen} == {(1, 2), (10, 2)}


def test_twelve_frames_begin():
    roll = MadeRoll(30)
    placement._begin(roll)
    assert len({still for still, *_ in roll.seen}) == 11


def test_turned_pairs_are_compared_only_without_clear_ones():
    turned = {(1, 1, 2): pair(6, (1, 1), 2), (10, 2, 2): pair(6.5, (2, 2), 2)}
    state = placement._begin(MadeRoll(3, turned))
    # Frame 1 is the turned one in the first pair: seen from it, only the second counts.
    assert {n: (match.at, match.turns) for n, match in state.items()} == {
        1: ((0, 0), 0),
        2: ((2, 2), 2),
    }
    assert set(placement._begin(MadeRoll(3, {**turned, (1, 2, 0): pair(5.5)}))) == {0, 2}
    assert placement._begin(MadeRoll(3, {(1, 1, 2): pair(5.9, turns=2)})) == {}


def test_a_frame_that_is_the_turned_one_in_all_its_pairs_gives_way():
    """Both others form clear pairs with it, in which it is turned."""
    turned = {(1, 2, 2): pair(6, (1, 1), 2), (10, 2, 2): pair(6.5, (2, 2), 2)}
    state = placement._begin(MadeRoll(3, turned))
    assert {n: (match.at, match.turns, match.height) for n, match in state.items()} == {
        1: ((0, 0), 0, 1.0),
        2: ((2, 2), 2, 1.0),
    }


def rounded(z_of, before=None, monkeypatch=None, heights=None):
    """The frames that a round keeps, of these z."""
    roll = MadeRoll(len(z_of))
    found = {
        n: None if z is None else Match(z=z, ratio=2, height=heights[n] if heights else 1.0)
        for n, z in enumerate(z_of)
    }
    monkeypatch.setattr(placement, "_match_with_others", lambda *words: found[words[-1]])
    state = {n: Match(z=z, height=1.0) for n, z in enumerate(before or [99.0, 99.0])}
    return placement._round(roll, state)


def test_a_frame_joins_if_it_is_clear(monkeypatch):
    kept = rounded([6.0, 5.9, 40, None], monkeypatch=monkeypatch)
    assert list(kept) == [0, 2]
    # It must be as clear as 0.08 of the usual one, which is not taken for more than 300.
    for before, least in (([200, 200, 200], 16), ([100, 100, 900], 8), ([900] * 3, 24)):
        kept = rounded([least - 0.1, least + 0.1], before, monkeypatch)
        assert list(kept) == [1]
    assert list(rounded([7.0], [200, 200], monkeypatch)) == [0]  # two frames have no usual z


def test_frames_count_by_their_height_and_none_for_nothing(monkeypatch):
    kept = rounded([9, 9, 9], heights=[4.0, 2.0, 0.1], monkeypatch=monkeypatch)
    assert [match.height for match in kept.values()] == pytest.approx([1, 0.5, 0.05])


def test_a_round_is_made_of_at_most_48_frames(monkeypatch):
    asked = []
    monkeypatch.setattr(
        placement, "_match_with_others", lambda r, s, voters, t, number: asked.append(len(voters))
    )
    roll = MadeRoll(2)
    roll.moved = lambda number, match: np.complex64([1])
    placement._round(roll, {n: Match(height=1.0) for n in range(60)})
    assert asked == [48, 48]


def state_of(number, **changed):
    return {n: changed.get(f"f{n}", Match(height=1.0)) for n in range(number)}


def test_a_frame_is_compared_with_the_sum_of_the_others():
    roll = MadeRoll(4, {(1101, 1, 0): Match((1, 2), 9.0, 2.0, 0, 30.0)}, kin=[(1, 2)])
    roll.matches[1001, 1, 0] = Match((1, 2), 9.0, 2.0, 0, 30.0)
    total = np.complex64([1111, 0])
    state = state_of(4)
    match = placement._match_with_others(roll, state, [0, 1, 2, 3], total, 1)
    assert roll.seen == [(1001, 1, (0,))]
    # The height is that over the power of the sum.
    assert match.height == pytest.approx(30 / (1001 / 2**0.5))
    assert (match.at, match.z) == ((1, 2), 9)
    assert placement._match_with_others(roll, state, [1, 2], total, 1) is None
    assert placement._match_with_others(roll, state, [0], 0 * total, 1) is None
    least = placement._match_with_others(roll, state, [0, 3], np.complex64([1e6, 0]), 1)
    assert least.height == 1e-3


def test_a_placed_frame_keeps_its_turns():
    roll = MadeRoll(2, {(1, 1, 2): Match(z=3.0, turns=2), (1, 1, 0): Match(z=50.0)})
    state = state_of(2, f1=Match(turns=2, height=1.0))
    assert placement._match_with_others(roll, state, [0], np.complex64([1, 0]), 1).turns == 2
    assert roll.seen == [(1, 1, (2,))]


@pytest.mark.parametrize(
    ("upright", "ratio", "turned", "turns"),
    [
        (5.0, 2.0, 5.6, 2),
        (5.0, 2.0, 5.4, 0),  # it takes a factor of 1.1
        (8.0, 2.0, 99.0, 0),  # clear from 8 on
        (7.9, 2.0, 99.0, 2),
        (50.0, 1.2, 99.0, 2),
    ],
)
def test_other_turns_are_tried_if_the_likely_ones_are_not_clear(upright, ratio, turned, turns):
    roll = MadeRoll(
        2, {(1, 1, 0): Match(z=upright, ratio=ratio), (1, 1, 2): Match(z=turned, turns=2)}
    )
    match = placement._match_with_others(roll, state_of(1), [0], np.complex64([1, 0]), 1)
    assert match.turns == turns


def test_a_round_that_moves_no_frame_by_more_than_a_quarter_is_the_last_one():
    before = {0: Match((0, 0)), 1: Match((2, 3))}
    assert placement._is_settled(before, {0: Match((0.25, 0)), 1: Match((2, 2.75))})
    assert not placement._is_settled(before, {0: Match((0, 0)), 1: Match((2, 3.3))})
    assert not placement._is_settled(before, {0: Match((0, 0))})
    assert placement._is_settled({}, {})


def rounds_until(monkeypatch, settled):
    steps = []
    monkeypatch.setattr(placement, "_begin", lambda roll: {n: Match() for n in range(3)})
    monkeypatch.setattr(placement, "_round", lambda roll, state: steps.append(1) or state)
    monkeypatch.setattr(placement, "_is_settled", lambda before, state: len(steps) >= settled)
    roll = SimpleNamespace(maps=dict.fromkeys(range(3)), scenes=lambda numbers: 3)
    assert len(find_places(roll)) == 3
    return len(steps)


def test_there_are_three_to_eight_rounds(monkeypatch):
    assert rounds_until(monkeypatch, 0) == 3
    assert rounds_until(monkeypatch, 5) == 5
    assert rounds_until(monkeypatch, 99) == 8


def straight(monkeypatch, *found, turned=()):
    """Whether frames lie straight, of these matches."""
    roll = MadeRoll(len(found))
    monkeypatch.setattr(placement, "_match_with_others", lambda *words: found[words[-1]])
    monkeypatch.setattr(placement, "_is_turned", lambda *words: words[-1] in turned)
    return lie_straight(roll)


def test_frames_lie_straight_if_their_peaks_do(monkeypatch):
    here = Match(z=10.0, ratio=2.0)
    assert straight(monkeypatch, here, here, here) == (True, 30)
    unclear = Match(z=5.9, ratio=2.0)
    assert straight(monkeypatch, here, here, unclear) == (True, 20)
    assert straight(monkeypatch, here, unclear) == (None, 10)  # it takes more than half
    assert straight(monkeypatch, None, here, here, here) == (True, 30)
    assert straight(monkeypatch, here, here, unclear, turned=(2,)) == (False, 20)
    assert straight(monkeypatch, here, here, unclear, turned=(1,)) == (True, 20)
    least = Match(z=6.0, ratio=1.3)
    assert straight(monkeypatch, least, least) == (True, 12)


@pytest.mark.parametrize(("z", "farthest"), [(10, 0.3125), (100, 0.12)])
@pytest.mark.parametrize("axis", [0, 1])
def test_peaks_may_lie_away_by_two_and_a_half_errors(z, farthest, axis, monkeypatch):
    for sign in (-1, 1):
        for off, expected in ((-0.005, True), (0.005, False)):
            at = [0.0, 0.0]
            at[axis] = sign * (farthest + off)
            match = Match(tuple(at), float(z), 2.0)
            assert straight(monkeypatch, match, match, match)[0] is expected


def test_a_frame_is_turned_if_it_shows_the_dust_of_the_others_then():
    turned = Match(z=8.0, ratio=2.0, turns=2)
    total = np.complex64([1111, 0])
    roll = MadeRoll(4, {(1001, 1, 2): turned}, kin=[(1, 2)])
    assert placement._is_turned(roll, total, 1)
    assert not placement._is_turned(roll, total, 0)
    roll.matches[1001, 1, 2] = Match(z=7.9, ratio=2.0, turns=2)
    assert not placement._is_turned(roll, total, 1)
    roll.kin[1].add(7)  # not among those that are compared
    roll.kin[1] |= {0, 3}
    assert not placement._is_turned(roll, total, 1)


def test_a_frame_is_turned_if_it_then_shows_the_dust_of_frames_of_other_scenes():
    rng = np.random.default_rng(7)

    def specks():
        return np.where(rng.random((90, 120)) < 0.01, rng.uniform(1, 3, (90, 120)), 0)

    def half_turn(values):
        return values[::-1, ::-1]

    dust, scene = specks(), specks()
    digest = rng.normal(size=(24, 32)).astype(np.float32)
    digest /= np.sqrt((digest**2).sum())
    maps = [made_map(dust + 0.5 * specks()) for _ in range(4)]
    maps += [made_map(scene, digest), made_map(half_turn(scene), digest)]  # one scene, no dust
    maps += [made_map(half_turn(dust + 0.5 * specks())), made_map(specks())]
    roll = roll_of(*maps)
    assert roll.kin[4] == roll.kin[5] == {4, 5}
    total = sum(roll.spectrum(number, 0) for number in range(8))
    found = [placement._is_turned(roll, total, number) for number in (4, 5, 6, 7)]
    assert found == [False, False, True, False]
