"""Dust is found, picture is not, and the mask says how far it can be trusted."""

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.estimation import opacity_method, passes
from dustbust.estimation.background import Surroundings
from dustbust.estimation.methods import METHODS
from dustbust.estimation.opacity import OpacitySums
from dustbust.files.find import frames_in
from dustbust.files.formats.png import PngFile
from dustbust.image.arrays import luminance
from dustbust.image.morphology import connected
from helpers import synthetic_run


@pytest.fixture(scope="module")
def light():
    return synthetic_run.run(1, 10)


@pytest.fixture(scope="module")
def light_mask(light):
    return dustbust.estimate_mask(light[0])


def quality(mask, opacity):
    """-> recall, precision of the marked pixels. Soft edges, 2 to 12 % of the light, may be marked
    or not.
    """
    marked, dusty = mask.binary(), opacity > 0.12
    edge = (opacity > 0.02) & ~dusty
    hit = (marked & dusty).sum()
    return hit / dusty.sum(), hit / max((marked & ~edge).sum(), 1)


@pytest.mark.parametrize(
    ("seed", "frames", "polarity"), [(1, 10, "light"), (2, 10, "dark"), (3, 16, "light")]
)
def test_dust_is_found_and_picture_is_not(seed, frames, polarity):
    run, opacity = synthetic_run.run(seed, frames, polarity)
    recall, precision = quality(dustbust.estimate_mask(run, polarity=polarity), opacity)
    assert recall > 0.97
    assert precision > 0.95


def test_opacity_is_the_share_of_the_light_that_dust_takes(light, light_mask):
    _, opacity = light
    inside = opacity > 0.3
    assert abs(np.median(light_mask.opacity[inside] - opacity[inside])) < 0.03


def test_the_suggestion_is_the_middle_and_lower_thresholds_obey_the_limits_too(light, light_mask):
    frames, _ = light
    assert round(light_mask.threshold, 3) == 0.5
    assert 0.04 < light_mask.scale < 0.1
    mask = dustbust.estimate_mask(frames, smallest=20, largest=300)
    sizes = []
    for threshold in np.arange(0.27, 0.5, 0.01):
        _, labels, particles = connected(mask.binary(threshold))
        area = np.bincount(labels, minlength=particles)
        sure = mask.binary()[mask.binary(threshold)]
        with_sure = np.bincount(labels, sure, particles) > 0
        sizes.append(particles)
        assert (area[~with_sure] >= 20).all()
        assert (area[~with_sure] <= 300).all()
    assert sizes[0] > sizes[-1]


@pytest.mark.parametrize(("polarity", "other"), [("light", "dark"), ("dark", "light")])
def test_the_wrong_polarity_is_said(polarity, other):
    run, _ = synthetic_run.run(4, 10, polarity)
    wrong, *right = (
        dustbust.estimate_mask(run, polarity=each) for each in (other, polarity, "both", "auto")
    )
    assert f"more {polarity} dust than {other}" in wrong.warnings[0]
    assert not any(mask.warnings for mask in right)


@pytest.mark.parametrize("polarity", ["light", "dark"])
def test_auto_finds_the_polarity(polarity):
    run, _ = synthetic_run.run(4, 8, polarity)
    found, given = (dustbust.estimate_mask(run, polarity=each) for each in ("auto", polarity))
    assert found.polarity == polarity
    assert (found.binary() != given.binary()).mean() < 0.002


def test_both_finds_light_and_dark_dust_in_one_run():
    rng = np.random.default_rng(11)
    light, dark = synthetic_run.dust(rng, hairs=0), synthetic_run.dust(rng, hairs=0)
    dark[light > 0] = 0
    frames = []
    for _ in range(10):
        seen = synthetic_run.picture(rng)
        seen = seen + light * (1 - seen)
        frames.append(synthetic_run.frame(rng, seen, dark, "dark"))
    mask = dustbust.estimate_mask(frames, polarity="both")
    assert mask.polarity == "both"
    assert mask.binary()[(light > 0.2) & (dark == 0)].mean() > 0.95
    assert mask.binary()[dark > 0.2].mean() > 0.95
    assert quality(mask, np.maximum(light, dark))[1] > 0.9


def test_run_without_dust_gives_an_empty_mask():
    for seed in (5, 6):
        run, _ = synthetic_run.run(seed, 10, opacity=np.zeros((240, 360)))
        mask = dustbust.estimate_mask(run, polarity="both")
        assert not mask.binary().any()
        assert mask.particles == []
        assert mask.coverage == 0


def test_frames_of_one_scene_cannot_tell_dust_from_picture():
    rng = np.random.default_rng(3)
    scene, opacity = synthetic_run.picture(rng), synthetic_run.dust(rng)
    mask = dustbust.estimate_mask([synthetic_run.frame(rng, scene, opacity) for _ in range(14)])
    assert not mask.binary().any()
    assert len(mask.report["left_out"]) == 13
    assert mask.report["left_out"][0] == [
        "frame 1",
        "shows the same scene as frame 0",
    ]
    assert "cannot be told from picture" in mask.warnings[0]


def test_frames_that_come_again_do_not_count_again(light, light_mask):
    frames, _ = light
    again = dustbust.estimate_mask(frames[:4] + frames[:2] + frames[4:])
    assert again.report["frames"] == 10
    assert [name for name, _ in again.report["left_out"]] == [
        "frame 4",
        "frame 5",
    ]
    assert np.array_equal(again.grey, light_mask.grey)
    assert "2 of 12 frames show the same scene" in again.summary()


def test_same_plain_sky_in_all_frames_is_no_reason_to_leave_them_out():
    rng = np.random.default_rng(8)
    opacity = synthetic_run.dust(rng)
    frames = [
        synthetic_run.frame(rng, np.full((240, 360), level), opacity)
        for level in np.linspace(0.2, 0.5, 6)
    ]
    mask = dustbust.estimate_mask(frames)
    assert mask.report["left_out"] == []
    assert quality(mask, opacity)[0] > 0.97


def test_film_border_is_no_dust():
    run, opacity = synthetic_run.run(9, 10)
    holder = np.ones((240, 360), bool)
    holder[14:-12, 20:-16] = False
    rng = np.random.default_rng(2)
    marks = np.where(
        rng.random((240, 360)) < 0.02, 250, 8
    )  # bright spots on the black holder, the same in all frames
    mask = dustbust.estimate_mask(
        [np.where(holder, marks, frame).astype(np.uint8) for frame in run]
    )
    assert not mask.binary()[holder].any()
    inner = np.zeros_like(holder)
    inner[40:-40, 50:-40] = True
    assert mask.binary()[inner & (opacity > 0.12)].mean() > 0.97


@pytest.mark.parametrize("colour", [0, 255])
def test_letterbox_is_no_dust_and_makes_no_frames_alike(light, colour):
    frames, opacity = (light[0], light[1].copy())
    inside = np.zeros(opacity.shape, bool)
    inside[30:-30] = True
    mask = dustbust.estimate_mask(
        [np.where(inside, frame, colour).astype(np.uint8) for frame in frames]
    )
    assert mask.report["left_out"] == []
    assert not mask.binary()[~inside].any()
    opacity[~inside] = 0
    recall, precision = quality(mask, opacity)
    assert recall > 0.93
    assert precision > 0.95


def line(start, end, radius, shape=(240, 360)):
    """Opacity of a straight hair from one pixel to another."""
    (y0, x0), (y1, x1) = start, end
    y, x = np.mgrid[: shape[0], : shape[1]]
    along = np.clip(
        ((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / ((y1 - y0) ** 2 + (x1 - x0) ** 2), 0, 1
    )
    return 0.6 * np.clip(
        radius + 0.5 - np.hypot(y - y0 - along * (y1 - y0), x - x0 - along * (x1 - x0)), 0, 1
    )


def test_hairs_across_the_frame_are_dust_however_long():
    opacity = np.maximum(line((0, 30), (239, 330), 2), line((0, 300), (239, 60), 2))
    assert (opacity > 0.12).mean() > 0.03  # more than what a lamp may have
    recall, precision = quality(
        dustbust.estimate_mask(synthetic_run.run(7, 10, opacity=opacity)[0]), opacity
    )
    assert recall > 0.98
    assert precision > 0.98


def test_a_lamp_in_all_frames_is_left_alone():
    y, x = np.mgrid[:240, :360]
    lamp = 0.7 * (np.hypot(y - 110, x - 200) < 32)
    assert not dustbust.estimate_mask(synthetic_run.run(7, 10, opacity=lamp)[0]).binary().any()


@pytest.mark.parametrize("polarity", ["light", "dark", "both", "auto"])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_empty_frames_give_an_empty_mask(level, polarity):
    mask = dustbust.estimate_mask([np.full((80, 120), level, np.uint8)] * 5, polarity=polarity)
    assert not mask.binary().any()


def test_what_is_no_number_says_nothing(light, light_mask):
    frames = [frame.astype(np.float32) / 255 for frame in light[0]]
    for frame in frames[:3]:
        frame[100:110, 200:220] = np.nan
    mask = dustbust.estimate_mask(frames)
    assert np.isfinite(mask.grey).all()
    assert (mask.binary() != light_mask.binary()).mean() < 0.001


def test_limits_on_the_size_of_particles(light):
    frames, _ = light
    areas = sorted(particle["area"] for particle in dustbust.estimate_mask(frames).particles)
    some = dustbust.estimate_mask(frames, smallest=areas[5], largest=areas[-5])
    assert {particle["area"] for particle in some.particles} <= set(areas[5:-4])
    assert len(some.particles) >= len(areas) - 12


def test_dust_of_half_of_the_frames_is_found():
    before, after = synthetic_run.run(7, 10), synthetic_run.run(8, 10)
    recall, precision = quality(
        dustbust.estimate_mask(before[0] + after[0]), np.maximum(before[1], after[1])
    )
    assert recall > 0.8
    assert precision > 0.95


def test_share_of_the_frames_that_a_particle_was_in():
    rng = np.random.default_rng(12)
    always, sometimes = (
        synthetic_run.dust(rng, hairs=0, specks=8, opacity=(0.5, 0.9)),
        np.zeros((240, 360)),
    )
    sometimes[60:66, 100:106] = 0.7
    always[50:76, 90:116] = 0
    frames = [
        synthetic_run.frame(
            rng, synthetic_run.picture(rng), np.maximum(always, sometimes if k % 5 < 3 else 0)
        )
        for k in range(20)
    ]
    mask = dustbust.estimate_mask(frames)
    shares = {
        (60 <= particle["y"] < 66 and 100 <= particle["x"] < 106): particle["share"]
        for particle in mask.particles
    }
    assert 0.5 < shares[True] < 0.75
    assert all(
        particle["share"] > 0.8
        for particle in mask.particles
        if not (60 <= particle["y"] < 66 and 100 <= particle["x"] < 106)
    )


def test_depth_and_colour_make_no_difference(light, light_mask):
    frames, _ = light
    deep = dustbust.estimate_mask([frame.astype(np.uint16) * 257 for frame in frames])
    assert np.abs(deep.grey - light_mask.grey).max() < 0.01
    colour = dustbust.estimate_mask([np.repeat(frame[..., None], 3, 2) for frame in frames])
    assert np.abs(colour.grey - light_mask.grey).max() < 0.01


def with_holes(frames, colour, kind):
    """Frames with alpha: four of them lack a part in the middle, all lack a corner. What is there
    is of this colour, and means nothing.
    """
    holed = []
    for index, frame in enumerate(frames):
        alpha = np.full(frame.shape, 255, np.uint8)
        alpha[60:130, 90:230] = 0 if index % 3 == 0 else 255
        alpha[:40, :50] = 0
        alpha[200:, 300:] = 60  # half transparent is data
        grey = np.where(alpha == 0, colour, frame).astype(np.uint8)
        holed.append(
            np.stack([grey, alpha] if kind.startswith("LA") else [grey, grey, grey, alpha], axis=2)
        )
    return [frame.astype(np.uint16) * 257 for frame in holed] if kind.endswith("16") else holed


@pytest.mark.parametrize("kind", ["LA", "LA16", "RGBA", "RGBA16"])
def test_transparent_pixels_say_nothing(light, kind):
    frames, opacity = light
    black, white = (dustbust.estimate_mask(with_holes(frames, colour, kind)) for colour in (0, 255))
    assert everything(black) == everything(white)
    assert not black.binary()[:36, :46].any()
    opacity = opacity.copy()
    opacity[:40, :50] = 0
    recall, precision = quality(black, opacity)
    assert recall > 0.95
    assert precision > 0.93
    hole = np.zeros(opacity.shape, bool)
    hole[60:130, 90:230] = True
    inside = hole & (opacity > 0.3)
    assert inside.any()
    assert abs(np.median(black.opacity[inside] - opacity[inside])) < 0.04
    assert all(
        particle["share"] > 0.8 for particle in black.particles
    )  # where a frame has no data, nothing is missing from it


def test_transparent_pixels_of_files_say_nothing_either(light, tmp_path):
    frames, _ = light
    for name, colour in (("black", 0), ("white", 255)):
        (tmp_path / name).mkdir()
        for index, frame in enumerate(with_holes(frames, colour, "RGBA")):
            Image.fromarray(frame).save(tmp_path / name / f"{index}.png")
    black, white = (
        dustbust.estimate_mask(frames_in(tmp_path / name)) for name in ("black", "white")
    )
    assert np.array_equal(black.grey, white.grey)
    assert black.model.keys() == white.model.keys()
    assert all(np.array_equal(black.model[name], white.model[name]) for name in black.model)
    assert [len(run) for run in dustbust.find_runs(frames_in(tmp_path / "white"))] == [10]


def test_the_sum_of_frames_leaves_transparent_pixels_out(light):
    black, white = (
        dustbust.estimate_mask(with_holes(light[0], colour, "LA"), method="sum")
        for colour in (0, 255)
    )
    assert np.array_equal(black.grey, white.grey)


def test_same_bytes_with_any_number_of_threads(light, light_mask):
    one, eight = (dustbust.estimate_mask(light[0], threads=threads) for threads in (1, 8))
    assert one.grey.tobytes() == eight.grey.tobytes() == light_mask.grey.tobytes()
    assert one.extra() == eight.extra()


def test_sums_of_parts_of_a_run_merge_to_the_same_bytes(light):
    frames, _ = light
    planes = [luminance(frame) for frame in frames]

    def sums(order):
        total = OpacitySums((240, 360), "light")
        for index in order:
            total.add(planes[index], Surroundings.of(planes[index]))
        return total

    whole, last, first = sums(range(10)), sums([9, 7, 8, 6]), sums(range(6))
    last.merge(first)
    assert last.opacity().tobytes() == whole.opacity().tobytes()
    whole.add(planes[3], Surroundings.of(planes[3]), sign=-1)
    assert whole.opacity().tobytes() == sums([0, 1, 2, 4, 5, 6, 7, 8, 9]).opacity().tobytes()


@pytest.fixture(scope="module")
def long_run():
    """Twenty frames with dust of both kinds, some of them of the same scene, so that parts of the
    run take others for the first of a scene.
    """
    frames, _ = synthetic_run.run(21, 14)
    again = synthetic_run.run(21, 14)[0]
    return (
        frames[:6]
        + again[2:4]
        + frames[6:10]
        + again[1:2]
        + frames[10:]
        + [again[12], again[3], frames[2]]
    )


def everything(mask):
    return mask.grey.tobytes(), mask.extra()


@pytest.mark.parametrize(
    "options", [{}, {"polarity": "auto"}, {"method": "sum"}], ids=["light", "auto", "sum"]
)
def test_any_division_of_a_run_gives_the_same_bytes(long_run, options, monkeypatch):
    whole = everything(dustbust.estimate_mask(long_run, **options))
    with ThreadPoolExecutor(2) as executor:
        for size in (1, 3, 5, 11):
            monkeypatch.setattr(passes, "FEWEST_FRAMES", size)
            assert (
                everything(dustbust.estimate_mask(long_run, executor=executor, **options)) == whole
            )


def test_scenes_that_change_little_by_little_are_told_apart_in_the_same_way(monkeypatch):
    # Each frame is like the one before and the one after it, but not like those further away: which
    # ones count depends on which come first.
    rng = np.random.default_rng(5)
    one, two = (synthetic_run.cloud(rng, (240, 360)) - 0.5 for _ in range(2))
    opacity = synthetic_run.dust(rng)
    frames = [
        synthetic_run.frame(rng, 0.45 + 0.4 * (np.cos(angle) * one + np.sin(angle) * two), opacity)
        for angle in np.radians(10 * np.arange(11))
    ]
    whole = dustbust.estimate_mask(frames)
    assert 3 <= whole.report["frames"] <= 7
    with ThreadPoolExecutor(2) as executor:
        for size in (1, 2, 3, 4, 7):
            monkeypatch.setattr(passes, "FEWEST_FRAMES", size)
            assert everything(dustbust.estimate_mask(frames, executor=executor)) == everything(
                whole
            )


@pytest.mark.parametrize("asked", [5, 9])
def test_of_a_long_run_some_frames_are_asked_first_and_all_count(long_run, asked, monkeypatch):
    all_asked = dustbust.estimate_mask(long_run)
    monkeypatch.setattr(opacity_method, "FRAMES_ASKED_FIRST", asked)
    whole = dustbust.estimate_mask(long_run)
    assert whole.report["frames"] == 14
    assert whole.report["left_out"] == all_asked.report["left_out"]
    assert (whole.binary() != all_asked.binary()).mean() < 0.002
    said = []
    with ThreadPoolExecutor(2) as executor:
        for size in (1, 3):
            monkeypatch.setattr(passes, "FEWEST_FRAMES", size)
            again = dustbust.estimate_mask(
                long_run, executor=executor, progress=lambda fraction, name: said.append(fraction)
            )
            assert everything(again) == everything(whole)
            assert said == sorted(said)
            assert said[-1] == 1
            said.clear()


def test_a_frame_that_shows_a_scene_of_another_one_that_was_not_asked_first_does_not_count(
    light, monkeypatch
):
    # Frames 0, 2 and 4 are asked first. Frame 2 shows the scene of frame 1, so it had its say in
    # vain.
    frames = [light[0][0], light[0][1], synthetic_run.run(1, 2)[0][1], *light[0][2:4]]
    monkeypatch.setattr(opacity_method, "FRAMES_ASKED_FIRST", 3)
    assert dustbust.estimate_mask(frames).report["left_out"] == [
        ["frame 2", "shows the same scene as frame 1"]
    ]


@pytest.mark.parametrize(("frames", "reads"), [(10, 10), (14, 18)])
def test_ten_frames_are_decoded_only_once(frames, reads, tmp_path, monkeypatch):
    for index, frame in enumerate(synthetic_run.run(1, frames)[0]):
        Image.fromarray(frame).save(tmp_path / f"{index:02d}.png")
    read, calls = PngFile.read_luminance_and_data, []
    monkeypatch.setattr(
        PngFile, "read_luminance_and_data", lambda path: calls.append(path.name) or read(path)
    )
    mask = dustbust.estimate_mask(frames_in(tmp_path))
    assert len(calls) == reads
    assert len(set(calls)) == frames
    monkeypatch.setattr(passes, "LARGEST_HELD", 0)
    assert everything(dustbust.estimate_mask(frames_in(tmp_path))) == everything(mask)


def test_processes_give_the_same_bytes(long_run):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert everything(dustbust.estimate_mask(long_run, executor=executor)) == everything(
            dustbust.estimate_mask(long_run)
        )


def test_order_of_a_run_makes_no_difference_to_what_is_seen(light, light_mask):
    turned = dustbust.estimate_mask(light[0][::-1])
    assert np.array_equal(turned.grey, light_mask.grey)


def test_errors_are_the_same_from_parts_of_a_run(light, monkeypatch):
    frames, _ = light
    monkeypatch.setattr(passes, "FEWEST_FRAMES", 2)
    with (
        ThreadPoolExecutor(2) as executor,
        pytest.raises(
            dustbust.DustbustError,
            match="frame 4: is 180 x 120, but most frames of the run are 360 x 240",
        ),
    ):
        dustbust.estimate_mask([*frames[:4], frames[4][::2, ::2], *frames[5:]], executor=executor)


def test_progress_of_parts_goes_from_0_to_1(light, monkeypatch):
    monkeypatch.setattr(passes, "FEWEST_FRAMES", 2)
    said = []
    with ThreadPoolExecutor(2) as executor:
        dustbust.estimate_mask(
            light[0], executor=executor, progress=lambda fraction, text: said.append(fraction)
        )
    assert said == sorted(said)
    assert said[-1] == 1


def test_report_survives_the_file(light_mask, tmp_path):
    light_mask.save(tmp_path / "mask.png")
    again = dustbust.DustMask.load(tmp_path / "mask.png")
    assert again.report == json.loads(json.dumps(light_mask.report))
    assert again.particles == light_mask.particles
    assert again.summary() == light_mask.summary()
    assert "10 frames" in again.summary()
    assert (
        abs(
            sum(particle["area"] for particle in again.particles) / again.grey.size - again.coverage
        )
        < 1e-9
    )


@pytest.mark.parametrize("method", METHODS)
def test_frames_that_cannot_be_used_are_left_out_when_asked_and_said(light, tmp_path, method):
    frames = [tmp_path / f"{number}.png" for number in range(9)]
    for path, pixels in zip(frames, light[0], strict=False):
        dustbust.files.write.write_picture(path, pixels)
    good = [path for number, path in enumerate(frames) if number not in (0, 4, 6)]
    frames[0].write_bytes(b"")
    frames[4].write_bytes(frames[4].read_bytes()[:3000])
    dustbust.files.write.write_picture(frames[6], light[0][6][::2, ::2])
    with pytest.raises(dustbust.DustbustError, match=r"0.png: is empty"):
        dustbust.estimate_mask(frames, method=method)
    with pytest.raises(
        dustbust.DustbustError, match=r"3 of 5 frames cannot be used. .*0.png: is empty"
    ):
        dustbust.estimate_mask(
            [frames[number] for number in (0, 1, 2, 4, 6)], method=method, leave_out=True
        )
    with ThreadPoolExecutor(2) as executor:
        for where in ({}, {"executor": executor}):
            mask = dustbust.estimate_mask(frames, method=method, leave_out=True, **where)
            assert np.array_equal(mask.grey, dustbust.estimate_mask(good, method=method).grey)
            assert mask.frames == tuple(map(str, good))
            assert [path for path, _ in mask.report["left_out"]] == [
                str(frames[number]) for number in (0, 4, 6)
            ]
            assert mask.warnings[0].startswith("3 of 9 frames cannot be used and were left out.")
            assert "0.png: is empty" in mask.warnings[0]


def test_kinds_that_are_not_read_are_counted_with_the_other_frames(light, tmp_path):
    """All reasons that headers tell are in one count, before any frame is decoded."""
    frames = [tmp_path / f"{number}.jpg" for number in range(6)]
    for path, pixels in zip(frames, light[0], strict=False):
        Image.fromarray(pixels).save(path)
    for number in (1, 2):
        Image.fromarray(light[0][number]).convert("CMYK").save(frames[number])
    for number in (3, 5):
        frames[number].write_bytes(b"")
    with pytest.raises(
        dustbust.DustbustError,
        match=r"4 of 6 frames cannot be used\. .*CMYK.*\(1 more like this\).*3\.jpg: is empty",
    ):
        dustbust.estimate_mask(frames, leave_out=True)


def test_few_frames_are_said(light):
    mask = dustbust.estimate_mask(light[0][:4])
    assert "Only 4 frames" in mask.warnings[0]
    assert not dustbust.estimate_mask(light[0][:1]).binary().any()


def test_plot_shows_what_is_marked(light_mask, tmp_path):
    light_mask.plot(tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90)
    assert red[100:300].any(axis=0).sum() <= 3  # one upright line at the threshold
    with pytest.raises(dustbust.DustbustError, match="there is no folder"):
        light_mask.plot(tmp_path / "nowhere" / "plot.png")


def test_progress_goes_from_0_to_1(light):
    said = []
    dustbust.estimate_mask(
        light[0][:4], progress=lambda fraction, text: said.append((fraction, text))
    )
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert said[0][1] == "frame 0"


def test_errors_name_what_is_wrong(light, tmp_path):
    frames, _ = light
    with pytest.raises(dustbust.DustbustError, match="no frames"):
        dustbust.estimate_mask([])
    with pytest.raises(
        dustbust.DustbustError,
        match="frame 2: is 180 x 120, but most frames of the run are 360 x 240",
    ):
        dustbust.estimate_mask([*frames[:2], frames[2][::2, ::2]])
    (tmp_path / "text.jpg").write_text("no picture")
    for method in ("opacity", "sum"):
        with pytest.raises(dustbust.DustbustError, match=r"text.jpg"):
            dustbust.estimate_mask([frames[0], tmp_path / "text.jpg"], method=method)
    with pytest.raises(ValueError, match="method must be one of opacity, sum"):
        dustbust.estimate_mask(frames, method="average")
    with pytest.raises(ValueError, match="polarity must be one of"):
        dustbust.estimate_mask(frames, polarity="grey")


def test_sum_is_the_original_method(light):
    frames, _ = light
    total = sum(frame.astype(np.float64) for frame in frames) / 255
    total /= total.max()
    padded = np.pad(total, 60, mode="reflect")
    kernel = np.exp(-0.5 * (np.arange(-60, 61) / 15) ** 2)
    kernel /= kernel.sum()
    blurred = np.apply_along_axis(
        np.convolve,
        0,
        np.apply_along_axis(np.convolve, 1, padded, kernel, "valid"),
        kernel,
        "valid",
    )
    expected = np.abs(total - blurred)
    mask = dustbust.estimate_mask(frames, method="sum", blur=15.0, trim=8)
    inner = (slice(50, -50), slice(50, -50))
    assert np.abs(mask.grey[inner] - expected[inner]).max() < 0.01
    assert not mask.grey[:8].any()
    assert not mask.grey[:, -8:].any()


MEASURE = """
import resource, sys
import dustbust
from dustbust.files.find import frames_in
dustbust.estimate_mask(frames_in(sys.argv[1])[:int(sys.argv[2])], threads=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path):
    rng = np.random.default_rng(1)
    opacity = synthetic_run.dust(rng, (480, 640))
    scenes = [synthetic_run.picture(rng, (480, 640)) for _ in range(6)]
    for index in range(100):
        scene = np.roll(scenes[index % 6], rng.integers(20, 400, 2), (0, 1))
        Image.fromarray(synthetic_run.frame(rng, scene, opacity)).save(
            tmp_path / f"{index}.jpg", quality=90
        )

    def peak(frames):
        run = subprocess.run(
            [sys.executable, "-c", MEASURE, str(tmp_path), str(frames)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(run.stdout)

    assert peak(100) < 1.05 * peak(10)
