"""Going through a mask by hand: counts, orders, decisions and views, without any window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import dustbust
from dustbust.files.read import read_frame
from dustbust.review import ORDERS, RIM, Review

FRAMES = sorted((Path(__file__).resolve().parent / "samples" / "run").glob("*.jpg"))


@pytest.fixture(scope="module")
def dust():
    return dustbust.estimate_mask(FRAMES)


@pytest.fixture
def review(dust):
    return Review(dust)


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.7, 1.0])
def test_counts_are_those_of_the_mask(dust, review, threshold):
    review.threshold = threshold
    binary = dust.binary(threshold)
    _, particles = ndimage.label(binary, np.ones((3, 3)))
    assert review.counts == (particles, np.count_nonzero(binary), binary.mean())
    assert np.array_equal(review.mask.binary(), binary)
    assert review.changed == (threshold != 0.5)


def test_particles_are_described(dust, review):
    labels, number = ndimage.label(dust.binary(), np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    means = ndimage.mean(dust.opacity, labels, np.arange(number) + 1)
    found = {labels[each.y, each.x]: each for each in review.sorted_by("size")}
    assert sorted(found) == list(range(1, number + 1))
    for label, each in found.items():
        rows, columns = boxes[label - 1]
        box = (rows.start, columns.start, rows.stop, columns.stop)
        assert (each.top, each.left, each.bottom, each.right) == box
        assert each.area == np.count_nonzero(labels == label)
        assert each.strength == pytest.approx(means[label - 1], abs=1e-5)


def test_orders(review):
    by_size, by_strength, by_doubt = (review.sorted_by(order) for order in ("size", *ORDERS[::2]))
    assert [each.area for each in by_size] == sorted((each.area for each in by_size), reverse=True)
    assert by_strength[0].strength == max(each.strength for each in by_size)
    assert by_doubt[0].certainty == min(each.certainty for each in by_size)
    with pytest.raises(ValueError, match="strength, size, doubt"):
        review.sorted_by("colour")


def test_a_rejected_particle_does_not_come_back_with_a_lower_threshold(dust, review):
    particle = review.sorted_by("size")[3]
    before = review.counts.particles
    decision = review.toggle(particle.y, particle.x)
    assert not decision.kept
    assert decision[3:] == (
        particle.top - RIM,
        particle.left - RIM,
        particle.bottom + RIM,
        particle.right + RIM,
    )
    assert review.particle_at(particle.y, particle.x) is None
    assert review.counts.particles == before - 1
    review.threshold = 0.3
    box = np.s_[particle.top : particle.bottom, particle.left : particle.right]
    own = ndimage.label(dust.binary(), np.ones((3, 3)))[0]
    own = own == own[particle.y, particle.x]
    assert not review.mask.binary()[own].any()
    assert dust.binary()[box].any()  # the mask that was given stays as it was


def test_what_was_rejected_can_be_kept_again(dust, review):
    particle = review.sorted_by("doubt")[0]
    review.toggle(particle.y, particle.x)
    assert review.toggle(particle.y, particle.x).kept
    assert review.particle_at(particle.y, particle.x) == particle
    assert np.array_equal(review.mask.grey, dust.grey)


def test_a_speck_below_the_threshold_can_be_kept(dust, review):
    faint = (dust.grey > 0.35) & ~ndimage.binary_dilation(dust.binary(), iterations=20)
    y, x = np.argwhere(faint)[0]
    decision = review.toggle(int(y), int(x))
    assert decision.kept
    assert review.particle_at(decision.y, decision.x)
    added = review.mask.binary() & ~dust.binary()
    assert added[y - 8 : y + 9, x - 8 : x + 9].any()
    review.threshold = 0.99
    assert (review.mask.binary() & added).any()
    assert ndimage.label(added, np.ones((3, 3)))[1] == 1


def test_nothing_is_done_where_nothing_is():
    review = Review(dustbust.DustMask(np.zeros((40, 50), np.float32), 0.5))
    assert review.toggle(20, 20) is None
    assert review.toggle(-50, 400) is None
    assert review.counts == (0, 0, 0.0)
    assert review.sorted_by("size") == []
    assert not review.changed


def test_undo_and_redo(dust, review):
    particles = review.sorted_by("size")[:3]
    decisions = [review.toggle(particle.y, particle.x) for particle in particles]
    rejected = review.mask.grey
    assert review.can_undo
    assert not review.can_redo
    undone = [review.undo() for _ in range(4)]
    assert undone == [decision._replace(kept=True) for decision in decisions[::-1]] + [None]
    labels = ndimage.label(dust.binary(), np.ones((3, 3)))[0]
    assert [labels[each.y, each.x] for each in undone[:3]] == [
        labels[particle.y, particle.x] for particle in particles[::-1]
    ]
    assert np.array_equal(review.mask.grey, dust.grey)
    assert [review.redo() for _ in range(4)] == [*decisions, None]
    assert np.array_equal(review.mask.grey, rejected)
    review.undo()
    review.toggle(*review.sorted_by("strength")[0][:2])
    assert not review.redo()  # a new decision takes the place of those taken back


@pytest.mark.parametrize("method", ["restore", "fill"])
def test_a_look_shows_the_cleaned_frame(dust, review, method):
    frame = read_frame(FRAMES[0])
    clean, _ = dustbust.apply_mask(frame, dust, method=method, return_report=True)
    part = np.s_[100:400, 200:640]
    before, after = review.look(frame, part, method=method)
    assert np.array_equal(before, frame[part])
    different = (np.abs(after.astype(int) - clean[part]) > 2).any(axis=2)
    assert different.mean() < 0.01
    assert (before != after).any()
    small = review.look(frame, part, 2, method=method)[1]
    assert small.shape == (150, 220, 3)
    means = after.reshape(150, 2, 220, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - means).max() <= 1


def test_changes_are_red(dust, review):
    frame = read_frame(FRAMES[0])
    part = np.s_[100:400, 200:640]
    before, after = review.look(frame, part)
    _, shown = review.look(frame, part, view="changes")
    changed = (before != after).any(axis=2)
    assert changed.any()
    assert (shown[changed] == (230, 30, 30)).all()
    assert np.array_equal(shown[~changed], before[~changed])
    with pytest.raises(ValueError, match="clean, dust, changes"):
        review.look(frame, part, view="both")


def test_dust_alone_is_white_on_black(dust, review):
    part = np.s_[100:400, 200:640]
    _, alone = review.look(read_frame(FRAMES[0]), part, view="dust")
    assert np.array_equal(alone[..., 0] == 255, dust.binary()[part])
    assert set(np.unique(alone)) == {0, 255}


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("farther", [(0, -5), (-3, 4), (4, 4)])
def test_of_several_particles_the_nearest_to_a_click_is_meant(turns, farther):
    """The click is 4 px from one particle, far from the corners of the picture."""
    grey = np.zeros((90, 90), np.float32)
    grey[50, 44] = grey[50 + farther[0], 40 + farther[1]] = 1
    y, x = 50, 40
    for _ in range(turns):
        grey, y, x = np.rot90(grey), 89 - x, y
    nearest = int(np.abs(np.argwhere(grey) - (y, x)).sum(axis=1).argmin())
    right = np.argwhere(grey)[nearest]
    review = Review(dustbust.DustMask(np.ascontiguousarray(grey), 0.5))
    assert not review.toggle(y, x).kept
    assert not review.mask.binary()[tuple(right)]
    assert review.counts[0] == 1
