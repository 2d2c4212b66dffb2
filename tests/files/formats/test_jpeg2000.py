"""JPEG 2000: every box stays, and so do all pixels away from the repair."""

import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust.errors import DustbustError
from dustbust.files.formats.jpeg2000 import _box
from dustbust.files.read import header_of, open_frame
from helpers.frame_files import XMP, XMP_THUMBNAIL, exif, picture, refused, repaired, rewritten


def box(name, content):
    return struct.pack(">I4s", len(content) + 8, name) + content


def boxes_of(data):
    """The boxes of a JP2 file: (name, content)."""
    found, position = [], 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        found.append((name, data[position + 8 : position + length]))
        position += length
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("reversible", [True, False])
def test_jpeg_2000_keeps_every_box_and_the_pixels(tmp_path, dtype, channels, reversible):
    path = tmp_path / "a.jp2"
    whole = imagecodecs.jpeg2k_encode(
        picture(dtype, channels),
        level=0 if reversible else 60,
        codecformat="jp2",
        reversible=reversible,
    )
    *front, (last, codestream) = boxes_of(whole)
    assert last == b"jp2c"
    others = [*front, (b"xml ", XMP), (b"jp2c", codestream), (b"uuid", bytes(range(16)) + exif())]
    path.write_bytes(b"".join(box(*other) for other in others))
    before = open_frame(path).pixels
    assert before.dtype == dtype
    assert before.shape == picture(dtype, channels).shape
    out, notes = rewritten(path)
    assert bool(notes) is not reversible
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    new = boxes_of(out.read_bytes())
    assert [one for one in new if one[0] != b"jp2c"] == [one for one in others if one[0] != b"jp2c"]
    assert [name for name, _ in new] == [name for name, _ in others]
    if dtype == "uint8":
        with Image.open(out) as picture_again:
            assert np.array_equal(np.asarray(picture_again), repaired(before))


def test_jpeg_2000_that_was_cut_to_a_size_is_said_to_grow(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jp2", quality_mode="rates", quality_layers=[10])
    _, notes = rewritten(tmp_path / "a.jp2")
    assert "lossy JPEG 2000" in notes[0]


def test_jpeg_2000_without_boxes(tmp_path):
    path = tmp_path / "a.j2k"
    path.write_bytes(
        imagecodecs.jpeg2k_encode(picture("uint16"), level=0, codecformat="j2k", reversible=True)
    )
    out, notes = rewritten(path)
    assert not notes
    assert np.array_equal(imagecodecs.jpeg2k_decode(out.read_bytes()), repaired(picture("uint16")))


def test_jpeg_2000_that_would_not_come_out_as_it_went_in(tmp_path):
    for bits in (4, 12):
        deep = (picture("uint16", 1) >> 16 - bits).astype("uint16" if bits > 8 else "uint8")
        (tmp_path / "bits.jp2").write_bytes(
            imagecodecs.jpeg2k_encode(deep, level=0, bitspersample=bits, reversible=True)
        )
        refused(tmp_path / "bits.jp2", f"{bits} bits")
    whole = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="jp2", reversible=True)
    assert whole.count(struct.pack(">4sBBBI", b"colr", 1, 0, 0, 16)) == 1
    (tmp_path / "sycc.jp2").write_bytes(
        whole.replace(
            struct.pack(">4sBBBI", b"colr", 1, 0, 0, 16),
            struct.pack(">4sBBBI", b"colr", 1, 0, 0, 18),
        )
    )
    refused(tmp_path / "sycc.jp2", "type 18")
    smaller = bytearray(whole)
    smaller[whole.index(b"\xff\x4f\xff\x51") + 46] = 2  # the second channel, across
    (tmp_path / "smaller.jp2").write_bytes(smaller)
    refused(tmp_path / "smaller.jp2", "smaller colour channels")
    (tmp_path / "two.jp2").write_bytes(whole + box(*boxes_of(whole)[-1]))
    refused(tmp_path / "two.jp2", "2 pictures")


def test_jpeg_2000_boxes_that_may_name_places_go_and_it_is_said(tmp_path):
    """Such as the fragment table, with the places of parts of the picture in the file."""
    path = tmp_path / "a.jp2"
    whole = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="jp2", reversible=True)
    path.write_bytes(whole + box(b"ftbl", bytes(24)) + box(b"xml ", XMP) + box(b"mdat", b"12"))
    out, notes = rewritten(path)
    assert notes == ["boxes that may depend on its old pixels were left out: ftbl, mdat"]
    names = [name for name, _ in boxes_of(out.read_bytes())]
    assert b"xml " in names
    assert b"ftbl" not in names
    assert np.array_equal(open_frame(out).pixels, repaired(picture()))


def test_a_box_of_four_gigabytes_states_its_length_in_eight_bytes():
    """ISO 15444-1, I.4: a length of 1, and behind the type the length with all that is before."""

    class Long(bytes):
        def __len__(self):
            return (1 << 32) - 8

    assert _box(b"jp2c", b"x" * 5) == b"\0\0\0\x0djp2cxxxxx"
    head = _box(b"jp2c", Long(b"content"))
    assert head[:8] == b"\0\0\0\1jp2c"
    assert int.from_bytes(head[8:16], "big") == (1 << 32) - 8 + 16
    assert head[16:] == b"content"


@pytest.mark.parametrize(
    "content",
    [
        (b"xml ", XMP_THUMBNAIL),
        (b"uuid", bytes(range(16)) + XMP_THUMBNAIL),
        (b"uuid", b"JpgTiffExif->JP2II*\0\x08\0\0\0\0\0\x0e\0\0\0" + bytes(6)),
    ],
)
def test_jpeg_2000_thumbnails_in_metadata_are_said(tmp_path, content):
    path = tmp_path / "a.jp2"
    whole = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="jp2", reversible=True)
    path.write_bytes(whole + box(*content))
    assert rewritten(path)[1] == ["the thumbnail in it still shows the dust"]


@pytest.mark.parametrize("name", ["a.jp2", "a.j2k"])
def test_a_small_file_that_claims_a_huge_picture_is_refused_before_it_is_decoded(
    tmp_path, monkeypatch, name
):
    path = tmp_path / name
    Image.new("L", (60, 40), 128).save(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\x4f\xff\x51") + 8
    data[at : at + 8] = struct.pack(">2I", 20_000, 10_000)
    data[at + 16 : at + 24] = struct.pack(">2I", 20_000, 10_000)  # one tile
    path.write_bytes(data)
    monkeypatch.setattr(imagecodecs, "jpeg2k_decode", None)
    refused(path, "it ends before its end")
    with pytest.raises(DustbustError, match="it ends before its end"):
        header_of(path)


def test_a_blank_page_is_as_small_as_it_is(tmp_path):
    path = tmp_path / "a.jp2"
    path.write_bytes(imagecodecs.jpeg2k_encode(np.full((4000, 6000), 255, np.uint8), level=0))
    assert path.stat().st_size < 500
    assert header_of(path)[0] == (6000, 4000)


def test_jpeg_2000_what_is_behind_the_end_of_a_bare_codestream_stays(tmp_path):
    path = tmp_path / "a.j2k"
    coded = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="j2k", reversible=True)
    path.write_bytes(coded + bytes(100))
    out, notes = rewritten(path)
    assert not notes
    assert out.read_bytes().endswith(b"\xff\xd9" + bytes(100))
    assert np.array_equal(open_frame(out).pixels, repaired(picture()))


@pytest.mark.parametrize("tiles", [False, True])
def test_jpeg_2000_that_claims_far_more_than_it_holds_is_refused_at_once(tmp_path, tiles):
    path = tmp_path / "a.j2k"
    coded = bytearray(
        imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="j2k", reversible=True)
    )
    for at in (8, 12, *((24, 28) if tiles else ())):
        struct.pack_into(">I", coded, at, 20_000)
    path.write_bytes(coded)
    refused(path, "it ends before its end")


def test_jpeg_2000_boxes_with_lengths_of_eight_bytes_are_read_and_kept(tmp_path):
    path = tmp_path / "a.jp2"
    whole = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="jp2", reversible=True)
    *_, (_, codestream) = boxes_of(whole)

    def long_box(name, content):
        return struct.pack(">I4sQ", 1, name, 16 + len(content)) + content

    front = whole[: -8 - len(codestream)] + long_box(b"xml ", XMP_THUMBNAIL)
    path.write_bytes(front + long_box(b"jp2c", codestream) + box(b"xml ", XMP))
    assert np.array_equal(open_frame(path).pixels, picture())
    out, notes = rewritten(path)
    assert notes == ["the thumbnail in it still shows the dust"]
    assert np.array_equal(open_frame(out).pixels, repaired(picture()))
    assert out.read_bytes().startswith(front)
    assert out.read_bytes().endswith(box(b"xml ", XMP))
