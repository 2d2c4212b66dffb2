"""PNG: depth and every chunk stay, and so do all pixels away from the repair."""

import struct
import time
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust import DustbustError
from dustbust.files.read import header_of, open_frame
from helpers.frame_files import XMP_THUMBNAIL, chunk, picture, png, refused, repaired, rewritten


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


def with_chunks(path, *more, tail=b""):
    """The file with more chunks before its pixels, and something behind its end."""
    data = path.read_bytes()
    path.write_bytes(data[:33] + b"".join(chunk(*each) for each in more) + data[33:] + tail)
    return path


def test_png_chunks_that_are_unsafe_to_copy_go_and_it_is_said(tmp_path):
    """Such as Apple's, with the place of the second half of the pixels."""
    path = with_chunks(
        png(tmp_path / "a.png", picture()),
        (b"iDOT", bytes(28)),
        (b"prVW", b"a preview"),
        (b"safe", b"whatever"),
        (b"sBIT", b"\7\7\7"),
        (b"iDOT", bytes(28)),
    )
    out, notes = rewritten(path)
    assert notes == ["chunks that depend on its old pixels were left out: iDOT, prVW"]
    names = [each[0] for each in png_chunks(out)]
    assert b"safe" in names
    assert b"sBIT" in names
    assert b"iDOT" not in names
    assert b"prVW" not in names


@pytest.mark.parametrize("tail", [b"\0", b"PK\3\4 something else" * 50])
def test_png_what_is_behind_the_end_stays(tmp_path, tail):
    path = with_chunks(png(tmp_path / "a.png", picture("uint16")), tail=tail)
    out, notes = rewritten(path)
    assert notes == []
    assert out.read_bytes().endswith(tail)
    assert np.array_equal(open_frame(out).pixels, repaired(picture("uint16")))


EXIF_THUMBNAIL = b"II*\0\x08\0\0\0\0\0" + struct.pack("<I", 14) + bytes(6)
# In lines, as ImageMagick writes them.
RAW_PROFILE = b"\nexif\n      26\n" + (b"Exif\0\0" + EXIF_THUMBNAIL).hex("\n", -6).encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"eXIf", EXIF_THUMBNAIL),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP_THUMBNAIL),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(XMP_THUMBNAIL)),
        (b"tEXt", b"Raw profile type exif\0" + RAW_PROFILE),
        (b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(RAW_PROFILE)),
    ],
)
def test_png_thumbnails_in_metadata_are_said(tmp_path, name, content):
    path = with_chunks(png(tmp_path / "a.png", picture()), (name, content))
    assert rewritten(path)[1] == ["the thumbnail in it still shows the dust"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"iTXt", b"XML:com.adobe.xmp"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0not deflated"),
        (b"zTXt", b"Raw profile type exif\0"),
        (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(1 << 25))),
        (b"tEXt", b"Raw profile type exif\0\nexif\n 1\nxyz"),
        (b"tEXt", b"\xff"),
        (b"iTXt", b"Comment\0\0\0\0\0" + XMP_THUMBNAIL),
    ],
)
def test_png_damaged_metadata_and_other_texts_stay_as_they_are(tmp_path, name, content):
    path = with_chunks(png(tmp_path / "a.png", picture()), (name, content))
    out, notes = rewritten(path)
    assert notes == []
    assert content in out.read_bytes()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_plain_pictures_that_are_deflated_to_nearly_nothing_are_read(tmp_path, dtype, channels):
    pixels = np.zeros((1000, 1000, channels), dtype)
    path = tmp_path / "a.png"
    path.write_bytes(imagecodecs.png_encode(pixels, level=9))
    assert pixels.nbytes > 800 * path.stat().st_size
    assert not open_frame(path).pixels.any()


def test_png_that_claims_a_huge_picture_costs_little(tmp_path):
    path = png(tmp_path / "a.png", picture())
    data = bytearray(path.read_bytes())
    struct.pack_into(">II", data, 16, 20000, 20000)
    path.write_bytes(data)
    refused(path, "damaged or incomplete")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_whose_data_cannot_be_that_long_is_not_decoded(tmp_path, dtype, channels):
    """A byte of deflated data stands for 1032 bytes of pixels at most."""
    path = tmp_path / "a.png"
    data = bytearray(imagecodecs.png_encode(picture(dtype, channels)[:9, :9]))
    longest = 1032 * (len(data) - 8 - 25 - 12)  # without signature, IHDR and IEND
    bits = 8 * channels * np.dtype(dtype).itemsize
    struct.pack_into(">II", data, 16, int(1.2 * longest * 8 / bits), 1)
    path.write_bytes(data)
    refused(path, "ends before its end")


def test_png_that_is_read_back_otherwise_than_written_is_refused(tmp_path, monkeypatch):
    from dustbust.files.formats import png as module

    frame = open_frame(png(tmp_path / "a.png", picture()))
    real = module._image_data
    monkeypatch.setattr(module, "_image_data", lambda pixels: real(pixels[::-1]))
    with pytest.raises(DustbustError, match="read back"):
        frame.write(repaired(frame.pixels), tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", [b"CgBI", b"ABCd", b"XYZZ"])
@pytest.mark.parametrize("first", [False, True])
def test_png_with_an_unknown_chunk_that_is_needed_is_refused(tmp_path, name, first):
    """As Apple's CgBI of iPhones, whose pixels are stored in another way."""
    path = with_chunks(png(tmp_path / "a.png", picture()), (name, b"1234"))
    if first:
        data, at = path.read_bytes(), 8 + 12 + 13
        path.write_bytes(data[:8] + data[at : at + 16] + data[8:at] + data[at + 16 :])
    for read in (open_frame, header_of):
        with pytest.raises(DustbustError, match=f"holds the chunk {name.decode()}, without which"):
            read(path)


def test_png_with_many_chunks_takes_little_time(tmp_path):
    path = png(tmp_path / "a.png", picture())
    data = path.read_bytes()
    at = data.index(b"IDAT") - 4
    texts = chunk(b"tEXt", b"a\0b") * 30_000
    path.write_bytes(data[:at] + texts + chunk(b"IDAT", b"") * 30_000 + data[at:])
    begin = time.process_time()
    assert np.array_equal(open_frame(path).pixels, picture())
    assert time.process_time() - begin < 5
