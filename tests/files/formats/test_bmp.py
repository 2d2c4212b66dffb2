"""BMP: every byte stays but the repaired pixels."""

import struct

import numpy as np
import pytest
from PIL import Image

from dustbust.files.read import open_frame
from helpers.frame_files import H, W, picture, refused, repaired, rewritten


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("from_the_top", [False, True])
def test_bmp_keeps_all_bytes_but_the_pixels(tmp_path, mode, from_the_top):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).convert(mode).save(path, dpi=(2400, 2400))
    if from_the_top:
        data = bytearray(path.read_bytes())
        data[22:26] = struct.pack("<i", -H)
        path.write_bytes(data)
    with Image.open(path) as expected:
        before = np.asarray(expected.convert(mode))
    assert np.array_equal(open_frame(path).pixels, before)
    out, notes = rewritten(path)
    assert not notes
    with Image.open(out) as new:
        assert np.array_equal(np.asarray(new.convert(mode)), repaired(before))
        assert round(new.info["dpi"][0]) == 2400
    old, new = (np.frombuffer(file.read_bytes(), np.uint8) for file in (path, out))
    assert old.shape == new.shape
    assert (old != new).sum() <= (repaired(before) != before).sum()


def test_bmp_with_32_bits_keeps_the_fourth_byte(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture(channels=4), "RGBA").save(path)
    (begin,) = struct.unpack_from("<I", path.read_bytes(), 10)
    assert np.array_equal(open_frame(path).pixels, picture(channels=4)[..., :3])
    out, _ = rewritten(path)
    stored = np.frombuffer(out.read_bytes()[begin:], np.uint8).reshape(H, W, 4)[::-1]
    assert np.array_equal(
        stored,
        np.dstack([repaired(picture(channels=4)[..., :3])[..., ::-1], picture(channels=4)[..., 3]]),
    )


def test_bmp_with_a_palette_or_compressed_is_refused(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).convert("P").save(path)
    refused(path, "indexed")
    Image.fromarray(picture()[:4, :4]).quantize(16).save(path)  # shorter than 256 greys
    refused(path, "indexed")
    Image.fromarray(picture(channels=1)).convert("1").save(path)
    refused(path, "indexed")
    Image.fromarray(picture(channels=4), "RGBA").save(path)
    data = bytearray(path.read_bytes())
    data[30] = 3  # its header says where in a pixel the colours are
    path.write_bytes(data)
    refused(path, "32 bits and compression 3")
    Image.fromarray(picture(channels=1)).save(path)
    data = bytearray(path.read_bytes())
    data[30] = 1  # runs of equal bytes
    path.write_bytes(data)
    refused(path, "indexed")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_of_a_bmp_begin_behind_its_header(tmp_path, mode):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).convert(mode).save(path)
    data = bytearray(path.read_bytes())
    pixels = open_frame(path).pixels
    end = 14 + 40 + (1024 if mode == "L" else 0)
    data[10:14] = struct.pack("<I", 0)  # what some programs write there
    path.write_bytes(data)
    assert np.array_equal(open_frame(path).pixels, pixels)
    out, _ = rewritten(path)
    assert out.read_bytes()[:end] == data[:end]
    for begin in (1, end - 1):
        data[10:14] = struct.pack("<I", begin)
        path.write_bytes(data)
        refused(path, "its pixels begin within its header")


def test_a_bmp_that_lacks_its_last_byte_is_said_to_be_incomplete(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).save(path)
    path.write_bytes(path.read_bytes()[:-1])
    refused(path, "it ends before its end")
