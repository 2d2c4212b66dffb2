"""Scans of a page as they are stacked: what has to be resampled, and masks that move with it."""

import numpy as np
import pytest

from dustbust.files.spool import Spool
from dustbust.registration.register import Registration
from dustbust.stacking.scans import Scans
from dustbust.stacking.tone import KNOTS, Evening


def moved(dx, dy, far=0.0):
    return Registration(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]), moved=far)


def scans_of(*pictures, registration=None, evening=None):
    """Scans, of which the last one lies and is lit in this way."""
    spool, number = Spool(), len(pictures)
    for picture in pictures:
        spool.add(picture, on_disk=False)
    colours = 3 if pictures[0].ndim == 3 and pictures[0].shape[2] >= 3 else 1
    registrations = [moved(0, 0)] * (number - 1) + [registration or moved(0, 0)]
    corrections = [Evening.unchanged(colours)] * (number - 1)
    corrections.append(evening or Evening.unchanged(colours))
    names = [f"scan {k}" for k in range(number)]
    return Scans.of(spool, names, registrations, corrections, 1)


PICTURE = np.zeros((20, 30, 3), np.uint8)
ONES, ZEROS = np.ones(3), np.zeros(3)
UNEVEN = Registration(np.eye(3), np.ones((2, 2)), 10.0)


def test_scans_that_lie_on_each_other_and_are_equally_bright_are_not_resampled():
    assert scans_of(PICTURE, PICTURE).lie_on_each_other
    assert not scans_of(PICTURE, PICTURE[:19]).lie_on_each_other
    assert not scans_of(PICTURE[:19], PICTURE, PICTURE).lie_on_each_other


@pytest.mark.parametrize("registration", [moved(0.1, 0), moved(0, 2), UNEVEN])
def test_scans_that_lie_elsewhere_are_resampled(registration):
    assert not scans_of(PICTURE, PICTURE, registration=registration).lie_on_each_other


@pytest.mark.parametrize(
    "evening",
    [
        Evening(np.array([1, 1, 0.99]), ZEROS),
        Evening(ONES, np.array([0, 2.0, 0])),
        Evening(ONES, ZEROS, np.tile(np.linspace(0, 1, KNOTS), (3, 1))),
    ],
)
def test_scans_of_another_brightness_are_resampled(evening):
    assert not scans_of(PICTURE, PICTURE, evening=evening).lie_on_each_other


def test_a_mask_of_a_scan_moves_with_the_page():
    scans = scans_of(PICTURE, PICTURE, registration=moved(4, 7))
    mask = np.zeros((20, 30), bool)
    mask[10:12, 15:18] = True
    on_page, on_scan = np.zeros_like(mask), np.zeros_like(mask)
    on_page[3:5, 11:14] = on_scan[17:19, 19:22] = True
    assert np.array_equal(scans.moved_mask(1, mask), on_page)
    assert np.array_equal(scans.moved_mask(1, mask, inverse=True), on_scan)
    assert np.array_equal(scans.moved_mask(0, mask), mask)


@pytest.mark.parametrize(
    ("channels", "colours", "alpha"), [(0, 1, False), (1, 1, False), (2, 1, True), (4, 3, True)]
)
def test_a_page_has_the_form_of_the_first_scan(channels, colours, alpha):
    shape = (20, 30, channels) if channels else (20, 30)
    wider = (25, 28, channels) if channels else (25, 28)
    scans = scans_of(np.zeros(shape, np.uint16), np.zeros(wider, np.uint16))
    assert (scans.colours, scans.has_alpha, scans.white) == (colours, alpha, 65535)
    assert (scans.height, scans.width, scans.scanner_shape) == (20, 30, (25, 30))
    page = scans.empty_page()
    assert page.shape == (20, 30, colours + 1)
    page[...] = np.arange(colours + 1)
    result = scans.without_added_alpha(page)
    assert result.shape == shape
    assert result.max() == (colours if alpha else colours - 1)


def test_the_page_moved_as_far_as_in_the_scan_where_it_moved_most():
    spool = Spool()
    for _ in range(3):
        spool.add(PICTURE, on_disk=False)
    registrations = [moved(0, 0), moved(9, 0, 9.0), moved(4, 3, 5.0)]
    scans = Scans.of(spool, ["a", "b", "c"], registrations, [Evening.unchanged(3)] * 3, 1)
    assert scans.moved == 9
