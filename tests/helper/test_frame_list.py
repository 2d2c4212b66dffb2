"""The list of frames that a user collects in a window."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.helper import frame_list
from helpers.helper_process import as_array


def frame(path, width=60, height=40, **options):
    """A picture file with something to see."""
    pixels = np.random.default_rng(1).integers(0, 255, (height, width), np.uint8)
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def listed(ask):
    """List files: their names, and why each is left out (None if it is not)."""

    def listed(*sources, one_format=True):
        found = ask("list_frames", sources=list(map(str, sources)), one_format=one_format)
        return {
            Path(file["path"]).name: file["why"] and file["why"]["template"]
            for file in found["files"]
        }

    return listed


def test_a_file_is_described_by_its_header(ask, tmp_path):
    path = frame(tmp_path / "a.png", 60, 40)
    found = ask("list_frames", sources=[str(path)], one_format=True)
    assert found == {
        "files": [
            {
                **{"path": str(path), "name": "a.png", "width": 60, "height": 40},
                **{"bits": 8, "format": "PNG", "why": None, "reason": None},
            }
        ],
        "refused": [],
    }


def test_files_are_sorted_within_folders_and_folders_come_as_named(ask, tmp_path):
    for name in ("b/10.png", "b/9.png", "a/1.png"):
        frame(tmp_path / name)
    sources = [tmp_path / "b" / "10.png", tmp_path / "a", (tmp_path / "b" / "9.png").as_uri()]
    sources += [tmp_path / "b"]
    found = ask("list_frames", sources=list(map(str, sources)), one_format=True)
    paths = [str(Path(file["path"]).relative_to(tmp_path)) for file in found["files"]]
    assert paths == ["b/9.png", "b/10.png", "a/1.png"]


def test_what_is_no_frame_is_listed_with_the_reason(listed, tmp_path):
    for number in range(4):
        frame(tmp_path / f"{number}.jpg", quality=95)
    dust = np.zeros((40, 60), bool)
    dust[20, 30] = True
    dustbust.DustMask(dust.astype(np.float32), 0.5).save(tmp_path / "mask.png")
    (tmp_path / "4.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("not listed")
    (tmp_path / ".5.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())
    assert listed(tmp_path) == {
        **dict.fromkeys(("0.jpg", "1.jpg", "2.jpg", "3.jpg")),
        "4.jpg": "cannot be read",
        "mask.png": "a dust mask",
    }
    assert listed(tmp_path / "notes.txt") == {"notes.txt": "cannot be read"}
    report = dustbust.clean_frames([tmp_path / "0.jpg", tmp_path / "1.jpg"], dust)
    frame(report.folder / "mine.jpg")
    assert listed(report.folder) == {
        "0.jpg": "a cleaned frame",
        "1.jpg": "a cleaned frame",
        "mine.jpg": None,
    }


def test_another_format_is_left_out_of_one_run_but_not_of_several(listed, tmp_path):
    for name, size in {"1": (60, 40), "2": (40, 58), "3": (60, 40), "4": (90, 90)}.items():
        frame(tmp_path / f"{name}.png", *size)
    expected = dict.fromkeys(("1.png", "2.png", "3.png", "4.png"))
    assert listed(tmp_path, one_format=False) == expected
    assert listed(tmp_path) == {**expected, "4.png": "another format"}


def test_a_raw_file_is_the_twin_of_the_picture_beside_it(listed, tmp_path):
    frame(tmp_path / "1.jpg")
    for name in ("1.dng", "2.dng"):  # a DNG is a TIFF
        frame(tmp_path / name, format="TIFF")
    assert listed(tmp_path) == {"1.dng": "a twin", "1.jpg": None, "2.dng": None}


def test_sources_without_pictures_are_refused_and_the_others_listed(ask, tmp_path):
    path = frame(tmp_path / "full" / "1.png")
    (tmp_path / "empty").mkdir()
    sources = [tmp_path / "gone", tmp_path / "empty", path]
    found = ask("list_frames", sources=list(map(str, sources)), one_format=True)
    assert [file["path"] for file in found["files"]] == [str(path)]
    assert [refused["words"]["path"] for refused in found["refused"]] == [
        str(tmp_path / "gone"),
        str(tmp_path / "empty"),
    ]


def test_no_sources_are_an_empty_list(ask):
    empty = {"files": [], "refused": []}
    assert ask("list_frames", sources=[], one_format=True) == empty


def test_the_dust_of_a_run_is_seen_at_a_glance(ask, tmp_path):
    """White where the frames have dust; a turned and a broken frame are passed over."""
    rng, files = np.random.default_rng(3), []
    dust = np.zeros((480, 720), bool)
    for y, x in ((40, 60), (200, 400), (420, 640)):
        dust[y : y + 12, x : x + 12] = True
    for number in range(12):
        pixels = rng.normal(90 + 5 * number, 4, dust.shape) + np.where(dust, 60, 0)
        pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        files.append(tmp_path / f"{number:02}.png")
        Image.fromarray(pixels.T if number == 3 else pixels).save(files[-1])
    files[6].write_bytes(b"broken")
    shown = as_array(ask("dust_of_run", files=files, width=90, height=48, threads=1))
    assert shown.ndim == 3
    assert shown.shape[0] <= 48
    assert shown.shape[1] <= 90
    assert shown.shape[1] / shown.shape[0] == pytest.approx(1.5, rel=0.05)
    block = 480 / shown.shape[0]
    expected = np.zeros(shown.shape[:2], bool)
    for y, x in np.argwhere(dust):
        expected[int(y / block), int(x / block)] = True
    assert (shown[expected] > 60).mean() > 0.9
    assert shown[~expected].mean() < 20


def test_a_single_speck_is_seen_at_a_glance(ask, tmp_path):
    """It covers a ninth of a pixel of the picture, but is a third as bright as full dust."""
    rng, files = np.random.default_rng(3), []
    for number in range(12):
        pixels = rng.normal(90 + 5 * number, 4, (480, 720))
        pixels[200:204, 400:404] += 100
        files.append(tmp_path / f"{number:02}.png")
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(files[-1])
    shown = as_array(ask("dust_of_run", files=files, width=72, height=48, threads=1))
    (place,) = np.argwhere(shown[..., 0] > 20)
    assert place / shown.shape[:2] == pytest.approx((202 / 480, 402 / 720), abs=0.03)
    assert 60 < shown.max() < 110


def test_a_pattern_is_shown_from_faint_to_clear(monkeypatch):
    """In deviations: black up to 0.4, white from 1.2 on; the root of the mean of each square."""
    row = [0.4, 0.8, 1.2, 9, -1.2, 0.6]
    monkeypatch.setattr(frame_list, "pattern", lambda files, threads: np.array([row, row]))

    def shown(width, height):
        levels = frame_list.dust_of_run([], width, height, 1)
        assert levels.shape[2] == 3
        assert (levels == levels[..., :1]).all()
        return levels[..., 0].tolist()

    half, quarter = int(255 * 0.5**0.5), int(255 * 0.5)
    assert shown(6, 2) == [[0, half, 255, 255, 255, quarter]] * 2
    means = [0.25, 1, 0.625]
    for width, height in ((3, 9), (5, 2), (9, 1)):
        assert shown(width, height) == [[int(255 * mean**0.5) for mean in means]]
