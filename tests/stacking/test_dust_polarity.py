"""Whether dust is darker or lighter than the page, as the differences between scans tell."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust.dust.polarity import Polarity
from dustbust.stacking.dust_polarity import (
    _is_there_and_back,
    _measured,
    _of_all_scans,
    _of_single_scan,
    _sides,
    _Sums,
    find_polarity,
    mean_around,
)
from dustbust.stacking.evidence import Differences

SHAPE = (200, 240)
NOISE = 0.01


@pytest.mark.parametrize(
    ("lighter", "darker", "found"),
    [
        (0.2, 1.0, Polarity.LIGHT),
        (1.0, 0.2, Polarity.DARK),
        (0.32, 0.7, Polarity.LIGHT),
        (0.7, 0.32, Polarity.DARK),
        (0.34, 0.7, Polarity.BOTH),  # clean scans keep more than a third, even if not all
        (0.7, 0.34, Polarity.BOTH),
        (0.3, 0.5, Polarity.BOTH),  # less than half of the energy in the other scan
        (0.5, 0.3, Polarity.BOTH),
        (1.0, 1.0, Polarity.BOTH),
    ],
)
def test_dust_lowers_the_contrast_of_the_page(lighter, darker, found):
    for unit in (1.0, 0.1):
        sums = _Sums(900, 200, lighter * unit, darker * unit, unit)
        assert sums.polarity is found
    # Too few pixels tell nothing, nor does a page without details.
    assert _Sums(900, 199, lighter, darker, 1.0).polarity is Polarity.BOTH
    assert _Sums(900, 200, lighter, darker, 0.0).polarity is Polarity.BOTH


@pytest.mark.parametrize(
    ("darker_differs", "found"),
    [
        (31, Polarity.DARK),
        (-31, Polarity.LIGHT),
        (29, Polarity.BOTH),
        (-29, Polarity.BOTH),
        (0, Polarity.BOTH),
    ],
)
def test_else_the_dusty_scan_differs_more_from_its_surroundings(darker_differs, found):
    assert _Sums(9, 9, 1, 1, 1, darker_differs, 100.0).polarity is found
    assert _Sums().polarity is Polarity.BOTH


def test_sums_add_up():
    one = _Sums(1, 2, 3.0, 4.0, 5.0, 6.0, 7.0)
    assert one + one == _Sums(2, 4, 6.0, 8.0, 10.0, 12.0, 14.0)
    assert _Sums() + one == one


def test_strengths_of_each_sign():
    sides = _sides(np.float32([5, -6, 7]), 9)
    assert (sides.light, sides.dark, sides.pixels) == (12, 6, 9)
    both = sides + sides
    assert (both.light, both.dark, both.pixels) == (24, 12, 18)


def test_a_half_turn_leads_back():
    half = np.array([[-1, 0, 639], [0, -1, 479], [0, 0, 1.0]])
    assert _is_there_and_back(half, (480, 640))
    assert _is_there_and_back(np.eye(3), (480, 640))
    # A turn by a little more misses at the corners: by more at the far ones.
    off = half.copy()
    off[:2, :2] = [[-np.cos(0.02), np.sin(0.02)], [-np.sin(0.02), -np.cos(0.02)]]
    assert not _is_there_and_back(off, (480, 640))
    for axis in (0, 1):
        moved = np.eye(3)
        for far, back in ((1.4, True), (1.6, False), (5, False)):  # 3 px there and there again
            moved[axis, 2] = far
            assert _is_there_and_back(moved, (480, 640)) == back


def test_the_mean_around_is_that_of_the_pixels_that_count():
    rng = np.random.default_rng(1)
    plane = np.full((60, 70), 0.25, np.float32)
    where = rng.random(plane.shape) < 0.5
    plane[~where] = 9
    assert mean_around(plane, where, 1) == pytest.approx(np.full(plane.shape, 0.25), abs=1e-3)
    slope = np.float32(np.mgrid[:60, :70][1])
    assert mean_around(slope, np.ones(plane.shape, bool), 1)[30, 35] == pytest.approx(35, abs=0.1)
    step = np.float32(np.arange(70) >= 35) * np.ones((60, 1), np.float32)
    rise = mean_around(step, np.ones(plane.shape, bool), 1)[30]
    assert rise[35 + 6] == pytest.approx(0.84, abs=0.05)  # one deviation of 6 px
    near = mean_around(step, np.ones(plane.shape, bool), 1, 2.0)[30]
    assert near[35 + 2] == pytest.approx(0.84, abs=0.1)


def page(contrast=0.05):
    """A page with fine details."""
    return 0.5 + np.random.default_rng(2).normal(0, contrast, SHAPE)


def differences(opacity, tone, dusty=0, contrast=0.05, size=20):
    """What the two scans show: squares of dust in one of them, and the page in the other."""
    rng = np.random.default_rng(3)
    clean = page(contrast)
    where = np.zeros(SHAPE, bool)
    for y, x in ((30, 40), (120, 60), (60, 170), (140, 160)):
        where[y : y + size, x : x + size] = True
    scan = np.where(where, clean * (1 - opacity) + tone * opacity, clean)
    scan, clean = (np.float32(each + rng.normal(0, NOISE, SHAPE)) for each in (scan, clean))
    value, seen = (scan, clean) if dusty == 0 else (clean, scan)
    score = np.where(where, 20 * np.sign(value - seen), 0).astype(np.float32)
    return Differences(score, value, seen, np.ones(SHAPE, np.float32)), where


class Evidence:
    """Evidence with these differences in all of the scanner."""

    noise = NOISE
    scans = SimpleNamespace(threads=1)

    def __init__(self, seen, together=None):
        self.seen, self.all = seen, together

    def of_scan(self, k, box):
        return self.seen

    def together(self, box, polarity):
        return self.all


BOX = (0, 0, SHAPE[1], SHAPE[0])


@pytest.mark.parametrize("dusty", [0, 1])
@pytest.mark.parametrize(("tone", "polarity"), [(0.05, Polarity.DARK), (0.95, Polarity.LIGHT)])
def test_of_two_scans_that_differ_the_dusty_one_is_known(dusty, tone, polarity):
    """Dense dust hides the page."""
    seen, where = differences(0.8, tone, dusty)
    sums = _measured(Evidence(seen), BOX)
    assert sums.polarity is polarity
    assert sums.pixels == where.sum()
    assert sums.inside == 4 * (20 - 4) ** 2
    hidden, shown = (
        (sums.darker, sums.lighter) if polarity is Polarity.DARK else (sums.lighter, sums.darker)
    )
    # The details of the page, less the noise: a fifth of the contrast is left in the dust.
    assert hidden / sums.around == pytest.approx(0.2**2, abs=0.03)
    assert shown / sums.around == pytest.approx(1, abs=0.15)
    assert sums.around / sums.inside == pytest.approx(0.05**2, rel=0.15)
    sign = 1 if polarity is Polarity.DARK else -1
    assert sign * sums.darker_differs > 0.9 * sums.differs > 0


def test_on_a_blank_page_the_dusty_scan_differs_more():
    seen, where = differences(0.3, 0.05, contrast=0)
    sums = _measured(Evidence(seen), BOX)
    assert sums.polarity is Polarity.DARK
    # By 0.3 of 0.45, in deviations of the noise of the scan and of the page around; only the calmer
    # half of the surroundings counts.
    deviation = NOISE * 1.5**0.5
    assert sums.darker_differs == pytest.approx(where.sum() / 2 * 0.135 / deviation, rel=0.25)


def test_scans_that_do_not_differ_tell_nothing():
    seen, _ = differences(0.8, 0.05)
    seen.score[:] = 4.4
    assert _measured(Evidence(seen), BOX) == _Sums()
    seen.score[:] = 20
    seen.data[:] = 0
    assert _measured(Evidence(seen), BOX) == _Sums()


def test_only_what_is_clear_and_known_counts_in_one_scan():
    seen, where = differences(0.8, 0.05)
    seen.data[:, :100] = 0
    found = _of_single_scan(Evidence(seen), (0, BOX))
    known = where & (np.arange(SHAPE[1]) >= 100)
    assert (found.light, found.dark, found.pixels) == (0, 20 * known.sum(), known.sum())


def test_of_places_that_exchange_their_pages_only_contrast_counts():
    """Dust on the left; the clean paper on the right differs as much, but is like its own."""
    strength, opacity = np.zeros((2, *SHAPE), np.float32)
    shade = np.full(SHAPE, 0.8, np.float32)
    strength[80:100, 40:60], opacity[80:100, 40:60] = -9, -0.6
    strength[80:100, 180:200], opacity[80:100, 180:200] = 8, 0.6
    shade[80:100, 40:60] = 0.3
    evidence = Evidence(None, (strength, opacity, shade))
    plain = _of_all_scans(evidence, False, BOX)
    assert (plain.light, plain.dark, plain.pixels) == (3200, 3600, 800)
    back = _of_all_scans(evidence, True, BOX)
    assert (back.light, back.pixels) == (0, 800)
    assert back.dark == pytest.approx(3600, rel=0.3)


class AllEvidence(Evidence):
    """Evidence of two or more scans with given strengths."""

    def __init__(self, light, dark, seen, number=3):
        strength = np.zeros(SHAPE, np.float32)
        strength.ravel()[:light] = 10
        strength.ravel()[light : light + dark] = -10
        super().__init__(seen, (strength, strength / 20, 0 * strength))
        self.samples, self.alone = [BOX], self
        moved = SimpleNamespace(matrix=np.array([[1, 0, 30], [0, 1, 20], [0, 0, 1.0]]))
        scans = [SimpleNamespace(threads=1)] * number

        class Scans(list):
            threads, shape, registrations = 1, SHAPE, [None, *[moved] * (number - 1)]

        self.scans = Scans(scans)


def nothing():
    zero = np.zeros(SHAPE, np.float32)
    return Differences(zero.copy(), zero + 0.5, zero + 0.5, zero + 1)


@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize(
    ("light", "dark", "found"),
    [
        (860, 140, Polarity.LIGHT),
        (140, 860, Polarity.DARK),
        (840, 160, Polarity.BOTH),
        (160, 840, Polarity.BOTH),
        (0, 0, Polarity.BOTH),
    ],
)
def test_dust_is_of_one_polarity_when_it_has_nearly_all_evidence(light, dark, found, number):
    assert find_polarity(AllEvidence(light, dark, nothing(), number)) is found


def test_what_hardly_stays_may_be_chance():
    """Less than 12 % of the differences stay: those of each scan, or of the pair, decide."""
    seen, where = differences(0.8, 0.95)
    assert where.sum() == 1600
    for number in (2, 3):
        assert find_polarity(AllEvidence(0, 185, seen, number)) is Polarity.LIGHT
        assert find_polarity(AllEvidence(0, 200, seen, number)) is Polarity.DARK
