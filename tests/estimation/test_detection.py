"""What the evidence of a run marks: thresholds, shares, sizes, and what looks wrong."""

import numpy as np
import pytest

from dustbust.estimation.detection import Detection, lower_beside, mask_of_map, suggested_threshold
from dustbust.estimation.evidence import LOG_DENSITY_STEP, Evidence

SHAPE = (200, 240)  # blocks of 4 px: 50 x 60


def test_the_threshold_follows_the_noise_between_limits():
    assert suggested_threshold(0.0) == 0.05
    assert suggested_threshold(0.019) == 0.05
    assert suggested_threshold(0.03) == pytest.approx(0.075)
    assert suggested_threshold(0.5) == 0.9


def evidence_of(opacity, sure=(), shares=(), frames=10):
    """Candidates where the map is above 0; the first ones are dust, present in these shares."""
    found = Evidence(opacity, opacity > 0, "light")
    found.frames[:] = frames
    found.log_ratios[:] = -50 / LOG_DENSITY_STEP
    for number, is_dust in enumerate(sure):
        if is_dust:
            found.log_ratios[:, number] = 50 / LOG_DENSITY_STEP
            share = shares[number] if shares else 1.0
            found.present[:, number] = round(share * frames / LOG_DENSITY_STEP)
    return found


def map_of(*boxes, opacity=0.4, noise=0.0):
    plane = np.zeros(SHAPE, np.float32)
    for number, box in enumerate(boxes):
        plane[box] = np.broadcast_to(opacity, len(boxes))[number]
    return plane


def detected(plane, sure, shares=(), noise=0.002, outside=(), rare=None, enough=True):
    blocks = np.zeros((50, 60), bool)
    for box in outside:
        blocks[box] = True
    evidence = evidence_of(plane, sure, shares)
    grain = np.random.default_rng(1).normal(0, noise, SHAPE)
    seen = np.where(plane > 0, plane, grain).astype(np.float32)
    return Detection(seen, evidence, blocks, enough, 1, rare=rare)


ONE, OTHER = np.s_[40:46, 60:66], np.s_[120:126, 160:166]


def mask(*boxes):
    result = np.zeros(SHAPE, bool)
    for box in boxes:
        result[box] = True
    return result


def test_only_dust_is_marked():
    found = detected(map_of(ONE, OTHER), [True, False])
    found.mark(found.threshold, 1, None)
    assert np.array_equal(found.marked, mask(ONE))
    assert found.strength() == pytest.approx(36 * 0.4, rel=1e-4)
    assert found.threshold == 0.05
    few = detected(map_of(ONE, OTHER), [True, True], enough=False)
    few.mark(few.threshold, 1, None)
    assert not few.marked.any()


def test_a_particle_reaches_three_quarters_of_a_block_beyond_its_candidate():
    plane = map_of(ONE)
    evidence = evidence_of(plane, [True])
    plane[30:56, 50:76] = 0.4
    found = Detection(plane, evidence, np.zeros((50, 60), bool), True, 1)
    found.mark(0.05, 1, None)
    rows, columns = (np.flatnonzero(found.marked.any(axis=a)) for a in (1, 0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (37, 48, 57, 68)


def test_where_there_is_no_picture_nothing_is_marked():
    found = detected(map_of(ONE, OTHER), [True, True], outside=[np.s_[:20, :20]])
    found.mark(found.threshold, 1, None)
    assert np.array_equal(found.marked, mask(OTHER))
    assert not found.opacity[:80, :80].any()


@pytest.mark.parametrize(("share", "opacity"), [(1.0, 0.3), (0.5, 0.6), (0.4, 0.75), (0.2, 0.75)])
def test_where_it_is_present_dust_takes_more_than_on_average(share, opacity):
    found = detected(map_of(ONE, OTHER, opacity=0.3), [True, True], [share, 1.0])
    assert found.opacity[42, 62] == pytest.approx(opacity, rel=1e-4)
    assert found.opacity[122, 162] == pytest.approx(0.3, rel=1e-4)
    strong = detected(map_of(ONE, opacity=0.9), [True], [0.5])
    assert strong.opacity[42, 62] == 1


def test_the_share_is_that_of_the_dust_in_the_blocks_beside():
    found = detected(map_of(ONE, OTHER), [True, True], [0.6, 0.8])

    def share(y, x):
        return float(found.shares_at(np.array([y * SHAPE[1] + x]))[0])

    assert share(42, 62) == pytest.approx(0.6, abs=1e-3)
    # The dust has the blocks 10 and 11 down and 15 and 16 across.
    for y, x, expected in ((36, 62, 0.6), (35, 62, 1), (51, 62, 0.6), (52, 62, 1)):
        assert share(y, x) == pytest.approx(expected, abs=1e-3)
    for y, x, expected in ((42, 56, 0.6), (42, 55, 1), (42, 71, 0.6), (42, 72, 1)):
        assert share(y, x) == pytest.approx(expected, abs=1e-3)
    assert share(122, 162) == pytest.approx(0.8, abs=1e-3)
    edge = detected(map_of(np.s_[0:4, 0:4], np.s_[196:200, 236:240]), [True, True], [0.6, 0.8])
    assert edge.shares_at(np.array([0, 59, SHAPE[0] * SHAPE[1] - 1])).tolist() == pytest.approx(
        [0.6, 1, 0.8], abs=1e-3
    )


@pytest.mark.parametrize(
    ("smallest", "largest", "kept"),
    [(36, None, 2), (37, None, 1), (1, 36, 1), (1, 35, 0), (1, 72, 2), (1, 71, 1)],
)
def test_particles_of_the_wrong_size_are_left_out(smallest, largest, kept):
    """36 and 72 px."""
    found = detected(map_of(ONE, np.s_[120:126, 160:172]), [True, True])
    found.mark(found.threshold, smallest, largest)
    assert np.count_nonzero([found.marked[42, 62], found.marked[122, 162]]) == kept
    # Nor do their surroundings appear with a lower threshold.
    assert found.near[42, 62] == found.marked[42, 62]
    assert found.near[38, 62] == found.marked[42, 62]


def test_large_areas_are_no_dust_unless_they_are_thin():
    """A fiftieth of the picture is 960 px; a hair has less than two and a half blocks."""
    found = detected(map_of(ONE), [True])

    def too_large(area, rim):
        return found.too_large(np.array([area]), np.array([rim])).tolist() == [True]

    assert too_large(961, 100)
    assert not too_large(960, 100)
    # 2 * area / rim is the thickness: 10 px.
    assert not too_large(1000, 200)
    assert too_large(1001, 200)
    assert too_large(1000, 0)
    plane = map_of(np.s_[20:60, 20:60], np.s_[100:104, :240])
    found = detected(plane, [True, True])
    found.mark(found.threshold, 1, None)
    assert not found.marked[40, 40]
    assert found.marked[102, 100]


def test_a_lowered_map_looks_wrong():
    """In more than a two-thousandth of the picture, and in more than twice the raised area."""
    found = detected(map_of(ONE), [True])
    for raised, lowered, wrong in (
        (0, 6e-4, True),
        (0, 4e-4, False),
        (0.01, 0.021, True),
        (0.01, 0.019, False),
    ):
        found.raised, found.lowered = raised, lowered
        assert found.looks_wrong() == wrong


def test_how_much_is_raised_and_lowered():
    plane = map_of(ONE)
    evidence = evidence_of(plane, [True])
    plane[100:110, 100:110] = -0.2
    plane[150, 150], plane[160, 160] = 0.049, -0.049
    found = Detection(plane.copy(), evidence, np.zeros((50, 60), bool), True, 1)
    assert found.raised == pytest.approx(36 / plane.size)
    assert found.lowered == pytest.approx(100 / plane.size)
    rare = np.zeros((50, 60), bool)
    rare[25:] = True
    found = Detection(plane.copy(), evidence, np.zeros((50, 60), bool), True, 1, rare=rare)
    assert found.raised == pytest.approx(36 / plane.size)
    assert found.lowered == 0


def test_the_noise_is_that_of_the_picture():
    plane = np.random.default_rng(1).normal(0, 0.04, SHAPE).astype(np.float32)
    quiet = evidence_of(map_of(ONE), [True])
    found = Detection(plane.copy(), quiet, np.zeros((50, 60), bool), True, 1)
    assert found.noise == pytest.approx(0.04, rel=0.1)
    assert found.threshold == pytest.approx(2.5 * found.noise)


def test_beside_the_dust_the_map_stays_below_the_threshold():
    plane = map_of(ONE, OTHER, opacity=(0.5, 0.9))
    plane[100, 100] = 0.1
    lower_beside(mask(ONE), plane, 0.2)
    assert plane[42, 62] == pytest.approx(0.5)
    assert 0.15 < plane[122, 162] <= 0.2 * 0.98 + 1e-6
    assert 0 < plane[100, 100] < plane[122, 162]
    found = detected(map_of(ONE, OTHER), [True, False])
    given = found.give(0.2)
    assert given[42, 62] == pytest.approx(0.4)
    assert given[122, 162] <= 0.2 * 0.98 + 1e-6
    assert not hasattr(found, "opacity")


def made_mask(plane, threshold=0.2, smallest=1, largest=None):
    return mask_of_map(plane, threshold, smallest, largest, polarity="light", frames=("a",))


def test_a_mask_of_a_map_is_marked_from_the_threshold_on():
    plane = map_of(ONE, OTHER, opacity=(0.21, 0.19))
    made = made_mask(plane)
    assert made.threshold == pytest.approx(0.5, abs=1e-4)
    assert np.array_equal(made.binary(), mask(ONE))
    assert made.opacity[42, 62] == pytest.approx(0.21, abs=0.002)


@pytest.mark.parametrize(
    ("smallest", "largest", "one", "other"),
    [
        (36, None, True, True),
        (36.5, None, False, True),
        (1, 36, True, False),
        (1, 71.9, True, False),
        (1, 72, True, True),
        (1e9, None, False, False),
        (1, 1e9, True, True),
    ],
)
def test_lower_thresholds_obey_the_limits_too(smallest, largest, one, other):
    """Particles of 36 and 72 px."""
    plane = map_of(ONE, np.s_[120:126, 160:172], opacity=0.17)
    made = made_mask(plane, 0.2, smallest, largest)
    assert not made.binary().any()
    found = made.binary(0.35)
    assert (bool(found[42, 62]), bool(found[122, 162])) == (one, other)


def test_a_fiftieth_of_the_picture_is_the_limit_where_none_is_given():
    plane = map_of(np.s_[20:50, 20:52], np.s_[100:131, 20:51], opacity=0.17)  # 960 and 961 px
    found = made_mask(plane).binary(0.35)
    assert found[30, 30]
    assert not found[110, 30]
