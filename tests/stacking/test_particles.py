"""In which of two scans a particle is present, where one of them may show no page at its place."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.stacking.particles import present, tiles

CLEAN, STRONG, UNKNOWN = 0, _kernels.STRONG_CODE, _kernels.UNKNOWN_CODE


def particles(*codes):
    """One particle of 9 pixels for each pair of codes, the mask of all, and the codes' planes."""
    core = np.zeros((5, 6 * len(codes)), bool)
    planes = [np.zeros(core.shape, np.uint8) for _ in range(2)]
    for number, pair in enumerate(codes):
        where = np.s_[1:4, 6 * number + 1 : 6 * number + 4]
        core[where] = True
        for plane, code in zip(planes, pair, strict=True):
            plane[where] = code
    return core, planes


def in_scans(*codes):
    """(in scan 0, in scan 1) of each particle."""
    found = present(*particles(*codes))
    return [
        tuple(bool(plane[2, 6 * number + 2]) for plane in found) for number in range(len(codes))
    ]


def test_a_particle_is_present_where_it_shows():
    codes = [(STRONG, STRONG), (STRONG, CLEAN), (CLEAN, STRONG)]
    assert in_scans(*codes) == [(True, True), (True, False), (False, True)]


@pytest.mark.parametrize(("stayed", "wiped", "assumed"), [(3, 3, True), (0, 6, False)])
def test_where_a_scan_shows_no_page_it_is_as_with_the_other_particles(stayed, wiped, assumed):
    codes = [(STRONG, STRONG)] * stayed + [(STRONG, CLEAN)] * wiped + [(STRONG, UNKNOWN)]
    assert in_scans(*codes)[-1] == (True, assumed)
    turned = [pair[::-1] for pair in codes]
    assert in_scans(*turned)[-1] == (assumed, True)


@pytest.mark.parametrize(("stayed", "assumed"), [(2, True), (1, False)])
def test_a_fifth_that_stays_is_enough_to_assume_it(stayed, assumed):
    """Of eight particles that both scans can show."""
    codes = [(STRONG, STRONG)] * stayed + [(CLEAN, STRONG)] * (8 - stayed)
    # Those that one scan cannot show tell nothing about the others.
    hidden = [(STRONG, UNKNOWN), (UNKNOWN, STRONG)] * 5
    found = in_scans(*codes, *hidden)
    assert found[-2:] == [(True, assumed), (assumed, True)]


def test_a_fourth_of_the_evidence_is_enough_to_show_a_particle():
    for number, shown in ((3, True), (2, False)):
        core, planes = particles((STRONG, CLEAN))
        planes[1].ravel()[np.flatnonzero(core)[:number]] = STRONG
        found = present(core, planes)
        assert found[0][core].all()
        assert (found[1] == core).all() == shown
        assert found[1].any() == shown
        # What is mostly unknown is not known to be absent.
        planes[1].ravel()[np.flatnonzero(core)[number:]] = UNKNOWN
        assert present(core, planes)[1][core].all()


def test_half_of_the_pixels_must_be_unknown():
    """Of nine: more than four."""
    for number, unknown in ((4, False), (5, True)):
        core, planes = particles((STRONG, CLEAN))
        planes[1].ravel()[np.flatnonzero(core)[:number]] = UNKNOWN
        assert present(core, planes)[1][core].all() == unknown


def test_tiles_cover_the_mask():
    where = np.zeros((600, 300), bool)
    where[10, 5] = where[599, 299] = where[256, 0] = True
    assert sorted(tiles(where)) == [(0, 0, 256, 256), (0, 256, 256, 256), (256, 512, 44, 88)]


def test_a_particle_that_no_other_one_can_be_compared_with_is_taken_to_stay():
    assert in_scans((STRONG, UNKNOWN)) == [(True, True)]
