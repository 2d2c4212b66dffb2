"""The order in which a page is searched for, and which match is believed; the matches are given."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.registration import search
from dustbust.registration.patches import Match
from dustbust.registration.search import RepeatingPageError
from dustbust.registration.transform import Transform
from helpers.levels import shift


def match(agree, detailed=20, at=(0, 0)):
    """A match of which some of the patches with details agree, and the others hardly do."""
    numbers = np.arange(60)
    alike = np.where(numbers < agree, 0.9, 0.2)
    return Match(Transform(shift(*at).matrix), None, numbers < detailed, alike)


NONE = match(0)


class MadeScan:
    """A scan of a name and a size that knows what was asked of it."""

    def __init__(self, name, shape=(640, 480)):
        self.name, self.shape, self.made = name, shape, []

    def make_levels(self, fine, steps):
        self.made.append((fine, *steps))

    def level(self, fine, step):
        return self.name, fine, step


def searched(monkeypatch, answers, fine=1):
    """The result of a search, and what was compared: the turns, the number of shifts, the step.

    `answers` maps (first turn, step) to (still, moved, rival).
    """
    asked = []

    def matches(a, b, turns, number):
        assert (a[0], b[0]) == ("first", "second")
        assert a[1:] == b[1:]
        asked.append((tuple(turns), number, a[2]))
        return answers.get((turns[0], a[2]), (NONE, None, None))

    monkeypatch.setattr(search, "_matches", matches)
    first, second = MadeScan("first"), MadeScan("second")
    try:
        result = search.search(first, second, fine)
    except RepeatingPageError as error:
        result = error
    assert first.made == second.made == [(fine, step) for *_, step in asked]
    return result, asked


SMALL = (-1.5, 1.5, -3, 3, -4.5, 4.5, -6, 6)


def test_all_is_tried_before_nothing_is_believed(monkeypatch):
    (found, step, moved), asked = searched(monkeypatch, {})
    assert (found is NONE, step, moved) == (True, 2, False)
    assert asked == [
        ((0,), 6, 2),
        ((0,), 6, 1),
        ((180,), 4, 2),
        ((180,), 4, 1),
        (SMALL, 8, 2),
        (tuple(180 + turn for turn in SMALL), 8, 2),
    ]


@pytest.mark.parametrize(("agree", "asked"), [(14, 1), (13, 6)])
def test_a_convincing_match_ends_the_search(agree, asked, monkeypatch):
    """Of seven tenths of its patches."""
    page = match(agree)
    result, seen = searched(monkeypatch, {(0, 2): (NONE, page, None)})
    assert result == (page, 2, True)
    assert len(seen) == asked


def test_the_finer_scans_are_tried_too(monkeypatch):
    page = match(15)
    result, asked = searched(monkeypatch, {(0, 1): (NONE, page, None)})
    assert result == (page, 1, True)
    assert len(asked) == 2
    turned = match(15)
    result, asked = searched(monkeypatch, {(-1.5, 2): (NONE, turned, None)})
    assert result == (turned, 2, True)
    assert len(asked) == 5


@pytest.mark.parametrize(("agree", "asked"), [(14, 2), (13, 6)])
def test_a_page_that_certainly_stayed_ends_the_search(agree, asked, monkeypatch):
    still = match(agree)
    answers = {(0, 2): (still, None, None), (0, 1): (still, None, None)}
    result, seen = searched(monkeypatch, answers)
    assert len(seen) == asked
    assert result[2] is False


def test_a_page_that_moved_goes_before_one_that_stayed(monkeypatch):
    still, page = match(20), match(8)
    result, asked = searched(
        monkeypatch, {(0, 2): (still, page, None), (0, 1): (still, None, None)}
    )
    assert result == (page, 2, True)
    assert len(asked) == 6
    unclear = match(6)
    result, _ = searched(monkeypatch, {(0, 2): (NONE, unclear, None)})
    assert result[2] is False


def test_the_match_with_most_support_for_its_size_is_believed(monkeypatch):
    """The support of a level that is reduced twice as much counts four times."""
    coarse, fine = match(9), match(13)
    answers = {(0, 2): (NONE, coarse, None), (0, 1): (NONE, fine, None)}
    assert searched(monkeypatch, answers)[0] == (coarse, 2, True)
    answers[0, 1] = (NONE, match(26, 45), None)
    assert coarse.support * 4 == 20
    assert match(26, 45).support == 17
    assert searched(monkeypatch, answers)[0] == (coarse, 2, True)
    answers[0, 1] = (NONE, match(31, 45), None)
    assert searched(monkeypatch, answers)[0][1] == 1


def test_a_page_at_two_places_is_said_with_both(monkeypatch):
    page, rival = match(15, at=(10, -4)), match(15, at=(2, 30))
    answers = {(0, 2): (NONE, page, rival), (0, 1): (NONE, None, None)}
    error, asked = searched(monkeypatch, answers)
    assert isinstance(error, RepeatingPageError)
    assert (
        "second: shows what first shows at more than one place (+20, -8 px and +4, +60 px"
        in str(error)
    )
    # The page is known; only a half turn could still be more convincing.
    assert [turns[0] for turns, *_ in asked] == [0, 0, 180, 180]
    # In pixels of the scans, here of three times the finest level.
    error, _ = searched(monkeypatch, {(0, 1): (NONE, page, rival)}, fine=3)
    assert "(+30, -12 px and +6, +90 px" in str(error)


def test_a_page_at_two_places_may_be_at_one_of_finer_scans(monkeypatch):
    page, finer = match(15), match(16)
    answers = {(0, 2): (NONE, page, match(15)), (0, 1): (NONE, finer, None)}
    assert searched(monkeypatch, answers)[0] == (finer, 1, True)
    # Where nothing is convincing, all is tried.
    unclear = match(10)
    error, asked = searched(monkeypatch, {(0, 2): (NONE, unclear, match(10))})
    assert isinstance(error, RepeatingPageError)
    assert len(asked) == 6


def level_of(shape=(96, 128)):
    return SimpleNamespace(shape=shape, threads=1, corners=np.zeros((60, 2), np.int32))


class Refined:
    """`refine` that gives the match of a start, and remembers the starts."""

    def __init__(self, table):
        self.table, self.asked = table, []

    def __call__(self, a, b, transform, models, stays, precision):
        at = tuple(int(v) for v in transform.matrix[:2, 2])
        self.asked.append((models, at))
        return self.table.get(at, match(0, at=at))


def matches_of(monkeypatch, table, starts, number=6, repeats=()):
    refined = Refined(table)
    monkeypatch.setattr(search, "refine", refined)
    monkeypatch.setattr(search, "what_stays", lambda *_: np.full(60, 0.2))
    monkeypatch.setattr(
        search,
        "_starts",
        lambda a, b, turn, number: [(height, shift(*at).matrix) for height, at in starts[turn]],
    )
    monkeypatch.setattr(search, "_repeats", lambda level: list(repeats))
    return search._matches(level_of(), level_of(), tuple(starts), number), refined.asked


def test_starts_are_tried_from_the_highest_on_until_one_is_convincing(monkeypatch):
    table = {(10, 0): match(15, at=(10, 0)), (20, 0): match(9, at=(20, 0))}
    starts = {0: [(0.3, (30, 0)), (0.1, (40, 0))], 3: [(0.5, (20, 0)), (0.2, (10, 0))]}
    (still, best, rival), asked = matches_of(monkeypatch, table, starts)
    assert best is table[10, 0]
    assert (still, rival) == (None, None)
    assert [at for _, at in asked] == [(20, 0), (30, 0), (10, 0)]
    (_, best, _), asked = matches_of(monkeypatch, table, starts, number=2)
    assert [at for models, at in asked if models == ("shift", "similarity")] == [
        (20, 0),
        (30, 0),
        (0, 0),
    ]
    assert best.agree.sum() == 9


def refined_further(asked):
    return [at for models, at in asked if models == ("affine",)]


def test_promising_matches_are_refined_further(monkeypatch):
    """Four at most, of half the support of the best and more."""
    agree = {1: (20, 30), 2: (15, 30), 3: (18, 30), 4: (17, 30), 5: (16, 30), 6: (14, 30)}
    table = {(10 * n, 0): match(*each, at=(10 * n, 0)) for n, each in agree.items()}
    starts = {0: [(1 - 0.1 * n, (10 * n, 0)) for n in agree]}
    (still, best, _), asked = matches_of(monkeypatch, table, starts, number=8)
    assert refined_further(asked) == [(10, 0), (30, 0), (40, 0), (50, 0)]
    assert best is table[10, 0]
    assert still.agree.sum() == 0
    # Beyond chance 14, and 6.8 or 7.2.
    table = {(10, 0): match(20, 30, (10, 0)), (20, 0): match(12, 26, (20, 0))}
    table[30, 0] = match(12, 24, (30, 0))
    _, asked = matches_of(monkeypatch, table, starts, number=8)
    assert refined_further(asked) == [(10, 0), (30, 0)]


def test_a_page_that_repeats_is_looked_for_at_its_repetitions(monkeypatch):
    """There and back; what is as good is a rival."""
    table = {(10, 0): match(15, at=(10, 0)), (40, 0): match(15, at=(40, 0))}
    starts = {0: [(0.5, (10, 0))]}
    repeats = [(30, 0), (-30, 0)]
    (_, best, rival), asked = matches_of(monkeypatch, table, starts, repeats=repeats)
    assert best is table[10, 0]
    assert rival is table[40, 0]
    assert {at for _, at in asked} == {(10, 0), (40, 0), (-20, 0)}
    # What has less than half of the support is none.
    table[40, 0] = match(11, 28, (40, 0))  # 5.4 of 11
    (_, best, rival), _ = matches_of(monkeypatch, table, starts, repeats=repeats)
    assert best is table[10, 0]
    assert rival is None


def test_a_clearly_better_repetition_is_the_page(monkeypatch):
    """Three times, each from the better place on."""
    table = {(10 + 30 * n, 0): match(15, at=(10 + 30 * n, 0)) for n in range(6)}
    for n, each in enumerate(table.values()):
        each.alike[:15] = 0.7 + 0.055 * n
    starts, repeats = {0: [(0.5, (10, 0))]}, [(30, 0), (-30, 0)]
    (_, best, _), asked = matches_of(monkeypatch, table, starts, repeats=repeats)
    assert best is table[100, 0]
    assert (130, 0) not in [at for _, at in asked]
