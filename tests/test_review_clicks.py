"""Clicks on a small mask that is made up: how far they reach, and which pixels they change."""

import numpy as np
import pytest

from dustbust import review as module
from dustbust.dust.mask import DustMask
from dustbust.review import Review

SHAPE = (100, 160)


def reviewed(*boxes, grey=0.8, threshold=0.5):
    """A review of a mask with some boxes, each of one grey."""
    plane = np.zeros(SHAPE, np.float32)
    greys = np.broadcast_to(grey, len(boxes))
    for box, value in zip(boxes, greys, strict=True):
        plane[box] = value
    return Review(DustMask(plane, threshold), threads=1)


def marked(review):
    return review.mask.grey >= review.threshold


def grey(review):
    return np.asarray(review.mask.grey)


@pytest.mark.parametrize(("away", "found"), [(6, True), (7, False)])
@pytest.mark.parametrize("direction", [(-1, 0), (1, 0), (0, -1), (0, 1)])
def test_a_click_selects_within_six_px(away, found, direction):
    review = reviewed(np.s_[50, 60])
    decision = review.toggle(50 + away * direction[0], 60 + away * direction[1])
    assert (decision is not None) == found
    if found:
        assert decision.kept is False
        assert (decision.y, decision.x) == (50, 60)


def test_a_rejected_particle_takes_a_rim_of_three_px_with_it():
    review = reviewed(
        np.s_[40:60, 50:80], np.s_[50:52, 60:64], np.s_[45:57, 67:70], grey=(0.3, 0.8, 0.9)
    )
    decision = review.toggle(51, 61)
    assert decision == (False, 50, 60, 47, 57, 55, 67)
    changed = grey(review)
    assert not changed[47:55, 60:64].any()
    assert not changed[50:52, 57:67].any()
    assert changed[46, 60] == pytest.approx(0.3, abs=1e-4)
    assert changed[51, 56] == pytest.approx(0.3, abs=1e-4)
    # Other particles stay as they are.
    assert (changed[45:57, 67:70] > 0.89).all()
    assert review.counts.particles == 1


def test_the_rim_spares_other_particles():
    review = reviewed(np.s_[50:52, 60:64], np.s_[50:52, 65:67])
    review.toggle(50, 60)
    assert np.array_equal(
        np.argwhere(marked(review)), np.argwhere(marked(reviewed(np.s_[50:52, 65:67])))
    )
    # The rim belongs to the rejected particle, also right beside another one.
    assert review.toggle(50, 64).kept
    assert review.counts.particles == 2


def test_at_the_corner_of_a_picture():
    review = reviewed(np.s_[0:2, 0:2], np.s_[98:100, 157:160])
    assert review.toggle(0, 0) == (False, 0, 0, 0, 0, 5, 5)
    assert review.toggle(99, 159) == (False, 98, 157, 95, 154, 100, 160)
    assert review.counts == (0, 0, 0)
    assert review.undo() == (True, 98, 157, 95, 154, 100, 160)
    assert review.undo() == (True, 0, 0, 0, 0, 5, 5)
    assert review.redo() == (False, 0, 0, 0, 0, 5, 5)


def test_clicks_outside_of_the_picture_do_nothing():
    review = reviewed(np.s_[0:2, 0:2])
    assert review.toggle(-8, 0) is None
    assert review.toggle(0, 400) is None
    assert review.particle_at(-1, 0) is None
    assert review.particle_at(0, SHAPE[1]) is None
    assert review.particle_at(SHAPE[0], 0) is None
    assert review.particle_at(0, 0).area == review.particle_at(1, 1).area == 4


def test_a_speck_is_kept_with_what_is_three_fifths_as_strong():
    """Of a peak of 0.45: pixels of 0.27 and more that hang together, and within 40 px."""
    review = reviewed(
        *(np.s_[50, 60:62], np.s_[50, 62:64], np.s_[50, 64], np.s_[50, 58]),
        grey=(0.45, 0.28, 0.26, 0.4),
    )
    decision = review.toggle(51, 61)
    assert decision == (True, 50, 60, 50, 60, 51, 64)
    assert np.argwhere(marked(review)).tolist() == [[50, x] for x in range(60, 64)]
    assert (grey(review)[50, 60:64] == 1).all()
    assert review.threshold == pytest.approx(0.5, abs=1e-4)
    long = reviewed(np.s_[50, 5:155], np.s_[50, 80], grey=(0.4, 0.45))
    assert long.toggle(50, 80)[3:] == (50, 40, 51, 121)


@pytest.mark.parametrize(("strength", "kept"), [(0.2, True), (0.19, False)])
def test_grey_below_a_fifth_is_noise(strength, kept):
    assert (reviewed(np.s_[50, 60], grey=strength).toggle(50, 60) is not None) == kept
    # Beside a peak of 0.3 it is not kept either, though it is three fifths of it.
    review = reviewed(np.s_[50, 60], np.s_[50, 61:64], grey=(0.3, strength))
    assert review.toggle(50, 60).right == (64 if kept else 61)


def test_a_speck_is_looked_for_within_six_px():
    assert reviewed(np.s_[50, 60], grey=0.4).toggle(56, 66) is not None
    assert reviewed(np.s_[50, 60], grey=0.4).toggle(57, 60) is None


def test_a_rejection_that_no_longer_holds_is_not_taken_back():
    review = reviewed(np.s_[50:53, 60:63])
    review.toggle(51, 61)
    assert review.toggle(51, 61).kept
    assert review.counts.particles == 1
    assert review.toggle(51, 61).kept is False
    assert review.counts.particles == 0
    # Nor by a click on the rim, which was rejected with the particle.
    assert review.undo().kept
    assert review.toggle(51, 61).kept is False
    assert review.toggle(51, 61).kept
    assert review.toggle(51, 65).kept is False


def test_of_two_particles_the_nearer_one_is_selected():
    review = reviewed(np.s_[50, 60], np.s_[50, 67])
    assert review.toggle(50, 64)[1:3] == (50, 67)
    review = reviewed(np.s_[50, 60], np.s_[50, 67])
    assert review.toggle(50, 63)[1:3] == (50, 60)
    review = reviewed(np.s_[50, 60], np.s_[57, 60])
    assert review.toggle(54, 60)[1:3] == (57, 60)
    review = reviewed(np.s_[50, 60], np.s_[57, 60])
    assert review.toggle(53, 60)[1:3] == (50, 60)


def test_what_is_said_of_a_particle():
    review = reviewed(np.s_[50:53, 60:64], np.s_[51, 61], grey=(0.6, 0.9))
    (particle,) = review.sorted_by("size")
    assert particle[:7] == (51, 62, 50, 60, 53, 64, 12)
    assert particle.certainty == pytest.approx((0.9 - 0.5) / 0.5, abs=1e-4)
    review.threshold = 0.9
    assert review.sorted_by("size")[0].certainty == pytest.approx(0, abs=1e-4)
    whole = reviewed(np.s_[50, 60], grey=1.0, threshold=1.0)
    assert whole.sorted_by("size")[0].certainty == 0
    assert reviewed().sorted_by("doubt") == []
    # A pixel in the middle of each.
    review = reviewed(np.s_[20, 30:35], np.s_[50, 60:69])
    assert [each[:2] for each in review.sorted_by("strength")] == [(20, 32), (50, 64)]


def test_thresholds_are_from_0_to_1():
    review = reviewed(np.s_[50, 60])
    for value in (-0.01, 1.01):
        with pytest.raises(ValueError, match="from 0 to 1"):
            review.threshold = value
    review.threshold = 0
    assert review.counts == (1, SHAPE[0] * SHAPE[1], 1)
    review.threshold = 1
    assert review.counts.particles == 0


def test_changes_are_counted_from_what_was_kept():
    review = reviewed(np.s_[50, 60], np.s_[20, 20])
    assert not review.changed
    review.toggle(50, 60)
    assert review.changed
    kept = review.keep()
    assert not review.changed
    assert kept is review.dust
    review.undo()
    assert review.changed
    review.redo()
    assert not review.changed
    assert (review.can_undo, review.can_redo) == (True, False)


@pytest.mark.parametrize("part", [np.s_[70:90, 70:100], np.s_[0:20, 0:30], np.s_[180:200, 140:160]])
def test_a_part_is_cleaned_with_60_px_around_it(part, monkeypatch):
    seen = []

    def clean(picture, mask, **options):
        seen.append(picture.copy())
        assert mask.grey.shape == picture.shape[:2]
        return picture + 1, None

    monkeypatch.setattr(module, "apply_mask", clean)
    picture = (np.arange(200 * 400).reshape(200, 400) % 199).astype(np.uint8)
    review = Review(DustMask(np.zeros((200, 400), np.float32), 0.5), threads=1)
    rows, columns = part
    columns = slice(columns.start + 100, columns.stop + 100)
    before, after = review.look(picture, (rows, columns))
    assert np.array_equal(before[..., 0], picture[rows, columns])
    assert np.array_equal(after[..., 2], picture[rows, columns] + 1)
    top, bottom = max(rows.start - 60, 0), min(rows.stop + 60, 200)
    assert np.array_equal(seen[0], picture[top:bottom, columns.start - 60 : columns.stop + 60])


def test_views_beside_a_frame(monkeypatch):
    monkeypatch.setattr(
        module, "apply_mask", lambda picture, mask, **_: (picture + (picture == 7), None)
    )
    picture = np.full((*SHAPE, 3), 5, np.uint8)
    picture[10, 12, 1] = 7
    review = reviewed(np.s_[20, 30], grey=0.5)  # as much as the threshold
    part = np.s_[0:40, 0:50]
    before, after = review.look(picture, part, view="changes")
    red = (after == (230, 30, 30)).all(axis=2)
    assert np.argwhere(red).tolist() == [[10, 12]]
    assert np.array_equal(after[~red], before[~red])
    _, grey = review.look(picture[..., 1], part, view="changes")
    assert np.array_equal(grey[10, 12], (230, 30, 30))
    _, dust = review.look(picture, part, view="dust")
    assert np.argwhere(dust[..., 0] == 255).tolist() == [[20, 30]]
    assert dust.max() == 255
    assert np.count_nonzero(dust) == 3
    smaller, dust = review.look(picture, part, 2, view="dust")
    assert smaller.shape == dust.shape == (20, 25, 3)
    assert dust[10, 15, 0] == 64  # a quarter of a block of four
    with pytest.raises(ValueError, match="clean, dust, changes"):
        review.look(picture, part, view="before")
