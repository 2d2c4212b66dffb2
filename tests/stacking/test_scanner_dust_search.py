"""The search for the scanner's dust: which pixels belong to particles, and when there is none."""

import numpy as np
import pytest

from dustbust import DustbustError, _kernels
from dustbust.dust.polarity import Polarity
from dustbust.files.spool import Spool
from dustbust.registration.register import Registration
from dustbust.stacking import scanner_dust
from dustbust.stacking.scanner_dust import _core, _near, check_moved, find_scanner_dust
from dustbust.stacking.scans import Scans
from dustbust.stacking.tone import Evening

WEAK, STRONG = _kernels.WEAK_CODE, _kernels.STRONG_CODE


def moved(dx, dy, by=None):
    matrix = np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])
    return Registration(matrix, moved=float(np.hypot(dx, dy)) if by is None else by)


def test_particles_are_strong_evidence_and_weak_evidence_beside_it():
    codes = np.zeros((20, 30), np.uint8)
    codes[10, 2:26] = WEAK
    codes[10, 10] = STRONG
    codes[3, 20] = WEAK
    core = _core(codes, 2)
    assert np.argwhere(core).tolist() == [[10, x] for x in range(6, 15)]  # four px away


def test_marks_reach_two_px_beyond_the_dust():
    marks = np.full((20, 30), 90, np.uint8)
    core = np.zeros(marks.shape, bool)
    core[10, 12] = True
    near = _near(marks, core, 1)
    assert near is marks
    assert set(np.unique(near)) == {0, 90}
    assert np.flatnonzero(near[10]).tolist() == [10, 11, 12, 13, 14]
    assert np.flatnonzero(near[:, 12]).tolist() == [8, 9, 10, 11, 12]


def test_a_page_that_hardly_moved_tells_no_dust():
    names = ["a", "b", "c"]
    check_moved([moved(0, 0), moved(1, 0), moved(0, 3)], names)
    with pytest.raises(
        DustbustError, match=r"c: shows the page where a shows it \(moved by 2.9 px"
    ):
        check_moved([moved(0, 0), moved(1, 0), moved(0, 2.9)], names)


SHAPE = (160, 200)
DUST = np.s_[60:66, 80:88]


def scans_of(number, dusty, polarity, shape=SHAPE):
    """Scans of a page that lies (24, 15) px further each time; dust in some of them."""
    rng = np.random.default_rng(1)
    page = 0.5 + 0.05 * rng.normal(size=(260, 320))
    spool, registrations = Spool(), []
    for k in range(number):
        dx, dy = 24 * k, 15 * k
        scan = page[60 - dy : 60 - dy + shape[0], 80 - dx : 80 - dx + shape[1]].copy()
        if k in dusty:
            scan[DUST] = 0.05 if polarity < 0 else 0.95
        scan += rng.normal(0, 0.005, shape)
        spool.add(np.float32(scan)[..., None], on_disk=False)
        registrations.append(moved(dx, dy))
    names = [f"scan {k}" for k in range(number)]
    return Scans.of(spool, names, registrations, [Evening.unchanged(1)] * number, 2)


def found_dust(number, dusty, polarity, given):
    scans, steps = scans_of(number, dusty, polarity), []
    page = None
    if number > 2:
        stack = [scans.aligned(k, (0, 0, SHAPE[1], SHAPE[0])) for k in range(number)]
        known = np.array([each[..., 1] > 0 for each in stack])
        colours = np.where(known, np.array([each[..., 0] for each in stack]), np.nan)
        page = np.dstack([np.nanmedian(colours, axis=0), np.ones(SHAPE)]).astype(np.float32)
    dust = find_scanner_dust(scans, page, given, steps.append)
    assert steps[-1] == 1
    assert steps == sorted(steps)
    return dust


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("number", [2, 3, 4])
@pytest.mark.parametrize("polarity", [Polarity.DARK, Polarity.LIGHT])
def test_dust_that_stays_is_found_in_any_number_of_scans(number, polarity, given):
    dust = found_dust(number, range(number), polarity.sign, polarity if given else None)
    assert dust.polarity is polarity
    assert len(dust.own) == (2 if number == 2 else 0)
    for k in range(number):
        marks = dust.of_scan(k)
        assert marks[DUST].min() > 60 + 180 * 0.6
        away = np.ones(SHAPE, bool)
        away[56:70, 76:92] = False
        assert np.count_nonzero(marks[away]) < 0.002 * marks.size
    if number == 2:  # the median of more has a part of the noise, too
        assert dust.noise == pytest.approx(0.005, rel=0.4)


@pytest.mark.parametrize("dusty", [0, 1])
def test_dust_that_was_wiped_off_is_in_one_scan_only(dusty):
    dust = found_dust(2, [dusty], -1, Polarity.DARK)
    assert dust.of_scan(dusty)[DUST].min() > 60 + 180 * 0.6
    assert not dust.of_scan(1 - dusty)[DUST].any()


def test_what_differs_may_be_dust_of_any_kind():
    """It is in the scan that differs from its surroundings."""
    dust = found_dust(2, [1], -1, Polarity.BOTH)
    assert dust.of_scan(1)[DUST].any()
    assert not dust.of_scan(0)[DUST].any()


def test_what_overlaps_is_looked_for_between_dust_that_both_scans_have(monkeypatch):
    scans, asked = scans_of(2, [0, 1], -1), []
    other = np.s_[100:106, 120:128]
    scans.pictures[1][other] = 0.05

    def look(core, *_):
        asked.append(core.copy())
        return np.zeros_like(core)

    monkeypatch.setattr(scanner_dust, "overlaid", look)
    found = find_scanner_dust(scans, None, Polarity.DARK)
    assert found.of_scan(1)[other].all()
    assert asked[0][DUST].all()
    assert not asked[0][other].any()
