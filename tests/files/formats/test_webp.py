"""WebP: metadata stay, and so do all pixels away from the repair."""

import struct

import numpy as np
import pytest
from PIL import Image

from dustbust.files.read import header_of, open_frame
from helpers.frame_files import ICC, XMP, XMP_THUMBNAIL, exif, picture, refused, repaired, rewritten


@pytest.mark.parametrize("size", [(83, 61), (700, 2), (3, 1000), (1, 1)])
@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"quality": 80}, {"lossless": True, "exif": exif()}]
)
def test_the_size_of_each_kind_of_webp_is_in_its_header(tmp_path, size, options):
    Image.new("RGB", size, (90, 120, 60)).save(tmp_path / "a.webp", **options)
    kinds = {"quality": b"VP8 ", "exif": b"VP8X", "lossless": b"VP8L"}
    kind = next(name for option, name in kinds.items() if option in options)
    assert (tmp_path / "a.webp").read_bytes()[12:16] == kind
    assert header_of(tmp_path / "a.webp")[0] == size
    assert open_frame(tmp_path / "a.webp").pixels.shape == (*size[::-1], 3)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_keeps_metadata_and_pixels(tmp_path, channels, lossless):
    path = tmp_path / "a.webp"
    Image.fromarray(picture(channels=channels)).save(
        path, lossless=lossless, exact=True, quality=80, exif=exif(), icc_profile=ICC, xmp=XMP
    )
    before = open_frame(path).pixels
    out, notes = rewritten(path)
    assert bool(notes) is not lossless
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    with Image.open(path) as old, Image.open(out) as new:
        assert all(new.info[key] == old.info[key] for key in ("exif", "icc_profile", "xmp"))


def test_webp_unknown_chunks_go_and_what_is_behind_the_end_stays(tmp_path):
    path = tmp_path / "a.webp"
    Image.fromarray(picture()).save(path, lossless=True, exif=exif())
    data = path.read_bytes() + b"ABCD" + struct.pack("<I", 4) + b"1234"
    tail = b"behind the end"
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:] + tail)
    out, notes = rewritten(path)
    assert notes == ["chunks that may depend on its old pixels were left out: ABCD"]
    assert out.read_bytes().endswith(tail)
    assert np.array_equal(open_frame(out).pixels, repaired(picture()))


@pytest.mark.parametrize("missing", [1, 7, 15])
def test_webp_that_ends_early_is_refused(tmp_path, missing):
    path = tmp_path / "a.webp"
    Image.fromarray(picture()).save(path, lossless=True)
    path.write_bytes(path.read_bytes()[:-missing])
    refused(path, "ends before its end")


def test_webp_thumbnail_in_its_xmp_is_said(tmp_path):
    path = tmp_path / "a.webp"
    Image.fromarray(picture()).save(path, lossless=True, xmp=XMP_THUMBNAIL)
    assert rewritten(path)[1] == ["the thumbnail in it still shows the dust"]


def test_webp_of_a_few_bytes_that_claims_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / "a.webp"
    Image.fromarray(picture()).save(path, lossless=True)
    data = bytearray(path.read_bytes())
    at = data.index(b"VP8L") + 9  # width and height, less one, in 14 bits each
    (bits,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at, bits | 0xFFFFFFF)
    path.write_bytes(data)
    refused(path, "it ends before its end")
