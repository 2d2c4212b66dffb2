"""Frames that the mask was not made from are placed by the mask's dust."""

import numpy as np
import pytest

import dustbust
from dustbust.dust.placement import Placement
from dustbust.restoration.places import Places
from helpers import synthetic_run

SHAPE = (300, 450)


@pytest.fixture(scope="module")
def run():
    """Frames of one run, three more of it that the mask does not know, and its dust."""
    frames, opacity = synthetic_run.run(31, 13, shape=SHAPE, specks=50, hairs=8)
    return frames[:10], frames[10:], opacity


@pytest.fixture(scope="module")
def mask(run):
    return dustbust.estimate_mask(run[0])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_frame_is_cleaned_as_the_upright_one(run, mask, turns):
    for frame in run[1]:
        upright = dustbust.apply_mask(frame, mask)
        turned = dustbust.apply_mask(np.ascontiguousarray(np.rot90(frame, turns)), mask)
        difference = np.rot90(turned, -turns).astype(int) - upright
        assert np.abs(difference).mean() < 0.02
        assert (upright != frame).any()


@pytest.mark.parametrize("part", [(12, 8, 30, 40), (0, 60, 90, 0), (40, 0, 0, 100)])
def test_a_cropped_frame_is_found(run, mask, part):
    top, bottom, left, right = part
    places = Places(mask)
    for frame in run[1]:
        cropped = frame[top : SHAPE[0] - bottom, left : SHAPE[1] - right]
        place = places.of(cropped, "")
        assert place.corner == (top, left)
        assert place.quarter_turns == 0
        clean = dustbust.apply_mask(np.ascontiguousarray(cropped), mask)
        whole = dustbust.apply_mask(frame, mask)
        difference = clean.astype(int) - whole[top : SHAPE[0] - bottom, left : SHAPE[1] - right]
        assert np.abs(difference)[12:-12, 12:-12].mean() < 0.05


def test_a_frame_of_the_same_size_that_lies_elsewhere_is_found(run, mask):
    frame = run[1][0]
    moved = np.roll(frame, (5, -9), (0, 1))
    clean = dustbust.apply_mask(moved, mask)
    back = np.roll(clean, (-5, 9), (0, 1))
    straight = dustbust.apply_mask(frame, mask)
    assert np.abs(back.astype(int) - straight)[20:-20, 20:-20].mean() < 0.05
    assert (straight != frame).any()


def test_the_share_of_changed_pixels_is_that_of_the_frame_not_of_the_grid(run, mask):
    frame = np.ascontiguousarray(run[1][0][10:250, 5:445])
    clean, report = dustbust.apply_mask(frame, mask, return_report=True)
    assert report.changed == pytest.approx((clean != frame).mean())
    assert report.placed


@pytest.mark.parametrize(
    ("particles", "absent", "doubtful"), [(6, 3, False), (6, 4, True), (7, 4, True), (5, 5, False)]
)
def test_a_frame_may_lie_elsewhere_if_more_than_half_of_six_particles_are_absent(
    particles, absent, doubtful
):
    assert Places.is_doubtful(particles, absent) == doubtful


def test_a_frame_without_dust_lies_where_most_frames_of_its_size_do():
    upright, across, small = (40, 60), (60, 40), (32, 60)
    placements = (
        Placement(upright, 2, (9.0, 9.0)),
        Placement(upright, 0, (1.0, 2.0)),
        Placement(upright, 0, (3.0, 9.0)),
        Placement(upright, 0, (8.0, 4.0)),
        Placement(across, 1, (2.0, 5.0)),
        Placement(across, 3, (7.0, 7.0)),
        Placement(across, 1, (4.0, 5.5)),
    )
    frames = tuple("abcdefg")
    mask = dustbust.DustMask(
        np.zeros((50, 70), np.float32), 0.5, frames=frames, placements=placements
    )
    places = Places(mask)
    for size, turns, offset in ((upright, 0, (3, 4)), (across, 1, (3, 5.25))):
        expected = Placement(size, turns, offset, placed=False)
        assert places.of(np.full(size, 99, np.uint8), "new") == expected
    # Frames of the run lie where the mask says, unless they have another size now.
    assert places.of(np.full(upright, 99, np.uint8), "a") == placements[0]
    assert places.of(np.full(across, 99, np.uint8), "a").quarter_turns == 1
    with pytest.raises(dustbust.DustbustError, match="60 x 32, but the mask is 70 x 50"):
        places.of(np.full(small, 99, np.uint8), "a")
    _, report = dustbust.apply_mask(np.full(upright, 99, np.uint8), mask, return_report=True)
    assert not report.placed


def test_frames_of_another_run_are_refused(mask):
    other, _ = synthetic_run.run(77, 1, shape=(280, 420), specks=50)
    with pytest.raises(dustbust.DustbustError, match="does not show the dust of the mask"):
        dustbust.apply_mask(other[0], mask)


def test_a_frame_without_dust_is_left_alone(mask):
    """It does not show where it lies, either."""
    frames, _ = synthetic_run.run(35, 1, shape=SHAPE, opacity=np.zeros(SHAPE))
    clean, report = dustbust.apply_mask(frames[0], mask, return_report=True)
    assert report.absent > 0.5 * report.particles > 6
    assert (clean != frames[0]).mean() < 0.02


@pytest.fixture(scope="module")
def large():
    """A mask so large that it is searched at half its size, and a frame that shows its dust."""
    rng = np.random.default_rng(5)
    grey = np.zeros((600, 1200), np.float32)
    for y, x in rng.integers(0, (596, 1196), (150, 2)):
        grey[y : y + 4, x : x + 4] = 0.8
    frame = rng.normal(0.3, 0.01, grey.shape) + 0.5 * grey
    return Places(dustbust.DustMask(grey, 0.5, "light")), (255 * frame).astype(np.uint8)


@pytest.mark.parametrize("turns", range(4))
def test_a_turned_part_of_a_large_frame_is_found_to_the_pixel(large, turns):
    """Also if its size is odd, so that its last row and column are not in its map."""
    places, frame = large
    part = np.rot90(frame[11:588, 30:1161], turns)
    assert (part.shape[0] % 2, part.shape[1] % 2) == (1, 1)
    place = places.find(np.ascontiguousarray(part))
    assert place.quarter_turns == turns
    assert place.offset == pytest.approx((11, 30), abs=0.6)


@pytest.mark.parametrize(("columns", "left"), [(700, 0), (700, 500)])
def test_a_small_part_is_found_at_either_end(large, columns, left):
    places, frame = large
    part = np.ascontiguousarray(frame[:, left : left + columns])
    assert places.find(part).offset == pytest.approx((0, left), abs=0.6)


@pytest.mark.parametrize(("away", "found"), [(358, True), (370, False)])
def test_how_far_away_a_frame_is_looked_for(large, away, found):
    """64 px more than half of what the sides of the turned and the upright mask differ by."""
    places, frame = large
    place = places.find(np.roll(frame, away, 1))
    assert (place is not None) == found
    if found:
        assert place.offset == pytest.approx((0, -away), abs=0.6)


@pytest.mark.parametrize(("size", "likely"), [((40, 60), (0,)), ((60, 40), (1, 3))])
def test_each_turn_of_a_frame_is_tried(size, likely):
    places = Places(dustbust.DustMask(np.zeros((50, 70), np.float32), 0.5))
    first, others = places._turns(size)
    assert first == likely
    assert sorted(first + others) == [0, 1, 2, 3]


def test_dust_beyond_the_edge_of_a_frame_does_not_touch_it():
    frames, opacity = synthetic_run.run(33, 10, shape=SHAPE, specks=90)
    cut, places = synthetic_run.cut(frames, 4, crop=12)
    mask = dustbust.estimate_mask(cut)
    for frame, (_, y, x) in zip(cut, places, strict=True):
        clean = dustbust.apply_mask(frame, mask)
        part = opacity[y : y + frame.shape[0], x : x + frame.shape[1]] > 0.01
        near = np.zeros_like(part)
        for dy, dx in np.ndindex(33, 33):
            near |= np.roll(np.pad(part, 16), (dy - 16, dx - 16), (0, 1))[16:-16, 16:-16]
        assert np.array_equal(clean[~near], frame[~near])


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_frame_comes_back_from_the_grid_as_it_was(channels, dtype):
    rng = np.random.default_rng(3)
    shape = (7, 5) if channels is None else (7, 5, channels)
    frame = (rng.random(shape) * 200).astype(dtype)
    for turns in range(4):
        place = Placement((7, 5), turns, (2.0, -1.0))
        pasted = place.pasted(frame, (9, 8))
        assert pasted.shape == (9, 8, 4 if channels in (3, 4) else 2)
        assert np.array_equal(place.taken_back(pasted, frame), frame)


@pytest.mark.parametrize("method", ["restore", "fill"])
@pytest.mark.parametrize(("shown", "filled"), [(0, 0), (3, 1)])
def test_only_particles_that_the_frame_shows_are_filled(method, shown, filled):
    """Filling reaches beyond the mask; dust that lies beside the frame must not bring it in."""
    dusty = np.zeros((40, 60), bool)
    dusty[15:22, 30:36] = True
    frame = np.full((40, 60, 2), 100, np.uint8)
    frame[:, 45:, 0] = frame[dusty, 0] = 200
    frame[:, : 30 + shown, 1] = 255
    frame[:, 30 + shown :, 1] = 0
    clean, report = dustbust.apply_mask(frame, dusty, method=method, return_report=True)
    assert report.particles == report.filled == filled
    seen = frame[..., 1] != 0
    if filled:
        assert clean[seen, 0].max() < 130
    else:
        assert np.array_equal(clean, frame)
