"""Frames that do not share one grid: their places are found from the dust, or none are."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.estimation import dust_maps, passes
from dustbust.estimation.dust_maps import DustMap
from dustbust.estimation.placement import Roll, find_places, lie_straight
from dustbust.image.arrays import luminance
from helpers import synthetic_run

KINDS = {
    "cropped": {"crop": 8},
    "wandering": {"wander": 6},
    "wandering far": {"wander": 40},
    "turned": {"turned": True},
    "turned and cropped": {"crop": 6, "turned": True},
}
SHAPE = (360, 540)


def roll(seed, frames, how, **options):
    """Frames that were cut, their places, and the opacity of the dust on the whole glass."""
    whole, opacity = synthetic_run.run(seed, frames, shape=SHAPE, specks=60, hairs=8, **options)
    return *synthetic_run.cut(whole, seed, **how), opacity


def relative(places):
    """Quarter turns and offsets from the first frame."""
    return [(turns, y - places[0][1], x - places[0][2]) for turns, y, x in places]


def found_places(mask):
    return [(place.quarter_turns, *place.corner) for place in mask.placements]


@pytest.mark.parametrize("how", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_frame_is_found_where_it_lies(how, seed):
    frames, places, opacity = roll(seed, 10, KINDS[how])
    mask = dustbust.estimate_mask(frames)
    assert relative(found_places(mask)) == relative(places)
    assert all(place.placed and place.z > 6 for place in mask.placements)
    assert all(0 < place.error < 1 for place in mask.placements)
    # The grid holds all frames, no more.
    top, left = (min(place[axis] for place in places) for axis in (1, 2))
    dusty = opacity[top:, left:][: mask.grey.shape[0], : mask.grey.shape[1]] > 0.12
    inner = np.zeros_like(dusty)
    inner[40:-40, 40:-40] = True
    marked = mask.binary()
    assert marked[dusty & inner].mean() > 0.95
    assert dusty[marked & inner].mean() > 0.5
    cleaned = [dustbust.apply_mask(frame, mask) for frame in frames]
    for frame, clean, (turns, y, x) in zip(frames, cleaned, places, strict=True):
        assert clean.shape == frame.shape
        upright = np.rot90(clean.astype(float) - frame, -turns)
        part = opacity[y:, x:][: upright.shape[0], : upright.shape[1]]
        assert upright[part > 0.3].mean() < -20
        assert not upright[part == 0].any() or np.abs(upright[part == 0]).mean() < 0.05


def test_square_frames_that_are_turned_are_found():
    whole, opacity = synthetic_run.run(4, 10, shape=(360, 360), specks=60, hairs=8)
    frames = [np.rot90(frame, (n % 4) * (n % 2)) for n, frame in enumerate(whole)]
    mask = dustbust.estimate_mask(frames)
    assert [place.quarter_turns for place in mask.placements] == [0, 1, 0, 3, 0, 1, 0, 3, 0, 1]
    assert mask.binary()[opacity > 0.12].mean() > 0.95


def test_files_to_files(tmp_path):
    frames, _, opacity = roll(3, 9, KINDS["turned and cropped"])
    paths = [tmp_path / f"{number}.png" for number in range(9)]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    mask = dustbust.estimate_mask(paths)
    mask.save(tmp_path / "dust-mask.png")
    loaded = dustbust.DustMask.load(tmp_path / "dust-mask.png")
    assert [place.corner for place in loaded.placements] == [
        place.corner for place in mask.placements
    ]
    report = dustbust.clean_frames(paths, loaded)
    assert len(report.written) == 9
    assert not report.failed
    for path, frame in zip(report.written, frames, strict=True):
        with Image.open(path) as picture:
            clean = np.asarray(picture)
        assert clean.shape == frame.shape
        assert (clean != frame).mean() > 0.5 * (opacity > 0.12).mean()


@pytest.mark.parametrize("seed", range(3))
def test_frames_without_dust_are_not_placed(seed):
    frames, _ = synthetic_run.run(seed, 9, shape=SHAPE, opacity=np.zeros(SHAPE))
    cut, _ = synthetic_run.cut(frames, seed, wander=12)
    mask = dustbust.estimate_mask(cut)
    assert mask.placements == ()
    assert not mask.binary().any()


def test_a_frame_without_dust_stays_at_its_nominal_place():
    frames, _, _ = roll(4, 10, KINDS["wandering"])
    rng = np.random.default_rng(1)
    frames[6] = synthetic_run.frame(rng, synthetic_run.picture(rng, frames[0].shape), 0.0)
    mask = dustbust.estimate_mask(frames)
    assert [place.placed for place in mask.placements] == [number != 6 for number in range(10)]
    clean = dustbust.apply_mask(frames[6], mask)
    assert (clean != frames[6]).mean() < 0.002


def test_straight_runs_have_no_placements():
    frames, _ = synthetic_run.run(1, 10)
    assert dustbust.estimate_mask(frames).placements == ()
    maps = {number: DustMap.of(luminance(frame), None, 1) for number, frame in enumerate(frames)}
    assert lie_straight(Roll(maps, "light"))[0]
    moved = maps | {3: DustMap.of(luminance(np.roll(frames[3], 2, 1)), None, 1)}
    assert lie_straight(Roll(moved, "light"))[0] is False


def test_dark_dust_places_frames_too():
    whole, _ = synthetic_run.run(5, 8, "dark", shape=SHAPE, specks=60)
    frames, places = synthetic_run.cut(whole, 5, wander=10)
    for polarity in ("dark", "auto", "both"):
        mask = dustbust.estimate_mask(frames, polarity=polarity)
        assert relative(found_places(mask)) == relative(places)


def test_frames_of_one_scene_do_not_place_each_other():
    rng = np.random.default_rng(8)
    scene = synthetic_run.picture(rng, SHAPE)
    frames = [synthetic_run.frame(rng, scene, 0.0) for _ in range(8)]
    cut, _ = synthetic_run.cut(frames, 2, wander=8)
    maps = {number: DustMap.of(luminance(frame), None, 1) for number, frame in enumerate(cut)}
    assert find_places(Roll(maps, "light")) == {}


def test_any_division_of_a_roll_gives_the_same_bytes(monkeypatch):
    frames, _, _ = roll(6, 9, KINDS["cropped"])
    whole = dustbust.estimate_mask(frames)
    monkeypatch.setattr(passes, "FEWEST_FRAMES", 2)
    with ThreadPoolExecutor(2) as executor:
        parts = dustbust.estimate_mask(frames, executor=executor)
    assert parts.grey.tobytes() == whole.grey.tobytes()
    assert parts.extra() == whole.extra()


def test_the_map_of_a_large_frame_is_reduced():
    assert dust_maps.factor_for(6000) == 8
    plane = np.full((400, 600), 0.3, np.float32)
    plane[100:108, 200:208] = 0.8
    found = DustMap.of(plane, None, 4)
    assert found.shape == (100, 150)
    values = found.values("light")
    assert np.unravel_index(values.argmax(), values.shape) in {
        (y, x) for y in (25, 26) for x in (50, 51)
    }
    assert found.values("dark").max() < values.max() / 2


def test_what_cannot_belong_is_left_out_with_its_own_reason():
    frames, _, _ = roll(7, 9, KINDS["cropped"])
    rng = np.random.default_rng(1)
    other = synthetic_run.frame(rng, synthetic_run.picture(rng, (120, 180)), 0.0)
    mask = dustbust.estimate_mask([*frames, other], leave_out=True)
    assert len(mask.placements) == 9
    ((_, reason),) = mask.report["left_out"]
    assert "frame 9: is 180 x 120" in reason
    assert "find its place" in reason
    with pytest.raises(dustbust.DustbustError, match="frame 9: is 180 x 120"):
        dustbust.estimate_mask([*frames, other])
