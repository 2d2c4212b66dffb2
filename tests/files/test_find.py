"""Which files are frames, in which order, and how many are in memory."""

import os
import subprocess
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

import dustbust
from dustbust.files.find import _counter_wraps, find_frames, frames_between
from dustbust.files.paths import as_path
from dustbust.files.read import open_frame, read_frame, read_luminance
from dustbust.runtime.read_ahead import read_ahead


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    return folder


def names(paths):
    return [path.name for path in paths]


def test_a_folder_gives_its_pictures_in_natural_order(tmp_path):
    touch(
        tmp_path,
        "frame10.jpg",
        "frame2.JPG",
        "Frame1.jpeg",
        "frame02b.tif",
        "notes.txt",
        ".hidden.jpg",
        ".x.jpg.part",
        "frame3.jpg.part",
        "a.png~",
    )
    (tmp_path / "folder.jpg").mkdir()
    assert names(find_frames(tmp_path)) == [
        "Frame1.jpeg",
        "frame2.JPG",
        "frame02b.tif",
        "frame10.jpg",
    ]


def test_rolls_in_formats_that_share_names_do_not_lie_between_each_other(tmp_path):
    jpeg, tiff = (
        [f"a{n:02d}.{suffix}" for n in range(count)] for suffix, count in (("jpg", 4), ("tif", 6))
    )
    touch(tmp_path, *jpeg, *tiff)
    assert names(find_frames(tmp_path)) == jpeg + tiff
    assert names(frames_between(tmp_path / "a01.tif", tmp_path / "a03.tif")) == tiff[1:4]


def test_one_roll_in_several_formats_stays_in_its_order(tmp_path):
    touch(tmp_path, "1.tif", "2.jpg", "3.tif", "4.jpg")
    assert names(find_frames(tmp_path)) == ["1.tif", "2.jpg", "3.tif", "4.jpg"]


def test_a_range_has_both_its_ends(tmp_path):
    touch(tmp_path, *(f"f{number}.jpg" for number in range(1, 13)), ".f5.jpg")
    assert names(frames_between(tmp_path / "f9.jpg", tmp_path / "f11.jpg")) == [
        "f9.jpg",
        "f10.jpg",
        "f11.jpg",
    ]
    assert names(frames_between(tmp_path / "f11.jpg", tmp_path / "f9.jpg")) == [
        "f9.jpg",
        "f10.jpg",
        "f11.jpg",
    ]
    assert names(frames_between(tmp_path / "f3.jpg", tmp_path / "f3.jpg")) == ["f3.jpg"]


def test_a_range_goes_on_where_the_counter_of_a_camera_wraps(tmp_path):
    taken = ["IMG_9998.jpg", "IMG_9999.jpg", "IMG_0001.jpg", "IMG_0002.jpg"]
    touch(tmp_path, *taken)
    for second, name in enumerate(taken):
        os.utime(tmp_path / name, (second, second))
    assert names(frames_between(tmp_path / taken[0], tmp_path / taken[-1])) == taken
    assert names(find_frames(tmp_path)) == taken
    # Ends in reverse are the same run.
    assert names(frames_between(tmp_path / taken[-1], tmp_path / taken[0])) == taken
    # Without the times, nothing tells that the counter wrapped.
    for name in taken:
        os.utime(tmp_path / name, (5, 5))
    assert names(find_frames(tmp_path)) == sorted(taken)
    assert names(frames_between(tmp_path / taken[0], tmp_path / taken[-1])) == [taken[3], taken[0]]


@pytest.mark.parametrize(
    ("taken", "wraps"),
    [
        (["a998.jpg", "a999.jpg", "a001.jpg"], True),
        (["a98.jpg", "a99.jpg", "a01.jpg"], False),  # too few digits for a camera
        (["a8998.jpg", "a8999.jpg", "a0001.jpg"], False),  # not the last number
        (["b999.jpg", "a001.jpg"], False),
        (["a9999.jpg", "a001.jpg"], False),
        (["z.jpg", "a9999.jpg"], False),
        (["b9999.jpg", "a.jpg"], False),
    ],
)
def test_a_counter_wraps_from_its_last_number_of_three_digits_or_more(tmp_path, taken, wraps):
    touch(tmp_path, *taken)
    for second, name in enumerate(taken):
        os.utime(tmp_path / name, (second, second))
    assert names(find_frames(tmp_path)) == (taken if wraps else sorted(taken))


def test_a_counter_that_wraps_leaves_a_gap_and_goes_on_later(tmp_path):
    paths = [touch(tmp_path, name) / name for name in ("a997.jpg", "a998.jpg", "a999.jpg")]
    for second, path in enumerate(paths[::-1]):
        os.utime(path, (second, second))
    assert _counter_wraps([paths[2]], [paths[0]])
    assert not _counter_wraps([paths[2]], [paths[1]])
    os.utime(paths[0], (0, 0))
    assert not _counter_wraps([paths[2]], [paths[0]])


def test_a_range_is_of_one_folder_and_of_files_that_are_there(tmp_path):
    touch(tmp_path / "a", "1.jpg")
    touch(tmp_path / "b", "2.jpg")
    with pytest.raises(dustbust.DustbustError, match="different folders"):
        frames_between(tmp_path / "a" / "1.jpg", tmp_path / "b" / "2.jpg")
    with pytest.raises(dustbust.DustbustError, match="no such file"):
        frames_between(tmp_path / "a" / "1.jpg", tmp_path / "a" / "2.jpg")
    assert names(
        frames_between(tmp_path / "a" / "1.jpg", tmp_path / "b" / ".." / "a" / "1.jpg")
    ) == ["1.jpg"]


def test_patterns_lists_and_folders_mix_and_nothing_comes_twice(tmp_path):
    touch(tmp_path, "1.jpg", "2.jpg", "10.jpg", "x.txt")
    touch(tmp_path / "more", "7.tif")
    found = find_frames(
        [tmp_path / "10.jpg", str(tmp_path / "*"), tmp_path / "more", str(tmp_path / "1?.jpg")]
    )
    assert names(found) == ["10.jpg", "1.jpg", "2.jpg", "7.tif"]
    with pytest.raises(dustbust.DustbustError, match="no pictures"):
        find_frames(str(tmp_path / "*.webp"))


def test_names_that_look_like_patterns_are_names(tmp_path):
    touch(tmp_path, "roll [1].jpg", "roll 1.jpg")
    assert names(find_frames(tmp_path / "roll [1].jpg")) == ["roll [1].jpg"]


@pytest.mark.parametrize(
    "name",
    [
        "a b.jpg",
        'it\'s "it".jpg',
        "line\nend.jpg",
        "50%.jpg",
        "ü.jpg",
        os.fsdecode(b"latin-\xe9.jpg"),
        "#1?.jpg",
    ],
)
def test_odd_names_as_paths_bytes_and_addresses(tmp_path, name):
    Image.new("L", (4, 3), 7).save(tmp_path / name)
    path = tmp_path / name
    for given in (path, str(path), os.fsencode(path), path.as_uri()):
        assert as_path(given) == path
        assert read_frame(given).shape == (3, 4)
    assert names(find_frames(tmp_path)) == [name]
    (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(dustbust.DustbustError) as caught:
        read_frame(path)
    assert str(caught.value).isprintable()


def test_orientation_is_not_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    assert read_frame(tmp_path / "a.jpg").shape == (30, 40, 3)


def test_luminance_of_a_jpeg_is_that_of_its_pixels(tmp_path):
    pixels = (
        np.random.default_rng(1).integers(40, 210, (6, 7, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    )
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95)
    decoded = read_frame(tmp_path / "a.jpg").astype(float)
    assert (
        np.abs(read_luminance(tmp_path / "a.jpg") * 255 - decoded @ [0.299, 0.587, 0.114]).max() < 2
    )


def test_frames_are_read_in_order_and_few_at_a_time():
    held, most = set(), 0

    def read(frame):
        nonlocal most
        held.add(frame)
        most = max(most, len(held))
        return frame

    for expected, frame in enumerate(read_ahead(range(50), read, threads=3)):
        assert frame == expected
        held.discard(frame)
    assert most <= 4


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_sixteen_bits_survive_estimate_and_apply(tmp_path, suffix):
    """Values that 8 bits cannot hold are in the result; pixels away from the dust stay."""
    rng = np.random.default_rng(4)
    dust = np.zeros((90, 120, 1))
    dust[30:36, 40:47] = 0.4
    dust[60:64, 80:88] = 0.7
    scans = []
    for index in range(8):
        light = 0.15 + 0.5 * rng.random() + rng.normal(0, 0.004, (90, 120, 3))
        scans.append((np.clip(light + dust * (1 - light), 0, 1) * 65535).astype(np.uint16))
        if suffix == ".tif":
            tifffile.imwrite(
                tmp_path / f"{index}.tif",
                scans[-1],
                photometric="rgb",
                compression="lzw",
                predictor=True,
            )
        else:
            (tmp_path / f"{index}.png").write_bytes(imagecodecs.png_encode(scans[-1]))
    mask = dustbust.estimate_mask(find_frames(tmp_path))
    assert mask.binary()[33, 43]
    assert mask.binary()[62, 84]
    cleaned = dustbust.clean_frames(tmp_path, mask)
    away = np.ones((90, 120), bool)
    away[20:46, 30:57] = away[50:74, 70:98] = False
    for scan, path in zip(scans, cleaned.written, strict=True):
        pixels = open_frame(path).pixels
        assert pixels.dtype == np.uint16
        assert np.array_equal(pixels[away], scan[away])
        repaired = pixels[(pixels != scan).any(2)]
        assert len(repaired) > 20
        assert len(np.unique(repaired % 257)) > 20


MEMORY = """
import sys
from pathlib import Path
import numpy as np
import dustbust

def taken():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096 / 2 ** 20

frames, samples = sorted(Path(sys.argv[1]).glob("*.png")), []
note = lambda fraction, text: samples.append(taken())
if sys.argv[2] == "clean":
    grey = np.zeros((96, 128), np.float32)
    grey[40:44, 50:55] = 1
    dustbust.clean_frames(frames, dustbust.DustMask(grey, 0.5), progress=note, threads=2)
else:
    dustbust.estimate_mask(frames, method=sys.argv[2], progress=note, threads=2)
assert len(samples) >= len(frames), len(samples)
early = max(samples[len(frames) // 10:len(frames) // 5])
late = max(samples[len(frames) // 2:len(frames)])
print(late - early)
"""


@pytest.mark.skipif(
    sys.platform != "linux", reason="reads the memory of a process as Linux tells it"
)
@pytest.mark.parametrize("what", ["clean", "sum", "opacity"])
def test_memory_does_not_grow_with_the_number_of_frames(tmp_path, what):
    """500 frames of 144 KB each: 54 MB, if those of the last three quarters were kept."""
    rng = np.random.default_rng(2)
    pixels = rng.integers(60, 190, (20, 96, 128, 3), np.uint8)
    for index in range(500):
        if index < 20:
            (tmp_path / f"{index}.png").write_bytes(
                imagecodecs.png_encode(
                    np.roll(pixels[index] * (index % 5 + 1) // 5, index, 1), level=1
                )
            )
        else:
            os.link(tmp_path / f"{index % 20}.png", tmp_path / f"{index}.png")
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path, what], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert float(done.stdout) < 12


def test_a_range_may_end_with_a_file_that_is_no_frame(tmp_path):
    """Its name has a place among those of the frames."""
    touch(tmp_path, *(f"f{number}.jpg" for number in range(1, 13)), "f3.txt", "f10b.txt")
    assert names(frames_between(tmp_path / "f3.txt", tmp_path / "f5.jpg")) == ["f4.jpg", "f5.jpg"]
    assert names(frames_between(tmp_path / "f10b.txt", tmp_path / "f9.jpg")) == [
        "f9.jpg",
        "f10.jpg",
    ]
