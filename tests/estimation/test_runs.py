"""Where the dust changes, a new run begins; nowhere else."""

import csv
from itertools import chain

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.batch.masks import new_dust
from dustbust.estimation.frames import Frames
from dustbust.estimation.runs import FRAMES_COMPARED as REACH
from dustbust.estimation.runs import Correlations, changes, correlations
from helpers import synthetic_run


def lengths(frames):
    return [len(run) for run in dustbust.find_runs(frames)]


def test_each_change_is_found():
    parts = [synthetic_run.run(seed, count)[0] for seed, count in ((7, 7), (8, 6), (9, 9))]
    frames = list(chain.from_iterable(parts))
    found = dustbust.find_runs(frames)
    assert [len(run) for run in found] == [7, 6, 9]
    assert all(a is b for a, b in zip(chain.from_iterable(found), frames, strict=True))


def test_dark_dust_too():
    assert lengths(synthetic_run.run(7, 8, "dark")[0] + synthetic_run.run(8, 8, "dark")[0]) == [
        8,
        8,
    ]


def test_half_of_the_dust_stays():
    rng = np.random.default_rng(4)
    stays, goes, comes = (synthetic_run.dust(rng, specks=14, hairs=3) for _ in range(3))
    first, _ = synthetic_run.run(1, 10, opacity=np.maximum(stays, goes))
    second, _ = synthetic_run.run(2, 10, opacity=np.maximum(stays, comes))
    assert lengths(first + second) == [10, 10]


@pytest.mark.parametrize("seed", [1, 2])
def test_one_run_is_one_run(seed):
    assert lengths(synthetic_run.run(seed, 24)[0]) == [24]


def test_no_dust_is_one_run():
    assert lengths(synthetic_run.run(3, 12, opacity=np.zeros((240, 360)))[0]) == [12]


def test_clean_glass_gets_dusty():
    clean, _ = synthetic_run.run(3, 8, opacity=np.zeros((240, 360)))
    dusty, _ = synthetic_run.run(4, 8)
    assert lengths(clean + dusty) == [8, 8]


def test_particles_that_are_in_some_frames_only_make_no_new_run():
    rng = np.random.default_rng(6)
    specks = [synthetic_run.dust(rng, specks=2, hairs=0) for _ in range(15)]
    frames = [
        synthetic_run.frame(
            rng,
            synthetic_run.picture(rng),
            np.maximum.reduce([s for s in specks if rng.random() < 0.7] or specks[:1]),
        )
        for _ in range(20)
    ]
    assert lengths(frames) == [20]


ROLL = {"shape": (300, 450), "specks": 50, "hairs": 8}


@pytest.mark.parametrize("cut", [{"crop": 10}, {"wander": 24}, {"turned": True, "crop": 6}])
def test_frames_that_do_not_lie_on_each_other_are_one_run_and_two_are_two(cut):
    first, _ = synthetic_run.cut(synthetic_run.run(31, 9, **ROLL)[0], 1, **cut)
    second, _ = synthetic_run.cut(synthetic_run.run(32, 8, **ROLL)[0], 2, **cut)
    assert lengths(first) == [9]
    assert lengths(first + second) == [9, 8]


def test_half_of_the_dust_stays_in_frames_that_do_not_lie_on_each_other():
    rng = np.random.default_rng(4)
    stays, goes, comes = (synthetic_run.dust(rng, (300, 450), 30, 5) for _ in range(3))
    first, _ = synthetic_run.run(1, 10, shape=(300, 450), opacity=np.maximum(stays, goes))
    second, _ = synthetic_run.run(2, 10, shape=(300, 450), opacity=np.maximum(stays, comes))
    assert lengths(synthetic_run.cut(first + second, 3, wander=20)[0]) == [10, 10]


def test_frames_that_cannot_be_used_end_no_run(tmp_path):
    parts = [synthetic_run.run(seed, count)[0] for seed, count in ((7, 8), (8, 7))]
    frames = []
    for number, pixels in enumerate(chain.from_iterable(parts)):
        frames.append(tmp_path / f"{number}.png")
        dustbust.files.write.write_picture(frames[-1], pixels if number != 3 else pixels[::2])
    for number in (0, 8, 12):
        frames[number].write_text("not a picture")
    found = dustbust.find_runs(frames, leave_out=True)
    assert [len(run) for run in found] == [9, 6]
    assert list(chain.from_iterable(found)) == frames
    written = dustbust.estimate_runs(frames, tmp_path / "masks", leave_out=True)
    assert [len(run.mask.frames) for run in written] == [6, 5]
    with pytest.raises(dustbust.DustbustError, match=r"0.png"):
        dustbust.find_runs(frames)
    with pytest.raises(dustbust.DustbustError, match=r"0.png"):
        dustbust.find_runs(frames[:1], leave_out=True)


@pytest.mark.parametrize("seed", range(12))
def test_between_two_changes_there_is_no_third(seed):
    rng = np.random.default_rng(seed)
    run = np.repeat(range(3), (8, 9, 7))
    shows = rng.uniform(0.1, 0.35, run.size)  # how well each frame shows dust
    values = rng.normal(0, 0.008, (run.size, 2 * REACH))
    for k in range(1, 2 * REACH):
        values[k:, k] += (run[k:] == run[:-k]) * shows[k:] * shows[:-k]
    assert changes(Correlations(values, 0.008)) == [8, 17]


def test_film_borders_that_move_a_little_make_no_new_run():
    rng = np.random.default_rng(2)
    frames = synthetic_run.run(3, 14, opacity=np.zeros((240, 360)))[0]
    for index, frame in enumerate(frames):
        frame[:24] = 6
        for x in range(6, 330, 40):
            frame[6:18, x + 3 * (index > 6) : x + 18 + 3 * (index > 6)] = 240
        frame[:24] += rng.integers(0, 5, (24, 360), np.uint8)
    assert lengths(frames) == [14]


def test_errors_name_what_is_wrong():
    with pytest.raises(dustbust.DustbustError, match="no frames"):
        dustbust.find_runs([])


def test_where_the_format_changes_a_new_run_begins(tmp_path):
    rolls = [
        synthetic_run.run(seed, count, shape=shape)[0]
        for seed, count, shape in ((41, 8, (160, 240)), (42, 12, (200, 200)))
    ]
    rolls[0][2] = np.ascontiguousarray(rolls[0][2][4:, 3:])  # cropped by the scanner program
    rolls[0][5] = np.ascontiguousarray(np.rot90(rolls[0][5]))
    paths = []
    for number, pixels in enumerate(chain.from_iterable(rolls)):
        paths.append(tmp_path / f"{number:02d}.png")
        Image.fromarray(pixels).save(paths[-1])
    assert [len(run) for run in dustbust.find_runs(paths)] == [8, 12]
    assert dustbust.run_from(paths[0]) == paths[:8]
    written = dustbust.estimate_runs(paths, tmp_path / "masks", leave_out=True)
    assert [len(run.mask.frames) for run in written] == [8, 12]
    assert written[1].mask.grey.shape == (200, 200)
    assert written[1].new is None


def test_a_few_frames_of_another_format_end_no_run():
    frames, _ = synthetic_run.run(1, 9)
    frames[4] = frames[4][::2, ::2]
    assert lengths(frames) == [9]


def test_a_mask_for_each_run_and_a_table(tmp_path):
    frames = synthetic_run.run(7, 9)[0] + synthetic_run.run(8, 10)[0]
    paths = [tmp_path / f"scan {index:02d}.png" for index in range(len(frames))]
    for path, frame in zip(paths, frames, strict=True):
        Image.fromarray(frame).save(path)
    found = dustbust.estimate_runs(paths, tmp_path / "masks")
    assert [run.path.name for run in found] == ["scan 00-scan 08.png", "scan 09-scan 18.png"]
    for run, part in zip(found, (paths[:9], paths[9:]), strict=True):
        assert np.array_equal(
            dustbust.DustMask.load(run.path).grey, dustbust.estimate_mask(part).grey
        )
    assert found[0].new is None
    assert 0.5 * found[1].mask.coverage < found[1].new <= found[1].mask.coverage
    with open(tmp_path / "masks" / "runs.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:4] == ["mask", "first frame", "last frame", "frames"]
    assert [row[1:4] for row in rows[1:]] == [
        ["scan 00.png", "scan 08.png", "9"],
        ["scan 09.png", "scan 18.png", "10"],
    ]


def test_runs_are_found_beside_more_files_that_cannot_be_used(tmp_path):
    """A folder of a roll may hold as many notes and broken files as frames."""
    frames = []
    for number, pixels in enumerate(synthetic_run.run(7, 8)[0]):
        frames += [tmp_path / f"{number}{letter}.png" for letter in "abc"]
        dustbust.files.write.write_picture(frames[-1], pixels)
        for path in frames[-3:-1]:
            path.write_text("not a picture")
    assert dustbust.find_runs(frames, leave_out=True) == [frames]
    with pytest.raises(dustbust.DustbustError, match="16 of 24 frames cannot be used"):
        dustbust.estimate_mask(frames, leave_out=True)


def test_new_dust_is_that_of_particles_that_were_not_there():
    before, after = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    before[2:4, 2:4] = True
    after[2:5, 2:6] = True  # there before, and grown
    after[7:9, 15:19] = True
    assert new_dust(before, after) == 8 / 200


def test_progress_goes_from_0_to_1():
    frames, _ = synthetic_run.run(1, 5, shape=(96, 144))
    said = []
    dustbust.find_runs(frames, progress=lambda fraction, text: said.append(fraction))
    assert said == sorted(said)
    assert said[0] < 0.5
    assert said[-1] == pytest.approx(1)
    assert max(said) <= 1


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_a_few_frames_are_one_run(number):
    """Too few for a change of the dust to show."""
    rng = np.random.default_rng(number)
    frames = [rng.normal(0.4, 0.02, (120, 180)).astype(np.float32) for _ in range(number)]
    assert list(map(len, dustbust.find_runs(frames))) == [number]


def test_frames_of_one_run_correlate_with_each_other_near_or_far():
    """Up to twice the number of frames that are compared on each side."""
    frames, _ = synthetic_run.run(4, 2 * REACH + 2)
    found, numbers = correlations(Frames.of(frames), range(len(frames)), threads=1)
    assert numbers == list(range(len(frames)))
    assert found.values.shape == (len(frames), 2 * REACH)
    index, apart = np.indices(found.values.shape)
    there = (apart > 0) & (apart <= index)
    assert found.values[there].min() > 0.05
    assert not found.values[~there].any()
