"""Headers of JPEG files just within the limits of ITU-T T.81 are read, those beyond are refused."""

import struct

import numpy as np
import pytest

from dustbust import _kernels
from helpers.jpeg_coder import (
    FLAT,
    OF_MEANS,
    Component,
    Scan,
    Table,
    coded,
    grid,
    headers,
    made_up,
    scan_data,
    scan_header,
    segment,
)

SOF0, SOF2, DHT, SOS, DQT = 0xC0, 0xC2, 0xC4, 0xDA, 0xDB
END = b"\xff\xd9"


def empty(sampling, shape=(8, 8)):
    components = [Component(np.zeros((0, 0, 8, 8), np.int16), *each) for each in sampling]
    rows, columns = grid(components, shape)
    for each in components:
        size = (rows * each.vertical, columns * each.horizontal, 8, 8)
        each.blocks = np.zeros(size, np.int16)
    return components


def with_bytes(data, marker, offset, values, number=0):
    """A file with other bytes in the content of its `number`-th segment of this marker."""
    at = -1
    for _ in range(number + 1):
        at = data.index(bytes([0xFF, marker]), at + 1)
    at += 4 + offset
    return data[:at] + bytes(values) + data[at + len(values) :]


def is_read(data):
    try:
        _kernels.read_jpeg(data)
    except RuntimeError:
        return False
    return True


ONE = coded(empty([(1, 1)]), [Scan((0,))], (8, 8))


@pytest.mark.parametrize("marker", range(0xC0, 0xFF))
def test_only_huffman_coding_of_whole_pictures_is_read(marker):
    """Other markers before the picture are passed over, except those of other codings (B.1.1.3)."""
    if marker in (DHT, DQT, SOS, 0xDD, 0xD8, 0xD9) or 0xD0 <= marker <= 0xD7:
        return
    other = set(range(0xC3, 0xD0)) - {0xC8, DHT} | {0xDC}
    begins_twice = {SOF0, 0xC1, SOF2}
    data = ONE[:2] + segment(marker, ONE[ONE.index(b"\xff\xc0") + 4 :][:9]) + ONE[2:]
    assert is_read(data) == (marker not in other | begins_twice)


@pytest.mark.parametrize("marker", [SOF0, 0xC1])
def test_baseline_and_extended_files_are_the_same(marker):
    components = made_up([(1, 1)], (16, 16), 1)
    data = coded(components, [Scan((0,))], (16, 16)).replace(b"\xff\xc0", bytes([0xFF, marker]))
    assert np.array_equal(_kernels.read_jpeg(data)[0][4], components[0].blocks)


@pytest.mark.parametrize(
    ("offset", "accepted", "refused", "sentence"),
    [
        (0, [8], [0, 7, 9, 12], "kind of picture"),  # bits
        (2, [1, 8], [0], "kind of picture"),  # lines
        (4, [1, 8], [0], "kind of picture"),  # columns
        (5, [1], [0, 5], "kind of picture|too short"),  # components
        (7, [0x11, 0x14, 0x41, 0x44], [0x01, 0x10, 0x15, 0x51], "frame header"),  # sampling
        (8, [0], [1, 3], "table is missing"),  # which quantisation; only the first is there
        (8, [0], [4], "frame header"),
    ],
)
def test_frame_headers(offset, accepted, refused, sentence):
    """B.2.2. A component that is alone has one block for each 8 x 8 pixels."""
    for value in accepted:
        assert is_read(with_bytes(ONE, SOF0, offset, [value])), value
    for value in refused:
        with pytest.raises(RuntimeError, match=sentence):
            _kernels.read_jpeg(with_bytes(ONE, SOF0, offset, [value]))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_one_to_four_components(count):
    components = made_up([(1, 1)] * count, (16, 8), count)
    data = coded(components, [Scan(tuple(range(count)))], (16, 8))
    read = _kernels.read_jpeg(data)
    assert [component[0] for component in read] == [*range(1, count + 1)]
    assert all(
        np.array_equal(one[4], other.blocks) for one, other in zip(read, components, strict=True)
    )
    # A header that says one component more or less than it lists.
    assert not is_read(with_bytes(data, SOS, 0, [count + 1]))
    if count > 1:
        assert not is_read(with_bytes(data, SOS, 1, [2, 0, 2, 0]))  # one twice
    assert not is_read(with_bytes(data, SOS, 1, [9]))  # one that there is not


@pytest.mark.parametrize("place", range(4))
def test_tables_are_at_four_places(place):
    data = with_bytes(ONE, SOF0, 8, [place])
    data = with_bytes(data, DQT, 0, [place])
    for marker, slot, offset in ((DHT, place, 0), (DHT, 0x10 | place, 17 + 16)):
        data = with_bytes(data, marker, offset, [slot])
    data = with_bytes(data, SOS, 2, [place << 4 | place])
    assert is_read(data)
    assert is_read(data) == is_read(ONE)
    for slots in ((place + 1) << 4 | place, place << 4 | (place + 1)):
        sentence = "Huffman table is missing" if place < 3 else "scan header is impossible"
        with pytest.raises(RuntimeError, match=sentence):
            _kernels.read_jpeg(with_bytes(data, SOS, 2, [slots]))


@pytest.mark.parametrize("slot", [0x04, 0x14, 0x20, 0x23])
def test_there_are_no_tables_at_other_places(slot):
    assert is_read(ONE[:2] + segment(DHT, FLAT.content(slot & 0x13)) + ONE[2:])
    with pytest.raises(RuntimeError, match="Huffman table is impossible"):
        _kernels.read_jpeg(ONE[:2] + segment(DHT, FLAT.content(slot)) + ONE[2:])


def test_five_components_are_refused():
    data = headers(empty([(1, 1)] * 5), (8, 8)) + scan_header(Scan((0,)))
    with pytest.raises(RuntimeError, match="kind of picture"):
        _kernels.read_jpeg(data)


@pytest.mark.parametrize(
    ("factors", "fits"),
    [
        ([(4, 2), (2, 1)], True),
        ([(4, 2), (3, 1)], False),
        ([(2, 2), (2, 2), (2, 1)], True),
        ([(2, 2), (2, 2), (3, 1)], False),
        ([(4, 4)], True),
    ],
)
def test_a_unit_has_at_most_ten_blocks(factors, fits):
    """B.2.3, unless a component is alone."""
    components = empty(factors)
    assert is_read(coded(components, [Scan(tuple(range(len(factors))))], (8, 8))) == fits


@pytest.mark.parametrize("number", [500, 501])
def test_a_file_has_at_most_500_scans(number):
    assert is_read(coded(empty([(1, 1)]), [Scan((0,))] * number, (8, 8))) == (number <= 500)


MEANS = Scan((0, 1), 0, 0)


@pytest.mark.parametrize(
    ("scans", "fits"),
    [
        ([MEANS], True),
        ([Scan((0,), 0, 0), Scan((1,), 0, 0)], True),
        ([MEANS, Scan((0,), 1, 63), Scan((1,), 1, 1), Scan((1,), 2, 63)], True),
        ([MEANS, Scan((0,), 63, 63)], True),
        ([Scan((0,), 1, 1)], True),
        ([Scan((0,), 0, 1)], False),  # means together with others
        ([Scan((0,), 0, 63)], False),
        ([Scan((0,), 5, 4)], False),
        ([Scan((0,), 1, 64)], False),
        ([Scan((0, 1), 1, 5)], False),  # others of two components
        ([Scan((0,), 0, 0, 0, 13)], True),
        ([Scan((0,), 0, 0, 0, 14)], False),
        ([Scan((0,), 0, 0, 0, 2), Scan((0,), 0, 0, 2, 1), Scan((0,), 0, 0, 1, 0)], True),
        ([Scan((0,), 0, 0, 0, 2), Scan((0,), 0, 0, 2, 0)], False),  # two bits at once
        ([Scan((0,), 0, 0, 0, 2), Scan((0,), 0, 0, 1, 0)], False),  # a bit is left out
        ([Scan((0,), 0, 0, 1, 0)], False),  # lower bits first
        ([Scan((0,), 0, 0, 0, 1), Scan((0,), 0, 0, 0, 0)], False),  # first bits again
        ([MEANS, Scan((0,), 0, 0, 0, 0)], True),  # all of them once more
        ([Scan((0,), 1, 9, 0, 1), Scan((0,), 1, 9, 1, 0)], True),
        ([Scan((0,), 1, 9, 0, 1), Scan((0,), 1, 5, 1, 0), Scan((0,), 6, 9, 1, 0)], True),
        ([Scan((0,), 1, 9, 0, 1), Scan((0,), 1, 10, 1, 0)], False),
        ([Scan((0,), 1, 9, 0, 1), Scan((1,), 1, 9, 1, 0)], False),
    ],
)
def test_progressive_scans_send_each_bit_once_and_in_order(scans, fits):
    """G.1.1.1."""
    components = empty([(1, 1), (1, 1)])
    data = headers(components, (8, 8), progressive=True)
    for scan in scans:
        # Of empty blocks: one symbol, which is the same for all kinds of scans but means.
        data += scan_header(scan) + scan_data(
            components,
            Scan(scan.components, scan.first, min(scan.last, 63), scan.high, scan.low),
            (8, 8),
            progressive=True,
        )
    assert is_read(data + END) == fits


def test_bands_do_not_count_in_sequential_files():
    """Ss, Se, Ah and Al are fixed there; libjpeg does not mind others."""
    components = made_up([(1, 1)], (16, 16), 2)
    data = with_bytes(coded(components, [Scan((0,))], (16, 16)), SOS, 3, [5, 3, 0x12])
    assert np.array_equal(_kernels.read_jpeg(data)[0][4], components[0].blocks)


def test_data_before_the_frame_header_are_refused():
    frame = ONE.index(b"\xff\xc0")
    assert not is_read(ONE[:frame] + ONE[frame + 13 :])
    assert not is_read(ONE[: ONE.index(b"\xff\xda")] + END)  # no data at all


@pytest.mark.parametrize(
    ("counts", "fits"),
    [
        ({1: 1}, True),
        ({1: 2}, True),
        ({1: 3}, False),
        ({1: 1, 2: 2}, True),
        ({1: 1, 2: 3}, False),
        ({8: 255, 16: 1}, True),
        ({8: 255, 9: 2}, False),  # 257 symbols
        ({16: 255, 15: 1}, True),
        ({2: 4}, True),
        ({2: 4, 16: 1}, False),
    ],
)
def test_huffman_tables_have_room_for_their_codes(counts, fits):
    """Annex C: as many codes as there are numbers of each length; at most 256."""
    listed = [counts.get(length, 0) for length in range(1, 17)]
    content = bytes([0x11, *listed, *(k % 256 for k in range(sum(listed)))])
    assert is_read(ONE[:2] + segment(DHT, content) + ONE[2:]) == fits
    assert not is_read(ONE[:2] + segment(DHT, content[:-1]) + ONE[2:])
    # Two tables in one segment.
    assert is_read(ONE[:2] + segment(DHT, FLAT.content(0x12) + content) + ONE[2:]) == fits


def test_codes_may_have_any_length():
    """Of one bit up to 16: the symbols of a block of one coefficient each."""
    table = Table({**{n: (n,) for n in range(1, 16)}, 16: (0, 16)})
    values = np.zeros((1, 10, 8, 8), np.int16)
    values[0, :, 0, 1] = [(1 << n) - 1 for n in range(10)]
    components = [Component(values)]
    data = headers(components, (8, 80), table=table) + scan_header(Scan((0,)))
    data += scan_data(components, Scan((0,)), (8, 80), table=table) + END
    assert np.array_equal(_kernels.read_jpeg(data)[0][4], values)
    assert _kernels.write_jpeg(data, [values]) != b""


@pytest.mark.parametrize("wide", [0, 1])
def test_quantisation_of_8_and_16_bits(wide):
    numbers = [*range(1, 65)] if not wide else [*range(1000, 1000 + 64 * 800, 800)]
    content = bytes([wide << 4, *numbers]) if not wide else b"\x10" + struct.pack(">64H", *numbers)
    start, length = ONE.index(b"\xff\xdb"), 4 + 65
    data = ONE[:start] + segment(DQT, content) + ONE[start + length :]
    table = _kernels.read_jpeg(data)[0][3]
    assert table[0, 0] == numbers[0]
    assert table[0, 1] == numbers[1]
    assert table[1, 0] == numbers[2]
    assert table[7, 7] == numbers[63]
    assert not is_read(ONE[:start] + segment(DQT, content[:-1]) + ONE[start + length :])
    two = content + content.replace(content[:1], bytes([content[0] | 3]), 1)
    assert is_read(ONE[:start] + segment(DQT, two) + ONE[start + length :])
    for head in (4, 0x20, 0x14):
        odd = bytes([head]) + content[1:] * 3
        with pytest.raises(RuntimeError, match="quantisation table is impossible"):
            _kernels.read_jpeg(ONE[:start] + segment(DQT, content + odd) + ONE[start + length :])


@pytest.mark.parametrize("intervals", [1, 2, 3])
def test_a_restart_interval_is_counted_in_units(intervals):
    components = made_up([(1, 1)], (8, 48), 3)
    data = coded(components, [Scan((0,))], (8, 48), interval=intervals)
    assert np.array_equal(_kernels.read_jpeg(data)[0][4], components[0].blocks)
    for other in (intervals - 1, intervals + 1):
        assert not is_read(with_bytes(data, 0xDD, 0, struct.pack(">H", other)))
    assert OF_MEANS.codes[0] == (0, 2)


def test_segments_end_where_they_say():
    for cut in range(1, 60):
        assert not is_read(ONE[:-cut])
    assert is_read(ONE + b"more")
    assert not is_read(b"")
    assert not is_read(b"\xff")
    assert not is_read(ONE[1:])
    assert not is_read(b"\xfe" + ONE[1:])
    assert is_read(ONE[:2] + b"\xff" * 5 + ONE[2:])
    for marker in range(0xD0, 0xD8):  # of restarts, which have no length
        assert is_read(ONE[:2] + bytes([0xFF, marker]) + ONE[2:])
    assert not is_read(ONE[:2] + b"\0" + ONE[2:])


@pytest.mark.parametrize("interval", [1, 2])
def test_fill_bytes_and_restarts_do_not_end_a_scan_that_is_written(interval):
    """What is between the data of a scan and the next marker stays out of the copy."""
    components = made_up([(1, 1)], (16, 40), 4)
    data = coded(components, [Scan((0,)), Scan((0,))], (16, 40), interval=interval)
    scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 1)
    filled = data[:scan] + b"\xff\xff" + data[scan:]
    assert np.array_equal(_kernels.read_jpeg(filled)[0][4], components[0].blocks)
    for each in (data, filled):
        assert _kernels.write_jpeg(each, [components[0].blocks]) == data


@pytest.mark.parametrize(
    ("behind", "fits"),
    [
        (b"\xff\x01", True),  # TEM has no length (B.1.1.3)
        (b"\xff\xff", True),  # fill bytes
        (b"\xff\xfe\0\2", True),  # an empty comment
        (b"\xff\0", False),  # a stuffed byte is one of the data
        (b"\xff\xff\0", False),
        (b"\0", False),
        (b"\xff\xd0", False),  # a restart where none must be
    ],
)
def test_what_may_follow_the_data_of_a_scan(behind, fits):
    assert is_read(ONE[:-2] + behind + END) == fits
