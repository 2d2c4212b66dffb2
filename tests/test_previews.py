"""What a window shows: thumbnails, a typical frame, and spots with dust, without any window."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust import previews
from dustbust.files.read import read_frame
from dustbust.previews import (
    SPOT_SIDE,
    MaskPreview,
    PagePreview,
    Spots,
    thumbnail,
    to_rgb8,
    typical_frame,
)
from dustbust.registration.transform import Transform

SAMPLES = Path(__file__).resolve().parent / "samples"
FRAMES = sorted((SAMPLES / "run").glob("*.jpg"))
PAIR = sorted((SAMPLES / "pair").glob("*.jpg"))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_thumbnail_is_small_and_shows_the_picture(tmp_path, suffix):
    pixels = np.zeros((900, 1200, 3), np.uint8)
    pixels[:, :600, 0] = 200
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(pixels).save(path)
    small = thumbnail(path, 240)
    assert max(small.shape[:2]) <= 240
    assert small.shape[1] > small.shape[0]
    height, width = small.shape[:2]
    assert small[height // 2, width // 4, 0] > 180
    assert small[height // 2, 3 * width // 4, 0] < 20


def test_thumbnail_of_something_else_is_refused(tmp_path):
    path = tmp_path / "text.png"
    path.write_text("not a picture")
    with pytest.raises(dustbust.DustbustError, match=r"text\.png"):
        thumbnail(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_to_rgb8(dtype, channels):
    white = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    picture = np.full((2, 3, channels) if channels else (2, 3), white, dtype)
    picture[0] = 0
    if channels in (2, 4):
        picture[..., -1] = 0  # transparent, which is not shown
    rgb = to_rgb8(picture)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (2, 3, 3)
    assert rgb.flags.c_contiguous
    assert (rgb[0] == 0).all()
    assert (rgb[1] == 255).all()


def test_typical_frame_is_the_one_of_middling_brightness():
    frames = [np.full((40, 40), value, np.uint8) for value in (250, 10, 120, 90, 200)]
    assert typical_frame(frames) is frames[2]


def test_typical_frame_of_a_long_run_of_files():
    frames = FRAMES * 3
    assert typical_frame(frames) in frames


def test_spots_are_the_dustiest_first_and_wrap_around():
    dusty = np.zeros((960, 1200), bool)
    dusty[500:510, 700:710] = True
    dusty[100:103, 100:103] = True
    spots = Spots(dusty)
    assert len(spots) == 2
    first, near = spots.window(0)
    assert dusty[first].sum() == 100
    assert dusty[first].shape == (SPOT_SIDE, SPOT_SIDE)
    assert near[0].start < first[0].start < first[0].stop < near[0].stop
    second, __ = spots.window(1)
    assert dusty[second].sum() == 9
    assert spots.window(2) == spots.window(0)


def test_spots_in_a_small_picture_and_without_dust():
    spots = Spots(np.zeros((50, 70), bool))
    assert len(spots) == 1
    part, near = spots.window(3)
    assert part == near == np.s_[0:50, 0:70]


def test_spots_of_a_reduced_picture():
    reduced = np.zeros((240, 300), bool)
    reduced[125, 175] = True
    (rows, columns), __ = Spots(reduced, (960, 1200), 4).window(0)
    assert rows.start <= 500 < rows.stop
    assert columns.start <= 700 < columns.stop


@pytest.fixture(scope="module")
def dust():
    return dustbust.estimate_mask(FRAMES)


@pytest.mark.parametrize("method", ["restore", "fill"])
def test_preview_of_a_mask_is_a_part_of_the_cleaned_frame(dust, method):
    """A spot is cleaned alone, with little around it: a few pixels may differ a little."""
    frame = read_frame(FRAMES[0])
    clean, __ = dustbust.apply_mask(frame, dust, method=method, return_report=True)
    part, __ = Spots(dust.binary()).window(0)
    before, after = MaskPreview(dust).look(0, lambda: frame, method=method)
    assert np.array_equal(before, frame[part])
    assert (before != after).any()
    different = np.abs(after.astype(int) - clean[part]) > 2
    assert different.mean() < 0.01


def test_preview_of_a_mask_of_another_size_is_refused(dust):
    with pytest.raises(dustbust.DustbustError):
        MaskPreview(dust).look(0, lambda: np.zeros((20, 30), np.uint8))


def test_preview_of_a_turned_frame_shows_its_dust_removed(dust):
    turned = np.ascontiguousarray(np.rot90(read_frame(FRAMES[0])))
    before, after = MaskPreview(dust).look(0, lambda: turned)
    clean = dustbust.apply_mask(turned, dust)
    assert (before != after).any()
    rows = np.flatnonzero((clean != turned).any(axis=(1, 2)))
    assert len(rows) > 0
    assert before.shape == after.shape == (SPOT_SIDE, SPOT_SIDE, 3)


def test_preview_of_a_mask_that_knows_only_where_the_dust_is(dust):
    plain = dataclasses.replace(dust, model={})
    frame = read_frame(FRAMES[0])
    before, after = MaskPreview(plain).look(0, lambda: frame)
    assert (before != after).any()


@pytest.fixture(scope="module")
def pair():
    pictures = [read_frame(path) for path in PAIR]
    pictures = [picture if picture.ndim == 3 else picture[..., None] for picture in pictures]
    return pictures, dustbust.register_scans(pictures)


@pytest.fixture(scope="module")
def page_preview(pair):
    pictures, registrations = pair
    return PagePreview(pictures, np.zeros((len(pictures), 2)), lambda: registrations)


# Of a large page only a part is combined, with what the whole scans tell of noise and polarity.
@pytest.mark.parametrize("size", [previews.WHOLE_SIZE, 0])
@pytest.mark.parametrize("mode", ["mean", "maximum", "dust-free"])
def test_preview_of_a_page_is_a_part_of_the_page(pair, monkeypatch, size, mode):
    pictures, registrations = pair
    monkeypatch.setattr(previews, "WHOLE_SIZE", size)
    page_preview = PagePreview(pictures, np.zeros((len(pictures), 2)), lambda: registrations)
    page = dustbust.stack_scans(pictures, mode=mode, registrations=registrations)
    before, after = page_preview.look(0, mode, True)
    (rows, columns), __ = page_preview._overview(True).spots.window(0)
    assert np.array_equal(before, pictures[0][rows, columns])
    assert np.abs(page[rows, columns].astype(int) - after).max() <= 1


def test_preview_of_a_page_without_alignment(pair):
    pictures, __ = pair
    positions = np.array([(0, 0), (30, 20)])
    preview = PagePreview(pictures, positions, lambda: pytest.fail("the scans were aligned"))
    page = dustbust.stack_scans(pictures, mode="minimum", align=False, positions=positions)
    __, after = preview.look(0, "minimum", False)
    part, __ = preview._overview(False).spots.window(0)
    assert np.abs(page[part].astype(int) - after).max() <= 1


def test_brightness_of_a_preview_is_that_of_the_whole_scans(pair, page_preview):
    pictures, registrations = pair
    report = dustbust.stack_scans(
        pictures, mode="mean", registrations=registrations, return_report=True
    )
    __, even = page_preview._brightness(True)
    assert even.gain == pytest.approx(report.gain[1])
    assert even.offset == pytest.approx(report.offset[1])


def test_a_preview_of_a_page_looks_as_far_as_the_scans_show_it():
    """In mode "dust-free" also at the page under the dust of the other scan, there and back."""
    moved = Transform(np.array([[1, 0, 30], [0, 1, 20], [0, 0, 1.0]]))
    scans = SimpleNamespace(
        _pictures=[np.zeros((500, 600)), np.zeros((480, 640))],
        _transforms=lambda align: [Transform(np.eye(3)), moved],
    )

    def box(rows, columns, mode):
        part = slice(*rows), slice(*columns)
        found = PagePreview._box_around(scans, part, mode, True)
        return [(each.start, each.stop) for each in found]

    assert box((100, 200), (150, 300), "mean") == [(100, 220), (150, 330)]
    assert box((100, 200), (150, 300), "dust-free") == [(80, 240), (120, 360)]
    assert box((10, 490), (10, 630), "dust-free") == [(0, 500), (0, 640)]
