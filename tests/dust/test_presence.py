"""Which particles are present: Bayes' rule, pieces, and frames after the glass was cleaned."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from dustbust import _kernels
from dustbust.dust import presence


def pieces_of(mask):
    labels, neighbours, particles = _kernels.connected_components(mask, mask)
    return presence.Pieces(mask, labels, neighbours), labels, particles


def test_a_whole_particle_is_judged_by_bayes_rule():
    labels = np.int32([0, 0, 1, 1, 1])
    ratio = np.float32([0.5, 1.0, -1.0, -1.0, 0.2])
    share = np.float32([0.5, 0.8])
    odds = np.exp([1.5, -1.8]) * [1, 4]
    found = presence.probability_of_particles(ratio, share, labels)
    assert found == pytest.approx((odds / (1 + odds))[labels], abs=1e-5)


def test_without_evidence_the_share_of_the_run_decides():
    mask = np.zeros((40, 40), bool)
    mask[4:7, 4:7] = mask[30:33, 20:23] = True
    pieces, labels, particles = pieces_of(mask)
    found = pieces.probability(np.zeros(labels.size, np.float32), np.float32([0.9, 0.2]))
    assert particles == 2
    assert found == pytest.approx(np.float32([0.9, 0.2])[labels], abs=0.02)


def test_one_of_two_particles_that_touch_may_be_absent():
    mask = np.zeros((20, 120), bool)
    mask[8:11, 4:116] = True
    pieces, labels, _ = pieces_of(mask)
    x = np.flatnonzero(mask) % 120
    ratio = np.where(x < 60, 0.5, -0.5).astype(np.float32)
    present = pieces.probability(ratio, np.float32([0.9])) > 0.5
    assert present[x < 48].all()
    assert not present[x > 72].any()
    whole = presence.probability_of_particles(ratio, np.float32([0.9]), labels)
    assert np.ptp(whole) == 0


def test_a_piece_without_evidence_goes_with_its_particle():
    mask = np.zeros((12, 60), bool)
    mask[5:7, 2:58] = True
    pieces, _, _ = pieces_of(mask)
    x = np.flatnonzero(mask) % 60
    silent = (x >= 24) & (x < 32)
    for sign in (1, -1):
        ratio = np.where(silent, 0, sign * 0.5).astype(np.float32)
        found = pieces.probability(ratio, np.float32([0.5]))
        assert ((found > 0.5) == (sign > 0)).all()


@pytest.mark.parametrize("absent", [0.0, 0.5, 1.0])
def test_log_odds_of_a_frame_follow_how_much_of_the_dust_is_there(absent):
    particles = 400
    ratio = np.where(np.arange(particles) < absent * particles, -2.0, 2.0)
    change = presence.frame_log_odds(ratio, np.full(particles, 1.0))
    if absent == 1:
        assert change < -3
    elif absent == 0:
        assert change > 1
    else:
        assert -2 < change < 0


def test_nothing_is_certain():
    assert np.isfinite(presence.logit(np.float32([0, 1]))).all()
    extreme = presence.probability(np.float32([-1e6, 0, 1e6]))
    assert extreme == pytest.approx([0, 0.5, 1], abs=1e-6)


def sigmoid(value):
    return 1 / (1 + np.exp(-np.asarray(value, float)))


@pytest.mark.parametrize(("ratio", "log_odds"), [(-3, 2), (3, -1), (0.5, 0)])
@pytest.mark.parametrize("particles", [3, 50])
def test_log_odds_of_a_frame_are_the_most_likely_ones(ratio, log_odds, particles):
    """A frame differs from its run by normally distributed log odds, of a deviation of 2."""

    def surprise(change):
        chance = sigmoid(log_odds + change)
        likelihood = chance * np.exp(ratio) + 1 - chance
        return -particles * np.log(likelihood) + change**2 / (2 * 2**2)

    truth = minimize_scalar(surprise, (-8, 8), method="brent").x
    found = presence.frame_log_odds(np.full(particles, float(ratio)), np.full(particles, log_odds))
    assert found == pytest.approx(truth, abs=0.05)


def test_a_share_is_taken_for_no_less_than_2_and_no_more_than_98_per_cent():
    labels = np.arange(4, dtype=np.int32)
    share = np.float32([0, 0.03, 0.97, 1])
    found = presence.probability_of_particles(np.zeros(4, np.float32), share, labels)
    assert found == pytest.approx([0.02, 0.03, 0.97, 0.98], abs=1e-5)


@pytest.mark.parametrize(("far", "counted"), [(4, 4), (50, 6), (-4, -4), (-50, -6)])
def test_far_pieces_count_for_no_more_than_odds_of_exp_6(far, counted):
    """A row of pieces of 8 px each: the first has the second beside it, the third is far."""
    mask = np.ones((1, 24), bool)
    pieces, _, _ = pieces_of(mask)
    near, beside = -counted / 2 + 0.75, -counted / 2
    ratio = np.repeat(np.float32([near, beside, far]) / 8, 8)
    share = np.float32([0.5])
    change = presence.frame_log_odds(np.float32([near + beside + far]), np.zeros(1))
    rest = np.clip(far + change, -6, 6)
    found = pieces.probability(ratio, share)
    assert found[:8] == pytest.approx(np.full(8, sigmoid(near + beside + rest)), abs=1e-3)
    # The one in the middle has all evidence beside it; of the run only the frame's change is left.
    assert found[8:16] == pytest.approx(np.full(8, sigmoid(near + beside + far + change)), abs=1e-3)


@pytest.mark.parametrize("rows", [1, 5])
def test_the_length_of_the_border_between_pieces_does_not_count(rows):
    """Two pieces of 8 px, of which one tells nothing, that touch each other in some rows."""
    mask = np.zeros((5, 16), bool)
    mask[:, :7] = mask[:, 9:] = mask[:rows] = True
    pieces, _, _ = pieces_of(mask)
    left = np.flatnonzero(mask) % 16 < 8
    ratio = np.where(left, 4 / np.count_nonzero(left), 0).astype(np.float32)
    odds = -np.log(49)  # of a share of 0.02
    change = presence.frame_log_odds(np.float32([4]), np.array([odds]))
    found = pieces.probability(ratio, np.float32([0.02]))
    assert found == pytest.approx(np.full(found.size, sigmoid(4 + odds + change)), abs=1e-3)


def test_the_pieces_on_all_sides_count():
    """Of two by two pieces; the one across the corner speaks against all others."""
    mask = np.ones((16, 16), bool)
    pieces, _, _ = pieces_of(mask)
    evidence = np.kron([[0, 3], [4, -50]], np.ones((8, 8)) / 64).astype(np.float32)
    found = pieces.probability(evidence.ravel(), np.float32([0.5])).reshape(16, 16)
    assert found[:8, :8] == pytest.approx(np.full((8, 8), sigmoid(0 + 3 + 4 - 6)), abs=1e-3)
