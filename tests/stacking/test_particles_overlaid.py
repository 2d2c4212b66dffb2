"""Dust that overlaps other dust, and which of two scans is dusty where they differ."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import ndimage

from dustbust.stacking import particles
from dustbust.stacking.evidence import Differences
from dustbust.stacking.particles import (
    _bounds,
    _light_taken,
    _votes_of_tile,
    _with_margin,
    differing,
    find_votes,
    mask_at,
    overlaid,
)


@pytest.mark.parametrize(
    ("box", "wider"),
    [
        ((40, 30, 20, 10), (33, 23, 34, 24)),
        ((3, 2, 20, 10), (0, 0, 30, 19)),
        ((90, 45, 10, 15), (83, 38, 17, 22)),  # up to the edges, 60 x 100 px
        ((88, 50, 10, 5), (81, 43, 19, 17)),
    ],
)
def test_a_margin_is_cut_off_at_the_edges(box, wider):
    found, inner = _with_margin(box, 7, (60, 100))
    assert found == wider
    plane = np.arange(6000).reshape(60, 100)
    whole = plane[wider[1] : wider[1] + wider[3], wider[0] : wider[0] + wider[2]]
    left, top, width, height = box
    assert np.array_equal(whole[inner], plane[top : top + height, left : left + width])


def test_the_bounds_of_a_mask_in_a_box():
    where = np.zeros((20, 30), bool)
    where[4, 9] = where[11, 6] = where[7, 22] = True
    box, part = _bounds(where, (100, 200, 30, 20))
    assert box == (106, 204, 17, 8)
    assert where[part].sum() == 3
    assert where[part].shape == (8, 17)


def test_a_mask_at_positions():
    mask = mask_at(np.array([1, 5, 6]), np.array([True, False, True]), (2, 4))
    assert mask.astype(int).tolist() == [[0, 1, 0, 0], [0, 0, 1, 0]]


def blurred(plane, sigma):
    return ndimage.gaussian_filter(plane.astype(float), sigma, mode="nearest")


def test_the_light_that_is_missing_is_a_share_of_that_around():
    light = np.full((200, 220), 0.8, np.float32)
    light[90:110, 100:120] = 0.2
    light[40:42, 40:42] = 0.0  # a dot of a letter
    inner = np.s_[20:180, 20:200]
    taken, solid = _light_taken(light, inner, 1)
    around = np.maximum(blurred(light, 20), 0.05)
    expected = (1 - blurred(light, 1) / around)[inner]
    assert np.abs(taken - expected).mean() < 0.005
    assert taken[20, 20] == pytest.approx(expected[20, 20], abs=0.12)  # three boxes
    assert taken[80, 90] == pytest.approx(0.7, abs=0.06)
    assert np.count_nonzero(solid != ((1 - blurred(light, 2) / around)[inner] > 0.4)) < 20
    assert solid[80, 90]
    assert not solid[:40].any()
    dark = np.full((80, 80), 0.01, np.float32)
    assert _light_taken(dark, np.s_[:, :], 1)[0] == pytest.approx(np.full((80, 80), 0.8), abs=0.01)


def seen(scan, page, score, known=None):
    data = np.ones(scan.shape, np.float32) if known is None else known.astype(np.float32)
    return Differences(*(np.asarray(p, np.float32) for p in (score, scan, page)), data)


def test_the_scan_that_differs_more_from_its_surroundings_gets_the_vote():
    page = np.full((60, 80), 0.5, np.float32)
    scan, score = page.copy(), np.zeros_like(page)
    scan[20:26, 20:26], score[20:26, 20:26] = 0.1, -20  # dust in the scan
    page[40:46, 50:56], score[40:46, 50:56] = 0.3, 20  # in the other one
    votes = _votes_of_tile(seen(scan, page, score), 1)
    assert votes[20:26, 20:26] == pytest.approx(np.full((6, 6), 127 * 0.4), abs=1)
    assert votes[40:46, 50:56] == pytest.approx(np.full((6, 6), -127 * 0.2), abs=1)
    votes[20:26, 20:26] = votes[40:46, 50:56] = 0
    assert not votes.any()
    assert _votes_of_tile(seen(scan, page, 0 * score), 1) is None
    assert _votes_of_tile(seen(scan, page, score, np.zeros(page.shape, bool)), 1) is None


def test_weak_differences_count_beside_strong_ones():
    """Up to four px from them, if they are known."""
    scan, page = np.full((40, 60), 0.3), np.full((40, 60), 0.5)
    score = np.full(scan.shape, 0.5 * (particles.WEAK + particles.STRONG))
    score[:, 50:] = 0.99 * particles.WEAK
    score[20, 20] = score[20, 48] = 1.01 * particles.STRONG
    score[5, 5] = 0.99 * particles.STRONG
    known = np.ones(scan.shape, bool)
    known[20, 23] = False
    votes = _votes_of_tile(seen(scan, page, score, known), 1) != 0
    y, x = np.nonzero(votes)
    near = np.hypot(y - 20, x - 20) <= 4.5
    assert np.hypot(y[near] - 20, x[near] - 20).max() < 4.3
    assert votes[16, 20]
    assert votes[20, 16]
    assert votes[20, 22]
    assert votes[20, 24]
    assert not votes[20, 23]
    assert not votes[20, 25]
    assert votes[20, 49]
    assert not votes[:, 50:].any()
    assert not votes[:14].any()


def test_where_both_differ_alike_the_vote_is_for_the_first_scan():
    plane = np.full((40, 40), 0.5)
    votes = _votes_of_tile(seen(plane, plane, np.where(np.eye(40) > 0, 99, 0)), 1)
    assert (votes[np.eye(40) > 0] == 1).all()


class VotingEvidence:
    """Evidence of scan 0 whose value tells where a pixel is."""

    def __init__(self, shape):
        self.asked = []
        self.scans = SimpleNamespace(pictures=SimpleNamespace(shapes=[shape]), threads=1)
        self.value = np.arange(np.prod(shape)).reshape(shape)

    def of_scan(self, k, box):
        assert k == 0
        self.asked.append(box)
        left, top, width, height = box
        return self.value[top : top + height, left : left + width]


def test_votes_are_found_tile_by_tile_up_to_the_edge_of_the_scan(monkeypatch):
    evidence = VotingEvidence((100, 600))
    monkeypatch.setattr(particles, "_votes_of_tile", lambda part, threads: part % 100 + 1)
    votes = find_votes(evidence, (40, 60, 600, 80))
    assert evidence.asked == [
        (15, 35, 256 + 50, 65),
        (271, 35, 256 + 50, 65),
        (527, 35, 73, 65),
    ]
    assert votes.shape == (80, 600)
    assert np.array_equal(votes[:40, :560], evidence.value[60:, 40:] % 100 + 1)
    assert not votes[40:].any()
    assert not votes[:, 560:].any()
    # A part beyond the scan has none.
    asked = len(evidence.asked)
    assert not find_votes(evidence, (0, 100, 300, 20)).any()
    assert not find_votes(evidence, (600, 0, 40, 20)).any()
    assert len(evidence.asked) == asked
    monkeypatch.setattr(particles, "_votes_of_tile", lambda part, threads: None)
    assert not find_votes(evidence, (0, 0, 300, 20)).any()


def shifted(mask, down, right):
    result = np.zeros_like(mask)
    result[max(down, 0) :, max(right, 0) :] = mask[
        : mask.shape[0] - max(down, 0), : mask.shape[1] - max(right, 0)
    ]
    return result


class MovedScans:
    """Two scans; the page lies (down, right) px further in the second one."""

    threads = 1

    def __init__(self, down, right, shape=(120, 160)):
        self.down, self.right = down, right
        self.alone, self.pictures = self, SimpleNamespace(shapes=[shape, shape])
        self.moved = float(np.hypot(down, right))
        self.registrations = [None, self]

    def resample_marks(self, picture, box, *, inverse=False, threads=1):
        left, top, width, height = box
        sign = 1 if inverse else -1
        moved = ndimage.shift(np.asarray(picture), (sign * self.down, sign * self.right), order=0)
        return moved[top : top + height, left : left + width]

    def marks_on_page(self, k, marks, box):
        assert k == 1
        return self.resample_marks(marks, box)

    def moved_mask(self, k, mask, *, inverse=False):
        height, width = mask.shape
        return self.resample_marks(mask, (0, 0, width, height), inverse=inverse) > 0


def box_mask(*boxes, shape=(120, 160)):
    mask = np.zeros(shape, bool)
    for box in boxes:
        mask[box] = True
    return mask


def test_differences_belong_to_the_scan_with_most_of_the_votes():
    scans = MovedScans(10, 20)
    first, second, stays = np.s_[10:16, 10:16], np.s_[50:56, 80:86], np.s_[80:86, 40:46]
    votes = np.zeros((120, 160), np.int8)
    votes[first], votes[second], votes[stays] = 50, -50, 50
    votes[10, 10:16] = -90  # 30 px of 50 against 6 of 90
    on_page = np.s_[70:76, 20:26]  # where the dust that stays lies in the other scan
    votes[on_page] = -50
    core = box_mask(stays)
    of_first, of_second = differing(core, votes, scans)
    assert np.array_equal(of_first, box_mask(first))
    # On the grid of the second scan.
    assert np.array_equal(of_second, box_mask(np.s_[60:66, 100:106]))


def test_beside_dust_that_stays_nothing_differs():
    """Within two px of it."""
    scans = MovedScans(40, 60)
    votes = np.zeros((120, 160), np.int8)
    votes[80:86, 41:60] = 50
    of_first, _ = differing(box_mask(np.s_[80:86, 30:40]), votes, scans)
    assert np.flatnonzero(of_first[83]).tolist() == list(range(42, 60))


def overlaid_dust(gap, moved=(12, 0), dark=0.1):
    """A particle of two parts with dust in the gap between them, where the other scan is dusty."""
    shape = (120, 160)
    core = box_mask(np.s_[50:70, 40 : 60 - gap // 2], np.s_[50:70, 60 + gap // 2 : 80])
    light = np.full(shape, 0.8, np.float32)
    light[50:70, 40:80] = dark
    return core, light, MovedScans(*moved)


def marks_of(core, light, scans, monkeypatch):
    def shade(alone, box, polarity):
        assert polarity == -1
        left, top, width, height = box
        return light[top : top + height, left : left + width]

    monkeypatch.setattr(particles, "shade", shade)
    opacity = np.where(core, 80, 0).astype(np.uint8)
    return overlaid(core, opacity, scans, -1), opacity


def test_a_dark_gap_between_parts_is_dust_if_it_is_dust_in_the_other_scan(monkeypatch):
    core, light, scans = overlaid_dust(6)
    middle, opacity = marks_of(core, light, scans, monkeypatch)
    # The page lies 12 px lower in the other scan, whose dust covers other rows of it.
    rows = np.flatnonzero(middle[:, 58:62].all(axis=1))
    assert rows.tolist() == [*range(51, 57), *range(63, 69)]
    assert not middle[58:62].any()
    assert not (middle & core).any()
    assert not middle[:, :50].any()
    # The marks are raised to 60 + 180 * opacity: about 0.8 is missing, of a blurred background.
    raised = opacity[65, 59]
    around = blurred(light, 20)[65, 59]
    assert raised == pytest.approx(60 + 180 * (1 - 0.1 / around), abs=6)
    assert opacity[65, 50] > 150  # dust that was found, too
    assert not opacity[~core & ~middle].any()


def test_a_light_gap_is_no_dust(monkeypatch):
    core, light, scans = overlaid_dust(6)
    light[:, 57:63] = 0.8
    middle, _ = marks_of(core, light, scans, monkeypatch)
    assert not middle.any()
    # Nor is what is missing too little to raise the marks.
    core, light, scans = overlaid_dust(6, dark=0.7)
    middle, opacity = marks_of(core, light, scans, monkeypatch)
    assert not middle.any()
    assert set(np.unique(opacity)) == {0, 80}


@pytest.mark.parametrize(("dark", "raised"), [(0.55, True), (0.57, False)])
def test_marks_are_raised_where_a_quarter_of_the_light_is_missing(dark, raised, monkeypatch):
    core, light, scans = overlaid_dust(6, dark=dark)
    missing = 1 - blurred(light, 1)[65, 50] / blurred(light, 20)[65, 50]
    assert (0.255 < missing < 0.27) if raised else (0.23 < missing < 0.245)
    _, opacity = marks_of(core, light, scans, monkeypatch)
    assert (opacity[65, 50] > 80) == raised


def test_what_no_other_dust_covers_is_left_alone(monkeypatch):
    """The page has moved so far that no part of the dust meets another one."""
    core, light, scans = overlaid_dust(6, moved=(30, 0))
    middle, opacity = marks_of(core, light, scans, monkeypatch)
    assert not middle.any()
    assert set(np.unique(opacity)) == {0, 80}


@pytest.mark.parametrize(
    ("moved", "gap", "closed"),
    [((3, 0), 10, True), ((3, 0), 12, False), ((15, 0), 32, True), ((0, 20), 34, False)],
)
def test_gaps_of_twice_the_movement_are_closed(moved, gap, closed, monkeypatch):
    """And of the soft edges of 2 px; 32 px at most. The dust is 70 px long here."""
    core = box_mask(np.s_[30:100, 40 : 70 - gap // 2], np.s_[30:100, 70 + gap // 2 : 110])
    light = np.full(core.shape, 0.8, np.float32)
    light[30:100, 40:110] = 0.05
    middle, _ = marks_of(core, light, MovedScans(*moved), monkeypatch)
    assert middle[65, 70] == closed
