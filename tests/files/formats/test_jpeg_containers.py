"""JPEGs with something behind the picture, with odd headers, and with other copies of it."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust import DustbustError, _kernels
from dustbust.files.formats import jpeg as jpeg_format
from dustbust.files.read import header_of, open_frame, read_luminance
from helpers.frame_files import (
    XMP_THUMBNAIL,
    H,
    W,
    exif,
    jpeg,
    picture,
    refused,
    repaired,
    rewritten,
)
from helpers.jpeg_coder import Table, segment

RNG = np.random.default_rng(1)
VIDEO = b"\0\0\0\x18ftypmp42" + RNG.bytes(300_000)


def coded(pixels=None, **options):
    file = io.BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).save(
        file, "JPEG", **{"quality": 90, **options}
    )
    return file.getvalue()


def frame_header(data):
    """The place of the frame header."""
    at = 2
    while not (0xC0 <= data[at + 1] <= 0xCF and data[at + 1] not in (0xC4, 0xC8, 0xCC)):
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return at


def with_segment(data, marker, content):
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + data[2:]


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    "tail",
    [VIDEO, b"SEFT", b"\0", b"\xff\xda" * 2000, b"\xff\xd9\xff\xd9", b"PK\3\4" + bytes(100)],
    ids=["video", "trailer", "zero", "scans", "ends", "archive"],
)
def test_what_is_behind_the_end_stays_byte_for_byte(tmp_path, tail, progressive):
    path = tmp_path / "a.jpg"
    path.write_bytes(coded(progressive=progressive) + tail)
    plain = np.asarray(Image.open(io.BytesIO(coded(progressive=progressive))))
    assert np.array_equal(open_frame(path).pixels, plain)
    out, notes = rewritten(path)
    assert notes == []
    data = out.read_bytes()
    assert data.endswith(tail)
    assert data[: -len(tail)].endswith(b"\xff\xd9")
    with Image.open(out) as opened:
        assert (np.asarray(opened) != plain).any()


def test_another_picture_behind_the_end_is_kept_and_said(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(coded() + coded(picture()[::4, ::4].copy()))
    out, notes = rewritten(path)
    assert notes == ["another picture behind it in the file was kept as it is"]
    assert out.read_bytes().endswith(coded(picture()[::4, ::4].copy()))


def test_previews_in_the_list_of_pictures_go_and_the_video_behind_them_stays(tmp_path):
    first, second = Image.fromarray(picture()), Image.fromarray(picture()[::-1].copy())
    path = tmp_path / "a.jpg"
    first.save(path, "MPO", save_all=True, append_images=[second], quality=90)
    path.write_bytes(path.read_bytes() + VIDEO)
    out, notes = rewritten(path)
    assert notes == ["the preview pictures appended to it were left out"]
    data = out.read_bytes()
    assert data.endswith(VIDEO)
    assert data[: -len(VIDEO)].count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True}], ids=str)
@pytest.mark.parametrize("more", [b"", b"\0\0\x01\x0aImage_UTC_Data" + VIDEO[:5000] + b"SEFT"])
def test_a_file_without_an_end_marker_is_read_as_libjpeg_reads_it(tmp_path, options, more):
    whole = coded(**options)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:-2] + more)
    assert np.array_equal(open_frame(path).pixels, np.asarray(Image.open(io.BytesIO(whole))))
    assert read_luminance(path).shape == (H, W)
    out, notes = rewritten(path)
    assert notes == ["its missing end marker was added"]
    assert out.read_bytes().endswith(more)
    with Image.open(out) as opened:
        opened.load()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.98])
def test_a_file_that_is_cut_off_is_refused_with_and_without_an_end_marker(
    tmp_path, share, progressive
):
    data = coded(progressive=progressive)
    cut = data[: int(len(data) * share)]
    for end in (b"", b"\xff\xd9"):
        (tmp_path / "a.jpg").write_bytes(cut + end)
        if progressive and end:  # fewer scans are a whole picture
            continue
        for read in (open_frame, read_luminance):
            with pytest.raises(DustbustError):
                read(tmp_path / "a.jpg")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}], ids=str)
def test_a_height_behind_the_data_is_read_and_moved_to_the_header(tmp_path, options):
    data = bytearray(coded(**options))
    plain = np.asarray(Image.open(io.BytesIO(bytes(data))))
    struct.pack_into(">H", data, frame_header(data) + 5, 0)
    first = data.index(b"\xff\xda")
    after = next(
        at
        for at in range(first + 2 + struct.unpack_from(">H", data, first + 2)[0], len(data))
        if data[at] == 0xFF and data[at + 1] not in (0, *range(0xD0, 0xD8))
    )
    data[after:after] = b"\xff\xdc\0\4" + struct.pack(">H", H)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    assert header_of(path)[0] == (W, H)
    assert np.array_equal(open_frame(path).pixels, plain)
    out, notes = rewritten(path)
    assert notes == ["its height, which was behind the data, was moved to the header"]
    with Image.open(out) as opened:
        assert opened.size == (W, H)


@pytest.mark.parametrize("height", [65500, 65535, 20000, 4 * H, H + 17])
def test_a_false_height_is_one_sentence_for_estimate_too(tmp_path, height):
    data = bytearray(coded())
    struct.pack_into(">H", data, frame_header(data) + 5, height)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    for read in (open_frame, read_luminance):
        with pytest.raises(DustbustError, match=f"height of {height} rows"):
            read(path)


def test_a_grey_corner_is_not_taken_for_missing_data(tmp_path):
    pixels = picture()
    pixels[-16:, -16:] = 128
    (tmp_path / "a.jpg").write_bytes(coded(pixels, quality=100, subsampling=0))
    assert open_frame(tmp_path / "a.jpg").pixels.shape == (H, W, 3)


@pytest.mark.parametrize("marker", [0xC3, 0xC5, 0xC9, 0xCA, 0xCB, 0xCD])
def test_codings_that_cannot_be_written_back_are_refused_by_estimate_already(tmp_path, marker):
    data = bytearray(coded())
    data[frame_header(data) + 1] = marker
    (tmp_path / "a.jpg").write_bytes(data)
    word = "arithmetic" if marker >= 0xC9 else "lossless or hierarchical"
    for read in (open_frame, read_luminance):
        with pytest.raises(DustbustError, match=word):
            read(tmp_path / "a.jpg")


def test_subsampling_by_a_fraction_is_refused_by_estimate_already(tmp_path):
    data = bytearray(coded())
    at = frame_header(data)
    data[at + 11], data[at + 14] = 0x31, 0x21
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(DustbustError, match="by a fraction"):
        read_luminance(tmp_path / "a.jpg")


def test_of_a_quantisation_table_that_is_redefined_the_first_use_counts(tmp_path):
    """As libjpeg decodes: a component keeps the table that it had in its first scan."""
    data = coded(progressive=True)
    tables = data[data.index(b"\xff\xdb") :]
    (length,) = struct.unpack_from(">H", tables, 2)
    other = bytearray(tables[: length + 2])
    other[5:] = bytes(other[5:6]) + bytes(min(255, 3 * value + 1) for value in other[6:])
    second = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    changed = data[:second] + bytes(other) + data[second:]
    path = tmp_path / "a.jpg"
    path.write_bytes(changed)
    plain = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(open_frame(path).pixels, plain)
    (tmp_path / "plain.jpg").write_bytes(data)
    plainly, _ = rewritten(tmp_path / "plain.jpg")
    assert rewritten(path)[0].read_bytes() == plainly.read_bytes()


def test_thumbnails_stay_and_are_said(tmp_path):
    thumbnail = coded(picture()[::4, ::4].copy())
    ifd = b"II*\0\x08\0\0\0\0\0" + struct.pack("<I", 14)  # an empty first directory
    entries = [(513, 4, 1, 14 + 2 + 24 + 4), (514, 4, 1, len(thumbnail))]
    second = struct.pack("<H", 2) + b"".join(struct.pack("<HHII", *each) for each in entries)
    kinds = {
        "exif": (0xE1, b"Exif\0\0" + ifd + second + bytes(4) + thumbnail),
        "photoshop": (
            0xED,
            b"Photoshop 3.0\x008BIM\x04\x0c\0\0" + struct.pack(">I", 40) + bytes(40),
        ),
        "jfif": (0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\3" + bytes(18)),
        "jfxx": (0xE0, b"JFXX\0\x10" + thumbnail),
        "xmp": (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP_THUMBNAIL),
        "photodeluxe": (
            0xED,
            b"Photoshop 3.0\0PHUT\x04\x09\0\0\0\0\0\x02ab8BIM\x04\x0c\0\0\0\0\0\x01abc",
        ),
    }
    for name, (marker, content) in kinds.items():
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(with_segment(coded(), marker, content))
        out, notes = rewritten(path)
        assert notes == ["the thumbnail in it still shows the dust"], name
        assert content in out.read_bytes()
    assert rewritten(jpeg(tmp_path / "plain.jpg"))[1] == []
    none = (
        coded(exif=exif()),
        with_segment(coded(), 0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\0" + bytes(18)),  # 2 x 0 px
        with_segment(coded(), 0xE0, b"JFIF\0\1\2\0\0\1\0\1\2\3"),  # without its pixels
        with_segment(coded(), 0xE2, b"JFIF\0\1\2\0\0\1\0\1\2\3" + bytes(18)),
    )
    for data in none:
        (tmp_path / "b.jpg").write_bytes(data)
        assert rewritten(tmp_path / "b.jpg")[1] == []


def test_content_credentials_and_residues_are_left_out_and_it_is_said(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(with_segment(coded(), 0xEB, b"JP\0\1\0\0\0\1" + bytes(50) + b"jumb"))
    out, notes = rewritten(path)
    assert len(notes) == 1
    assert "content credentials" in notes[0]
    assert b"jumb" not in out.read_bytes()


def test_of_several_boxes_and_other_segments_only_the_boxes_are_left_out(tmp_path):
    others = [(0xEB, b"HDR_RI"), (0xE4, b"JP of somebody")]
    plain, boxed = tmp_path / "plain.jpg", tmp_path / "boxed.jpg"
    data = coded()
    for marker, content in others:
        data = with_segment(data, marker, content)
    plain.write_bytes(data)
    for size in (50, 7):
        data = with_segment(data, 0xEB, b"JP\0\1" + bytes(size))
    boxed.write_bytes(data)
    expected, notes = rewritten(plain)
    assert notes == []
    assert all(content in expected.read_bytes() for _, content in others)
    assert rewritten(boxed)[0].read_bytes() == expected.read_bytes()


@pytest.mark.parametrize("listed", [False, True])
def test_a_written_file_that_differs_is_refused(tmp_path, monkeypatch, listed):
    """What was written is read before it is given away, by libjpeg if there is no list of edits."""
    path = jpeg(tmp_path / "a.jpg")
    frame = open_frame(path)
    real = _kernels.repair_jpeg

    def wrong(*arguments):
        written, edits = real(*arguments)
        blocks = [blocks for *_, blocks in _kernels.read_jpeg(written)]
        blocks[0][0, 0, 0, 0] += 40  # far from the repair
        return _kernels.write_jpeg(written, blocks), edits if listed else None

    monkeypatch.setattr(_kernels, "repair_jpeg", wrong)
    with pytest.raises(DustbustError, match="read back"):
        frame.write(repaired(frame.pixels), tmp_path / "out.jpg")
    assert not (tmp_path / "out.jpg").exists()


def repair_of(path):
    """(the file, its repaired copy, which pixels changed, the list of edits)."""
    frame = open_frame(path)
    wanted = repaired(frame.pixels)
    changed = (wanted != frame.pixels).reshape(H, W, -1).any(axis=2)
    data = frame.parts.picture
    return data, *jpeg_format._repaired(data, wanted, changed), changed


CHECKED = [
    {"subsampling": 0},
    {"subsampling": 2},
    {"mode": "L"},
    {"quality": 100},
]


@pytest.mark.parametrize("options", CHECKED, ids=str)
def test_any_wrong_bit_in_a_repaired_file_is_found(tmp_path, options):
    """In its headers, in data that were copied, and in the repaired blocks."""
    data, written, edits, changed = repair_of(jpeg(tmp_path / "a.jpg", **options))
    assert _kernels.is_repaired_copy(data, written, changed, edits)
    begin = written.index(b"\xff\xda")
    rng = np.random.default_rng(1)
    places = {*range(begin, len(written)), *rng.integers(2, begin, 100).tolist()}
    # The last bits fill up the last byte, before the marker at the end.
    for place in sorted(places - {len(written) - 3}):
        damaged = bytearray(written)
        damaged[place] ^= 1 << int(rng.integers(8))
        assert not jpeg_format._is_repaired_copy(data, bytes(damaged), changed, edits), place
    assert not jpeg_format._is_repaired_copy(data, written[:-2], changed, edits)
    assert not jpeg_format._is_repaired_copy(data, written + b"\0", changed, edits)


@pytest.mark.parametrize("options", CHECKED, ids=str)
def test_a_list_of_edits_that_is_not_that_of_the_file_proves_nothing(tmp_path, options):
    data, written, edits, changed = repair_of(jpeg(tmp_path / "a.jpg", **options))
    assert not _kernels.is_repaired_copy(data, data, changed, edits)
    assert not _kernels.is_repaired_copy(data, written, np.zeros_like(changed), edits)
    assert not _kernels.is_repaired_copy(data, written, changed, edits[:-1])
    for row in range(len(edits)):
        assert not jpeg_format._is_repaired_copy(
            data, written, changed, np.delete(edits, row, axis=0)
        )
        for column in range(8):
            for other in (-(2**62), -1, 1, 2**62):
                wrong = edits.copy()
                wrong[row : row + 1, column] += other
                assert not jpeg_format._is_repaired_copy(data, written, changed, wrong), (
                    row,
                    column,
                )


@pytest.mark.parametrize("options", [{"restart_marker_blocks": 3}, {"progressive": True}], ids=str)
def test_other_files_are_decoded_by_libjpeg(tmp_path, options, monkeypatch):
    path = jpeg(tmp_path / "a.jpg", **options)
    assert repair_of(path)[2] is None
    decoded = []
    real = imagecodecs.jpeg8_decode

    def noted(data, **options):
        decoded.append(data)
        return real(data, **options)

    monkeypatch.setattr(imagecodecs, "jpeg8_decode", noted)
    out, _ = rewritten(path)
    assert out.read_bytes() in decoded


def test_of_many_files_some_are_decoded_by_libjpeg_too(tmp_path, monkeypatch):
    checked = []
    monkeypatch.setattr(
        jpeg_format.JpegFile, "_check_pixels", lambda self, *_: checked.append(self.path)
    )
    rng = np.random.default_rng(2)
    for number in range(200):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(coded(rng.integers(0, 255, (H, W), np.uint8)))
        rewritten(path)
    assert 3 <= len(checked) <= 30  # one in 16 is 12.5


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=str)
def test_a_small_file_that_claims_a_huge_picture_is_not_decoded(tmp_path, options, monkeypatch):
    data = bytearray(coded(**options))
    struct.pack_into(">HH", data, frame_header(data) + 5, 20000, 20000)
    (tmp_path / "a.jpg").write_bytes(data)
    for decode in ("_decode", "_decode_luminance"):
        monkeypatch.setattr(jpeg_format, decode, None)
    refused(tmp_path / "a.jpg", "height of 20000 rows")
    with pytest.raises(DustbustError, match="height of 20000 rows"):
        read_luminance(tmp_path / "a.jpg")


@pytest.mark.parametrize(("progressive", "pixels"), [(False, 256), (True, 512)])
def test_a_block_may_take_two_bits_and_in_a_progressive_file_one(tmp_path, progressive, pixels):
    """A mean like the last one is one bit, and so is the end of a block in a sequential file."""
    side, path = 1024, tmp_path / "a.jpg"
    shortest = Table({1: [0]})
    content = segment(0xDB, bytes([0] + [1] * 64))
    content += segment(
        0xC2 if progressive else 0xC0, struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"
    )
    content += segment(0xC4, shortest.content(0) + shortest.content(0x10))
    content += segment(0xDA, bytes([1, 1, 0, 0, 0 if progressive else 63, 0]))
    path.write_bytes(b"\xff\xd8" + content + bytes(side * side // pixels) + b"\xff\xd9")
    assert side * side / path.stat().st_size > 0.9 * pixels
    assert (open_frame(path).pixels == 128).all()


def listed(kinds, *, order=">", lie=0, whole=None):
    """A JPEG with pictures behind it, and the list of them (MPF), in either byte order."""
    whole = whole or coded()
    others = [coded(picture()[::-step, ::2].copy()) for step, _ in enumerate(kinds, 2)]
    size = 4 + 4 + 8 + 2 + 3 * 12 + 4 + 16 * (len(others) + 1)
    at, entries = len(whole) + size, struct.pack(order + "3I4x", 0x030000, len(whole) + size, 0)
    for kind, other in zip(kinds, others, strict=True):
        entries += struct.pack(order + "3I4x", kind, len(other), at - 10 + lie)
        at += len(other)
    tags = struct.pack(order + "HHHI4s", 3, 0xB000, 7, 4, b"0100")
    tags += struct.pack(order + "HHII", 0xB001, 4, 1, len(others) + 1)
    tags += struct.pack(order + "HHIII", 0xB002, 7, len(entries), 50, 0)
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return with_segment(whole, 0xE2, b"MPF\0" + tiff + tags + entries), b"".join(others)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([0x010001], "the preview pictures"),
        ([0x010001, 0x010002], "the preview pictures"),
        ([0x020002], "the pictures appended to it, such as previews and other views"),
        ([0x020001, 0x010001], "the pictures appended to it, such as previews and other views"),
    ],
)
def test_listed_pictures_go_and_what_is_between_them_and_the_end_stays(
    tmp_path, order, kinds, words
):
    data, others = listed(kinds, order=order)
    path = tmp_path / "a.jpg"
    path.write_bytes(data + others + VIDEO)
    out, (note,) = rewritten(path)
    assert note.startswith(words)
    assert out.read_bytes().endswith(b"\xff\xd9" + VIDEO)
    assert b"MPF" not in out.read_bytes()


@pytest.mark.parametrize("lie", [4, -4, 1 << 20])
def test_a_list_with_wrong_places_is_not_followed(tmp_path, lie):
    """It names no beginning of a JPEG: bytes of something else would be cut out."""
    data, others = listed([0x010001], lie=lie)
    path = tmp_path / "a.jpg"
    path.write_bytes(data + others + VIDEO)
    _, (note,) = rewritten(path)
    assert note.startswith("what follows it in the file was left out")


def test_places_in_the_list_hold_in_a_file_without_an_end_marker(tmp_path):
    whole = coded()[:-2]
    data, others = listed([0x010001], whole=whole)
    path = tmp_path / "a.jpg"
    path.write_bytes(data + others + VIDEO)
    out, notes = rewritten(path)
    assert len(notes) == 2
    assert out.read_bytes().endswith(b"\xff\xd9" + VIDEO)


@pytest.mark.parametrize("rows", [H, H - 9, 1, 65535])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}])
def test_a_second_height_is_passed_over_as_libjpeg_does(tmp_path, rows, options):
    whole = coded(**options)
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:-2] + b"\xff\xdc\0\4" + struct.pack(">H", rows) + whole[-2:])
    assert np.array_equal(open_frame(path).pixels, np.asarray(Image.open(io.BytesIO(whole))))
    _, notes = rewritten(path)
    assert notes == ["a second height, which programs pass over, was left out"]


def test_boxes_behind_the_data_are_found_too(tmp_path):
    whole = coded()
    path = tmp_path / "a.jpg"
    path.write_bytes(whole[:-2] + b"\xff\xeb\0\x0aJP\0\1\0\0\0\1" + whole[-2:])
    out, (note,) = rewritten(path)
    assert "content credentials" in note
    assert b"JP\0\1" not in out.read_bytes()
