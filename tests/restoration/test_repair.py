"""What a repair changes in a picture, and which particles it fills in frames that show a part."""

import numpy as np
import pytest

from dustbust.restoration.inpaint import DustFill
from dustbust.restoration.repair import Changes, Filler, FillOfParticles

SHAPE = (30, 40)


def picture(channels=3):
    return np.random.default_rng(1).integers(0, 256, (*SHAPE, channels), np.uint8)


def test_a_picture_is_made_like_another_and_back():
    before, other = picture(), picture()
    other[3, 4, 2] += 1
    other[20:22, 30] += 1
    now = before.copy()
    changes = Changes.make(now, other)
    assert np.array_equal(now, other)
    assert changes.positions.tolist() == [3 * 40 + 4, 20 * 40 + 30, 21 * 40 + 30]
    assert np.array_equal(changes.mask(now), (before != other).any(axis=2))
    now[20, 30] = before[20, 30]
    assert changes.changed(now).tolist() == [3 * 40 + 4, 21 * 40 + 30]
    changes.undo(now)
    assert np.array_equal(now, before)
    assert not changes.mask(now).any()


def filled(dusty, shown, fewest):
    """The particles that are filled in a frame that shows these pixels; what is not 0 is shown."""
    frame = np.full((*SHAPE, 2), 100, np.uint8)
    frame[dusty, 0] = 200
    frame[..., 1] = shown
    fill = FillOfParticles(DustFill(dusty), dusty, fewest_shown=fewest)
    before = frame.copy()
    particles, unfilled = fill.in_place(frame)
    assert unfilled == 0
    assert (frame[dusty & shown, 0] == (100 if particles else 200)).all()
    assert np.array_equal(frame[~shown], before[~shown])
    assert np.array_equal(frame[..., 1], before[..., 1])
    return particles


@pytest.mark.parametrize(
    ("fewest", "pixels", "number"), [(1, 0, 0), (1, 1, 1), (12, 11, 0), (12, 12, 1)]
)
def test_a_particle_is_filled_if_enough_of_its_pixels_are_shown(fewest, pixels, number):
    dusty = np.zeros(SHAPE, bool)
    dusty[12, 8:32] = True
    assert filled(dusty, np.tile(np.arange(40) < 8 + pixels, (30, 1)), fewest) == number


@pytest.mark.parametrize("pixels", [0, 1, 24])
def test_all_that_is_shown_of_a_mask_that_is_filled_counts(pixels):
    dusty = np.zeros(SHAPE, bool)
    dusty[12, 8:32] = dusty[22, 35:38] = True
    frame = np.full((*SHAPE, 2), 100, np.uint8)
    frame[dusty, 0] = 200
    frame[..., 1] = 255 * (np.arange(40) < 8 + pixels)
    before = frame.copy()
    changes, report = Filler(DustFill(dusty), dusty).in_place(frame)
    number = int(pixels > 0)
    assert (report.particles, report.filled, report.restored) == (number, number, 0)
    assert report.changed * frame[..., 0].size == pytest.approx(pixels)
    changes.undo(frame)
    assert np.array_equal(frame, before)


@pytest.mark.parametrize(("hidden", "number"), [(0, 1), (1, 0)])
def test_a_small_particle_is_filled_if_all_of_it_is_shown(hidden, number):
    dusty = np.zeros(SHAPE, bool)
    dusty[12:14, 8:12] = True
    assert filled(dusty, np.tile(np.arange(40) >= 8 + hidden, (30, 1)), 12) == number
