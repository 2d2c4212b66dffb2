"""PNG: depth and every chunk stay, and so do all pixels away from the repair."""

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust.files.read import open_frame
from helpers.frame_files import picture, png, repaired, rewritten


def png_chunks(path):
    data, at, found = path.read_bytes(), 8, []
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name != b"IDAT":
            found.append((name, data[at + 8 : at + 8 + length]))
        elif found[-1] != b"IDAT":
            found.append(b"IDAT")
        at += 12 + length
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_depth_and_every_chunk(tmp_path, dtype, channels):
    pixels = picture(dtype, channels)
    path = png(tmp_path / "a.png", pixels)
    assert np.array_equal(open_frame(path).pixels, pixels)
    out, notes = rewritten(path)
    assert notes == []
    assert png_chunks(out) == png_chunks(path)
    assert np.array_equal(imagecodecs.png_decode(out.read_bytes()), repaired(pixels))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(61, 83), (1, 1), (3, 2), (9, 5)])
def test_png_stays_interlaced(tmp_path, mode, size):
    """Adam7, read by Pillow."""
    pixels = picture("uint16" if mode == "I;16" else "uint8", {"RGB": 3, "RGBA": 4}.get(mode, 1))[
        : size[0], : size[1]
    ]
    path = png(tmp_path / "a.png", np.ascontiguousarray(pixels))
    frame = open_frame(path)
    name, header = frame.chunks[0]
    frame.chunks[0], frame.interlaced = (name, header[:12] + b"\1"), 1
    frame.write(pixels[::-1], tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as opened:
        assert opened.info["interlace"] == 1
        assert np.array_equal(np.asarray(opened), pixels[::-1])
    assert np.array_equal(open_frame(tmp_path / "b.png").pixels, pixels[::-1])
    out, _ = rewritten(tmp_path / "b.png", pixels)
    with Image.open(out) as opened:
        assert opened.info["interlace"] == 1
        assert np.array_equal(np.asarray(opened), pixels)
