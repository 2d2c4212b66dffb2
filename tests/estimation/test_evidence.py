"""Evidence of frames for candidates, against the formulas written out for one candidate."""

import math

import numpy as np
import pytest

from dustbust.estimation.background import Surroundings
from dustbust.estimation.evidence import LOG_DENSITY_STEP, Evidence, Observed

SHAPE = (60, 80)  # blocks of 4 px
LEVEL, DEVIATION = 0.4, 0.05


def flat(has_dust, polarity="light", opacity=0.3, particle=(slice(20, 24), slice(30, 34))):
    """A level frame with or without a particle, and what is known of its surroundings."""
    plane = np.full(SHAPE, LEVEL, np.float32)
    if has_dust:
        opaque = 1 if polarity == "light" else 0
        plane[particle] += opacity * (opaque - LEVEL)
    blocks = np.full((15, 20), LEVEL, np.float32)
    return plane, Surroundings(blocks, blocks, np.full((15, 20), DEVIATION**2, np.float32))


def candidates(*boxes, opacity=0.3, polarity="light"):
    grey = np.zeros(SHAPE, np.float32)
    for box in boxes:
        grey[box] = opacity
    return Evidence(grey, grey > 0, polarity)


def student(value, deviation):
    """log of Student's t with 3 degrees of freedom, up to a constant."""
    return -2 * math.log1p((value / deviation) ** 2 / 3) - math.log(deviation)


def expected(reading, area, room, opacity=0.3):
    """Log-likelihood ratio and probability of presence, of one candidate for each share."""
    # At most four independent readings, or one for each block of 16 px.
    together = min(max(area / 4, 16), area)
    power = area * opacity**2
    deviation = math.sqrt((DEVIATION / room) ** 2 * power * together) / power
    ratios, present = [], []
    for share in (0.9, 0.7, 0.5):
        picture = student(reading, deviation)
        dust = student(reading - 1 / share, math.hypot(deviation, 0.4 / share))
        ratios.append(math.log(share * math.exp(dust) + (1 - share) * math.exp(picture)) - picture)
        present.append(1 / (1 + math.exp(picture - dust)))
    return ratios, present


@pytest.mark.parametrize("polarity", ["light", "dark"])
@pytest.mark.parametrize("has_dust", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 4), (9, 12)])
def test_the_evidence_of_a_frame_is_the_ratio_of_the_likelihoods(size, has_dust, polarity):
    box = slice(20, 20 + size[0]), slice(30, 30 + size[1])
    plane, surroundings = flat(has_dust, polarity, particle=box)
    observed = candidates(box, polarity=polarity).look(plane, surroundings)
    room = 1 - LEVEL if polarity == "light" else LEVEL
    ratios, present = expected(1.0 if has_dust else 0.0, size[0] * size[1], room)
    assert observed.log_ratios[:, 0] * LOG_DENSITY_STEP == pytest.approx(ratios, rel=1e-3)
    assert observed.present[:, 0] * LOG_DENSITY_STEP == pytest.approx(present, rel=1e-3)
    assert observed.shown.tolist() == [True]


def test_steps_of_the_evidence_are_millionths():
    assert pytest.approx(1e-6, rel=0.05) == LOG_DENSITY_STEP


def test_faint_candidates_count_as_a_thousandth():
    box = np.s_[10:13, 10:13]
    faint = candidates(box, opacity=1e-5)
    assert faint.expected == pytest.approx(np.full(9, 1e-3))


def test_pixels_without_data_do_not_count():
    one, other = np.s_[20:24, 30:34], np.s_[40:44, 10:14]
    plane, surroundings = flat(True, particle=one)
    plane[40:44, 10:14] += np.float32(0.3 * 0.6)
    has_data = np.ones(SHAPE, bool)
    has_data[20:22] = False
    plane[20:22] = 0
    seen = candidates(one, other).look(plane, surroundings, has_data)
    half = candidates(np.s_[22:24, 30:34]).look(plane, surroundings)
    assert seen.log_ratios[:, 0] == pytest.approx(half.log_ratios[:, 0], abs=2)
    assert seen.log_ratios[:, 1] == pytest.approx(
        expected(1, 16, 0.6)[0] / np.array(2.0**-20), rel=1e-3
    )
    has_data[:30] = False
    hidden = candidates(one, other).look(plane, surroundings, has_data)
    assert hidden.shown.tolist() == [False, True]
    assert not hidden.log_ratios[:, 0].any()
    assert not hidden.present[:, 0].any()
    assert np.array_equal(hidden.log_ratios[:, 1], seen.log_ratios[:, 1])


def test_sums_of_frames_are_added_taken_out_and_merged():
    one, other = np.s_[20:24, 30:34], np.s_[40:44, 10:14]
    evidence = candidates(one, other)
    frames = [
        Observed(np.full((3, 2), n), np.full((3, 2), 10 * n), np.array([True, n > 1]))
        for n in (1, 2, 4)
    ]
    for each in frames:
        evidence.add(each)
    evidence.add(frames[1], sign=-1)
    again = evidence.another()
    assert not again.log_ratios.any()
    assert not again.frames.any()
    again.add(frames[2])
    again.merge(evidence)
    for sums, total, frames_of_each in ((evidence, 5, [2, 1]), (again, 9, [3, 2])):
        assert (sums.log_ratios == total).all()
        assert (sums.present == 10 * total).all()
        assert sums.frames.tolist() == frames_of_each


def decided(log_odds, frames=10, polarity="light"):
    """Evidence for one candidate for each of some log odds, the same for all shares."""
    number = len(log_odds)
    boxes = [
        np.s_[4 * (n // 16) : 4 * (n // 16) + 2, 4 * (n % 16) : 4 * (n % 16) + 2]
        for n in range(number)
    ]
    evidence = candidates(*boxes)
    evidence.log_ratios[:] = np.rint(np.array(log_odds) / LOG_DENSITY_STEP)
    evidence.frames[:] = frames
    return evidence


def test_how_much_evidence_is_required_depends_on_the_share_of_dust():
    # One candidate in ten is certain: (10 - 1 + 1) / (1 + 1) is odds of 5 against the others.
    required = 5 + math.log(5)
    for off, found in ((-0.01, False), (0.01, True)):
        others = [-20.0] * 8
        assert (
            decided([16.0, required + off, *others]).is_dust().tolist()
            == [True, found] + [False] * 8
        )
    # Of ten certain ones, all but one.
    required = 5 + math.log(2 / 10)
    for off, found in ((-0.01, False), (0.01, True)):
        assert decided([15.1] * 9 + [required + off]).is_dust()[-1] == found
    # 15 is where certainty begins: (3 - 2 + 1) / (2 + 1) or (3 - 1 + 1) / (1 + 1).
    for second, limit in ((15.1, 5 + math.log(2 / 3)), (14.9, 5 + math.log(3 / 2))):
        assert decided([20, second, limit + 0.01]).is_dust()[-1]
        assert not decided([20, second, limit - 0.01]).is_dust()[-1]


def test_each_candidate_may_need_its_own_certainty():
    evidence = decided([3.0, 3.0])
    prior = math.log(3)
    certainty = np.array([3 - prior - 0.01, 3 - prior + 0.01])
    assert evidence.is_dust(certainty).tolist() == [True, False]


def test_candidates_that_few_frames_show_need_more():
    frames = [2, 3, 7, 8, 10]  # of fewer than three nothing is known, below 7.5 it takes 2.5 more
    prior = 5 + math.log(6)
    assert decided([prior + 0.1] * 5, frames).is_dust().tolist() == [False] * 3 + [True] * 2
    assert decided([prior + 2.4] * 5, frames).is_dust().tolist() == [False] * 3 + [True] * 2
    assert decided([prior + 2.6] * 5, frames).is_dust().tolist() == [False] + [True] * 4
    assert decided([prior + 2.6] * 2, [3, 4]).is_dust().tolist() == [True, True]
    # Three quarters are enough: 6 of 8 frames.
    assert decided([5 + math.log(3) + 0.1] * 2, [6, 8]).is_dust().all()
    assert decided([], []).is_dust().tolist() == []


def test_most_dust_is_expected_to_stay():
    """Shares of 0.9, 0.7 and 0.5 have prior probabilities of 0.8, 0.1 and 0.1."""
    evidence = decided([0.0] * 3, frames=[10, 4, 0])
    evidence.present[:] = np.array([[8, 8, 0], [6, 4, 0], [4, 2, 0]]) / LOG_DENSITY_STEP
    # The second and third need 8 times the evidence: its logarithm is 2.08.
    evidence.log_ratios[:, 0] = np.rint(np.array([0, 2.05, 2.0]) / LOG_DENSITY_STEP)
    evidence.log_ratios[:, 1] = np.rint(np.array([0, 2.0, 2.1]) / LOG_DENSITY_STEP)
    assert evidence.share() == pytest.approx([0.8, 0.5, 0])
    # All shares together: 0.8 exp(a) + 0.1 exp(b) + 0.1 exp(c).
    one = decided([0.0])
    for shares, total in (
        ([6, 0, 0], 0.8 * math.exp(6) + 0.2),
        ([0, 7, 0], 0.1 * math.exp(7) + 0.9),
    ):
        one.log_ratios[:, 0] = np.rint(np.array(shares) / LOG_DENSITY_STEP)
        limit = math.log(total) - math.log(2)
        assert one.is_dust(limit - 0.01).all()
        assert not one.is_dust(limit + 0.01).any()
    one.frames[:] = 1
    one.present[:] = 0.6 / LOG_DENSITY_STEP
    assert one.share() == pytest.approx([0.6])


def test_the_pixels_of_candidates():
    one, other = np.s_[20:24, 30:34], np.s_[40:44, 10:14]
    evidence = candidates(one, other)
    mask = np.zeros(SHAPE, bool)
    mask[other] = True
    assert np.array_equal(evidence.mask_of(np.array([False, True])), mask)
