"""JPEG: tables, scans and metadata stay, and so does every block away from the repair."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin

from dustbust import _kernels
from dustbust.files.read import open_frame
from dustbust.files.write import write_picture
from helpers.frame_files import REPAIR, H, W, exif, jpeg, picture, repaired, rewritten


def jpeg_headers(path):
    """All of a JPEG but Huffman tables and data: (marker, content)."""
    data, at, found = path.read_bytes(), 2, []
    while data[at + 1] != 0xD9:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] != 0xC4:
            found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        if data[at + 1] == 0xDA:
            at += 2 + length
            while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 1
            at -= 2 + length
        at += 2 + length
    return found


JPEGS = [
    {"subsampling": 0},
    {"subsampling": 1},
    {"subsampling": 2},
    {"progressive": True},
    {"subsampling": 0, "progressive": True},
    {"optimize": True},
    {"restart_marker_blocks": 3},
    {"restart_marker_rows": 1, "progressive": True},
    {"mode": "L"},
    {"mode": "L", "progressive": True},
    {"quality": 30},
    {"quality": 100},
    {"keep_rgb": True, "subsampling": 0, "dpi": (0, 0)},
]


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_keeps_its_metadata_tables_and_scans(tmp_path, options):
    path = jpeg(tmp_path / "a.jpg", **options)
    out, notes = rewritten(path)
    assert notes == []
    assert jpeg_headers(out) == jpeg_headers(path)
    with Image.open(path) as before, Image.open(out) as after:
        assert after.info == before.info
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == JpegImagePlugin.get_sampling(before)
        assert after.getexif()[0x0112] == 6


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_blocks_away_from_the_repair_keep_their_coefficients_and_the_repair_is_there(
    tmp_path, options
):
    path = jpeg(tmp_path / "a.jpg", **options)
    before = open_frame(path).pixels
    assert np.abs(before.astype(float) - picture(channels=before.size // (H * W))).mean() < 12
    out, _ = rewritten(path)
    after = open_frame(out).pixels
    for old, new in zip(
        _kernels.read_jpeg(path.read_bytes()), _kernels.read_jpeg(out.read_bytes()), strict=True
    ):
        same = (old[4] == new[4]).all((2, 3))
        size = 8 * 2 // old[1], 8 * 2 // old[2]  # an upper bound of the pixels of a block
        rows, columns = np.nonzero(~same)
        assert len(rows)
        assert (rows.min() + 1) * size[0] > 20 - 16
        assert rows.max() * 8 <= 31
        assert columns.max() * 8 <= 52
    far = np.ones((H, W), bool)
    far[16 - 2 : 32 + 2, 32 - 2 : 64 + 2] = (
        False  # the blocks of the repair, and two pixels over which colours are interpolated
    )
    assert np.array_equal(before[far], after[far])
    wanted = repaired(before)
    error = np.abs(after[REPAIR].astype(float) - wanted[REPAIR]).mean()
    again = io.BytesIO()
    with Image.open(path) as opened:
        Image.fromarray(wanted).save(
            again,
            "JPEG",
            qtables=opened.quantization,
            subsampling=max(0, JpegImagePlugin.get_sampling(opened)),
            keep_rgb=options.get("keep_rgb", False),
        )
    with Image.open(again) as opened:
        error_of_encoding = np.abs(np.asarray(opened)[REPAIR].astype(float) - wanted[REPAIR]).mean()
    assert error < 1.15 * error_of_encoding + 0.1


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_with_its_own_coefficients_is_the_same_file(tmp_path, options):
    data = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    assert _kernels.write_jpeg(data, [blocks for *_, blocks in _kernels.read_jpeg(data)]) == data


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_holds_any_coefficients_it_is_given(tmp_path, options):
    data = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    rng = np.random.default_rng(2)
    blocks = [
        component[4]
        + rng.integers(-40, 41, component[4].shape, np.int16)
        * (rng.random(component[4].shape) < 0.2)
        for component in _kernels.read_jpeg(data)
    ]
    blocks = [np.clip(values, -900, 900).astype(np.int16) for values in blocks]
    written = _kernels.write_jpeg(data, blocks)
    for values, (_, _across, _down, _, read) in zip(
        blocks, _kernels.read_jpeg(written), strict=True
    ):
        used = values[: -(-H // 8), : -(-W // 8)] if len(blocks) == 1 else values
        assert (
            read[: len(used)] == used
        ).mean() > 0.9  # blocks that pad a component are not in scans of their own
    with Image.open(io.BytesIO(written)) as opened:
        opened.load()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_new_jpeg_has_the_quality_95(tmp_path, channels):
    """As libjpeg's tables have it, in Pillow."""
    write_picture(tmp_path / "a.jpg", picture(channels=channels))
    coded = io.BytesIO()
    Image.fromarray(picture(channels=channels)).save(coded, "JPEG", quality=95)
    with Image.open(tmp_path / "a.jpg") as made, Image.open(coded) as expected:
        assert made.quantization == expected.quantization


def in_scans_of_their_own(data):
    """A sequential JPEG with one scan for each of its three components."""
    start = data.index(b"\xff\xda")
    parts = data[start + 5 : start + 11]
    scans = [
        b"\xff\xda\0\x08\1" + parts[at : at + 2] + data[start + 11 : start + 14] for at in (0, 2, 4)
    ]
    template = data[:start] + b"".join(scans) + b"\xff\xd9"
    return _kernels.write_jpeg(template, [blocks for *_, blocks in _kernels.read_jpeg(data)])


def test_a_quantisation_table_may_come_before_the_first_scan_that_needs_it(tmp_path):
    """That of the colours, behind the scan of the luminance; the header has another one."""
    path = tmp_path / "plain.jpg"
    data = in_scans_of_their_own(jpeg(path, subsampling=0).read_bytes())
    path.write_bytes(data)
    table = data.index(b"\xff\xdb\0\x43\1")
    right = data[table : table + 69]
    colours = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    wrong = right[:5] + bytes(64 * [99])
    moved = data[:table] + wrong + data[table + 69 : colours] + right + data[colours:]
    other = tmp_path / "moved.jpg"
    other.write_bytes(moved)
    assert np.array_equal(open_frame(other).pixels, open_frame(path).pixels)
    out, _ = rewritten(other)
    assert np.array_equal(open_frame(out).pixels, open_frame(rewritten(path)[0]).pixels)
    assert out.read_bytes().count(right) == 1


@pytest.mark.parametrize("options", [*JPEGS, {"scans": 3}, {"scans": 3, "subsampling": 2}], ids=str)
def test_copied_bits_are_those_that_the_coder_would_write(tmp_path, options):
    options = dict(options)
    apart = options.pop("scans", 1) == 3
    path = jpeg(tmp_path / "a.jpg", **options)
    data = in_scans_of_their_own(path.read_bytes()) if apart else path.read_bytes()
    path.write_bytes(data)
    before = open_frame(path).pixels
    with Image.open(path) as opened:
        assert np.array_equal(np.asarray(opened), before)
    rng = np.random.default_rng(6)
    for share in (0, 0.0005, 0.003, 0.03, 1):
        changed = rng.random((H, W)) < share
        changed[-1, -1] |= share > 0  # the block that ends the file
        after = before.copy()
        after[changed] = 255 - after[changed]
        frame = open_frame(path)
        frame.write(after, tmp_path / "out.jpg")
        written = (tmp_path / "out.jpg").read_bytes()
        coefficients = [blocks for *_, blocks in _kernels.read_jpeg(written)]
        assert _kernels.write_jpeg(data, coefficients) == written
        assert (written == data) == (share == 0)


def test_jpeg_coefficients_are_those_of_the_transform():
    """Against the definition, ITU-T T.81 A.3.3, in double precision."""
    pixels = picture(channels=1)[:56, :80]
    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "JPEG", quality=95)
    ((_, _, _, quantisation, blocks),) = _kernels.read_jpeg(coded.getvalue())
    k = np.arange(8)
    basis = np.cos((2 * k + 1) * k[:, None] * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    expected = (
        np.einsum("ui,yixj,vj->yxuv", basis, pixels.reshape(7, 8, 10, 8) - 128.0, basis)
        / quantisation
    )
    assert (
        np.abs(blocks - expected).max() < 0.75
    )  # rounded, by an encoder that computes in integers


def test_jpeg_with_preview_pictures_says_that_they_are_left_out(tmp_path):
    first, second = Image.fromarray(picture()), Image.fromarray(picture()[::-1])
    first.save(
        tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], exif=exif(), quality=90
    )
    assert (tmp_path / "a.jpg").read_bytes().count(b"\xff\xd8\xff") == 2
    out, notes = rewritten(tmp_path / "a.jpg")
    assert len(notes) == 1
    assert "preview" in notes[0]
    with Image.open(out) as opened:
        assert opened.format == "JPEG"
        assert opened.getexif()[0x0112] == 6
