"""Which particles are present: Bayes' rule, pieces, and frames after the glass was cleaned."""

import numpy as np
import pytest

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
