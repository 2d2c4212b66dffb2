"""JPEG headers: what T.81 allows is read as libjpeg reads it, what it does not allow is refused.

Tables and sections are those of ITU-T T.81.
"""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust import _kernels
from dustbust.files.formats.jpeg import segments
from dustbust.files.read import open_frame
from helpers.frame_files import jpeg, picture, repaired, rewritten

SOF0, DHT, SOS, DQT = 0xC0, 0xC4, 0xDA, 0xDB


def place_of(data, marker, number=0):
    """Where the content of a segment begins."""
    at = 2
    while True:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] == marker:
            if not number:
                return at + 4
            number -= 1
        at += 2 + length
        if data[at + 1 - 2 - length] == SOS:  # behind the data of the scan
            while data[at] != 0xFF or data[at + 1] == 0:
                at += 1


def with_byte(data, marker, offset, value, number=0):
    data = bytearray(data)
    data[place_of(data, marker, number) + offset] = value
    return bytes(data)


def coefficients(data):
    return [blocks for *_, blocks in _kernels.read_jpeg(data)]


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("content", [b"", b"x"])
def test_segments_without_content_are_read_and_kept(tmp_path, content):
    path = jpeg(tmp_path / "a.jpg")
    data = path.read_bytes()
    before = coefficients(data)
    segment = b"\xff\xfe" + struct.pack(">H", 2 + len(content)) + content
    path.write_bytes(data[:2] + segment + data[2:])
    assert same(coefficients(path.read_bytes()), before)
    out, _ = rewritten(path)
    assert out.read_bytes()[2:].startswith(segment)


@pytest.mark.parametrize("length", [0, 1])
def test_segments_shorter_than_their_length_are_refused(tmp_path, length):
    data = jpeg(tmp_path / "a.jpg").read_bytes()
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(data[:2] + b"\xff\xfe" + struct.pack(">H", length) + data[2:])


# (marker, offset in the segment, value) and the section that does not allow it.
IMPOSSIBLE = {
    "12 bits (B.2.2)": (SOF0, 0, 12),
    "no lines (B.2.2)": (SOF0, 2, 0),
    "no component (B.2.2)": (SOF0, 5, 0),
    "sampling by 0 (B.2.2)": (SOF0, 7, 0x02),
    "sampling by 5 (B.2.2)": (SOF0, 7, 0x51),
    "sampling by 5 down (B.2.2)": (SOF0, 7, 0x15),
    "a fifth quantisation table (B.2.2)": (SOF0, 8, 4),
    "a fifth place for quantisation (B.2.4.1)": (DQT, 0, 4),
    "quantisation of 32 bits (B.2.4.1)": (DQT, 0, 0x20),
    "quantisation by 0 (B.2.4.1)": (DQT, 1, 0),
    "a fifth Huffman table (B.2.4.2)": (DHT, 0, 4),
    "a third class of Huffman tables (B.2.4.2)": (DHT, 0, 0x20),
    "a scan of nothing (B.2.3)": (SOS, 0, 0),
    "a scan of five (B.2.3)": (SOS, 0, 5),
    "a scan of one component twice (B.2.3)": (SOS, 3, 1),
    "a scan of an unknown component (B.2.3)": (SOS, 1, 9),
    "a scan with a fifth DC table (B.2.3)": (SOS, 2, 0x40),
    "a scan with a fifth AC table (B.2.3)": (SOS, 2, 0x04),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_impossible_headers_are_refused(tmp_path, kind):
    data = jpeg(tmp_path / "a.jpg", subsampling=0).read_bytes()
    assert _kernels.read_jpeg(data)
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(with_byte(data, *IMPOSSIBLE[kind]))


# Of a progressive file (G.1.1.1): offset from the end of the header of a scan.
@pytest.mark.parametrize(
    ("scan", "offset", "value"),
    [
        (0, 8, 1),  # DC and AC together
        (0, 9, 0x0E),  # 14 bits are not sent
        (0, 9, 0x20),  # the second bit before the first
        (1, 4, 64),  # a band past the last coefficient
        (1, 3, 40),  # a band that ends before it begins
        (1, 5, 0x21),  # lower bits of coefficients of which nothing was sent
        (2, 4, 55),  # a band whose rest is refined later, too
    ],
)
def test_impossible_scans_are_refused(tmp_path, scan, offset, value):
    data = jpeg(tmp_path / "a.jpg", progressive=True).read_bytes()
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(with_byte(data, SOS, offset, value, scan))


def renumbered(data, huffman, quantisation):
    """A sequential file whose tables have other places: old -> new."""
    data = bytearray(data)
    at = 2
    while data[at + 1] != SOS:
        (length,) = struct.unpack_from(">H", data, at + 2)
        marker, content = data[at + 1], at + 4
        while marker in (DHT, DQT) and content < at + 2 + length:
            places = huffman if marker == DHT else quantisation
            data[content] = data[content] & 0xF0 | places[data[content] & 15]
            content += (
                17 + sum(data[content + 1 : content + 17])
                if marker == DHT
                else 1 + (128 if data[content] >> 4 else 64)
            )
        if marker == SOF0:
            for component in range(data[at + 9]):
                place = at + 12 + 3 * component
                data[place] = quantisation[data[place]]
        at += 2 + length
    for component in range(data[at + 4]):
        place = at + 6 + 2 * component
        dc, ac = divmod(data[place], 16)
        data[place] = huffman[dc] << 4 | huffman[ac]
    return bytes(data)


@pytest.mark.parametrize(
    ("huffman", "quantisation"), [({0: 2, 1: 3}, {0: 3, 1: 2}), ({0: 3, 1: 0}, {0: 2, 1: 0})]
)
def test_tables_may_be_in_any_of_four_places(tmp_path, huffman, quantisation):
    path = jpeg(tmp_path / "a.jpg")
    data = path.read_bytes()
    with Image.open(path) as opened:
        pixels = np.asarray(opened)
    other = renumbered(data, huffman, quantisation)
    assert other != data
    assert same(coefficients(other), coefficients(data))
    with Image.open(io.BytesIO(other)) as opened:  # libjpeg agrees
        assert np.array_equal(np.asarray(opened), pixels)
    path.write_bytes(other)
    assert np.array_equal(open_frame(path).pixels, pixels)
    out, notes = rewritten(path)
    assert notes == []
    assert out.read_bytes().startswith(other[: place_of(other, SOS)])


def test_quantisation_may_have_16_bits(tmp_path):
    """B.2.4.1: Pq 1, two bytes each."""
    path = jpeg(tmp_path / "a.jpg")
    data = path.read_bytes()
    at = place_of(data, DQT)
    (length,) = struct.unpack_from(">H", data, at - 2)
    table = data[at + 1 : at + 65]
    wide = bytes([data[at] | 0x10]) + b"".join(struct.pack(">H", value) for value in table)
    rest = data[at + 65 : at - 2 + length]
    segment = struct.pack(">H", 2 + len(wide) + len(rest)) + wide + rest
    other = data[: at - 2] + segment + data[at - 2 + length :]
    narrow, read = _kernels.read_jpeg(data), _kernels.read_jpeg(other)
    for one, two in zip(narrow, read, strict=True):
        assert np.array_equal(one[3], two[3])
        assert np.array_equal(one[4], two[4])
    with Image.open(io.BytesIO(other)) as opened, Image.open(path) as expected:
        assert np.array_equal(np.asarray(opened), np.asarray(expected))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_bytes_that_fill_up_before_a_marker_are_passed_over(tmp_path, number):
    """ITU-T T.81, B.1.1.2: any number of 0xFF."""
    data = jpeg(tmp_path / "a.jpg").read_bytes()
    found = list(segments(data))
    start = found[2][1]
    filled = data[:start] + number * b"\xff" + data[start:]
    expected = [
        (m, a + number * (k > 1), b + number * (k > 1)) for k, (m, a, b) in enumerate(found)
    ]
    assert list(segments(filled)) == expected


def test_components_that_are_called_rgb_are_rgb(tmp_path):
    """Without a marker of Adobe's; the last frame header's identifiers tell it."""
    path = tmp_path / "a.jpg"
    Image.fromarray(picture()).save(path, quality=95, keep_rgb=True, subsampling=0)
    data = path.read_bytes()
    for marker, start, end in reversed(list(segments(data))):
        if marker in (0xE0, 0xEE):
            data = data[:start] + data[end:]
    path.write_bytes(data)
    before = open_frame(path).pixels
    assert np.abs(before.astype(int) - picture()).mean() < 4
    out, _ = rewritten(path)
    assert np.abs(open_frame(out).pixels.astype(int) - repaired(before)).mean() < 1


@pytest.mark.parametrize("marker", [0x01, 0xD3])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_markers_without_a_length_are_passed_over_and_kept(tmp_path, marker, options):
    """ITU-T T.81, table B.1: TEM and restarts stand alone. What follows them is no length."""
    path = jpeg(tmp_path / "a.jpg", **options)
    data = path.read_bytes()
    before, pixels = coefficients(data), open_frame(path).pixels
    lone = bytes((0xFF, marker))
    header = place_of(data, 0xDB) - 4
    places = [header]
    if options:
        places.append(place_of(data, SOS, 3) - 4)  # between scans
    for place in reversed(places):
        data = data[:place] + lone + data[place:]
    path.write_bytes(data)
    assert same(coefficients(data), before)
    assert np.array_equal(open_frame(path).pixels, pixels)
    assert np.array_equal(imagecodecs.jpeg8_decode(data), pixels)  # by libjpeg
    out, notes = rewritten(path)
    assert not notes
    written = out.read_bytes()
    assert written.count(lone) == data.count(lone)
    assert np.array_equal(imagecodecs.jpeg8_decode(written)[40:], pixels[40:])
