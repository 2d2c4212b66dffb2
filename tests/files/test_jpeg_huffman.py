"""Huffman tables that are made for new coefficients: those of libjpeg, and within 16 bits."""

import heapq
import io
import struct
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from dustbust import _kernels
from helpers.jpeg_coder import Coder, Component, Scan, Table, coded, segment

DHT, SOS = 0xC4, 0xDA
FEW = Table({1: (0xEE,)})


def parts_of(data):
    """The segments of a file (marker, content), and the data behind those of scans."""
    found, at = [], 2
    while data[at + 1] != 0xD9:
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        behind = end
        while marker == SOS and (
            data[behind] != 0xFF or data[behind + 1] in (0, *range(0xD0, 0xD8))
        ):
            behind += 1
        found.append((marker, data[at + 4 : end], data[end:behind]))
        at = behind
    return found


def tables_of(content):
    """Slot -> lengths and symbols of the tables in a segment."""
    tables = {}
    while content:
        count = sum(content[1:17])
        tables[content[0]] = content[1 : 17 + count]
        content = content[17 + count :]
    return tables


def scans_with_tables(data):
    """Of each scan its header, its data, and the tables in force."""
    tables, scans = {}, []
    for marker, content, behind in parts_of(data):
        if marker == DHT:
            tables |= tables_of(content)
        elif marker == SOS:
            scans.append((content, behind, dict(tables)))
    return scans


def with_few_codes(data):
    """A file whose tables have a code for one symbol only."""
    result = data[:2]
    slots = {
        slot
        for marker, content, _ in parts_of(data)
        if marker == DHT
        for slot in tables_of(content)
    }
    for marker, content, behind in parts_of(data):
        if marker == SOS and slots:
            result += segment(DHT, b"".join(FEW.content(slot) for slot in sorted(slots)))
            slots = set()
        if marker != DHT:
            result += segment(marker, content) + behind
    return result + b"\xff\xd9"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [20, 75, 98])
def test_new_tables_are_those_of_libjpeg(progressive, mode, quality):
    rng = np.random.default_rng(quality)
    y, x = np.mgrid[:70, :90]
    pixels = 120 + 60 * np.sin(x / 7) * np.cos(y / 5) + rng.normal(0, 12, (3, 70, 90))
    pixels = pixels.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    saved = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(
        saved, "JPEG", quality=quality, progressive=progressive, optimize=True
    )
    data = saved.getvalue()
    blocks = [component[4] for component in _kernels.read_jpeg(data)]
    written = _kernels.write_jpeg(with_few_codes(data), blocks)
    for (header, entropy, tables), (own_header, own_entropy, own_tables) in zip(
        scans_with_tables(data), scans_with_tables(written), strict=True
    ):
        assert own_header == header
        assert own_entropy == entropy
        pairs = header[2 : 1 + 2 * header[0] : 2]
        first, last = header[1 + 2 * header[0]], header[3 + 2 * header[0]]
        for pair in pairs:
            if first == 0 and last >> 4 == 0:
                assert own_tables[pair >> 4] == tables[pair >> 4]
            if first > 0 or not progressive:
                assert own_tables[0x10 | pair & 15] == tables[0x10 | pair & 15]


def lengths_of_k2(frequencies):
    """How many codes have each length, by figures K.1 and K.3."""
    heap = [(count, (symbol,)) for symbol, count in {**frequencies, 256: 1}.items()]
    heapq.heapify(heap)
    depth = Counter()
    while len(heap) > 1:
        (one, first), (other, second) = heapq.heappop(heap), heapq.heappop(heap)
        depth.update(first + second)
        heapq.heappush(heap, (one + other, first + second))
    lengths = Counter(depth.values())
    for long in range(max(lengths), 16, -1):
        while lengths[long]:
            shorter = max(n for n in range(1, long - 1) if lengths[n])
            lengths[long] -= 2
            lengths[long - 1] += 1
            lengths[shorter + 1] += 2
            lengths[shorter] -= 1
    lengths[max(n for n in lengths if lengths[n])] -= 1  # the code of ones only is not used
    return [lengths[n] for n in range(1, 17)]


def test_codes_of_rare_symbols_have_no_more_than_16_bits():
    """Of frequencies like those of Fibonacci, the rarest would have more than 20 bits."""
    symbols = [(zeros, size) for zeros in (0, 1, 2) for size in range(1, 11)][:21]
    wanted, (one, two) = [], (1, 2)
    for zeros, size in symbols:
        wanted += one * [[0] * zeros + [(1 << size) - 1]]
        one, two = two, one + two
    np.random.default_rng(1).shuffle(symbols)
    blocks, block = [], []
    for numbers in wanted:
        if len(block) + len(numbers) > 63:
            blocks.append(block)
            block = []
        block += numbers
    blocks.append(block)
    while len(blocks) % 50:
        blocks.append([])
    values = np.zeros((len(blocks) // 50, 50, 8, 8), np.int16)
    order = sorted(np.ndindex(8, 8), key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
    for index, numbers in enumerate(blocks):
        for place, number in zip(order[1:], numbers, strict=False):
            values[index // 50, index % 50][place] = number
    shape = (8 * values.shape[0], 8 * values.shape[1])
    data = with_few_codes(coded([Component(values)], [Scan((0,))], shape))
    written = _kernels.write_jpeg(data, [values])
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], values)

    frequencies = Counter()

    class Counted(Coder):
        def symbol(self, value, of_mean=False):
            if not of_mean:
                frequencies[value] += 1

    coder = Counted(Scan((0,)), False, FEW)
    component = Component(values)
    for row, column in np.ndindex(*values.shape[:2]):
        coder.block(0, component.numbers(row, column))
    ((_, _, tables),) = scans_with_tables(written)
    counts, listed = list(tables[0x10][:16]), list(tables[0x10][16:])
    assert counts == lengths_of_k2(frequencies)
    assert counts[15] > 2
    assert sum(count / 2 ** (n + 1) for n, count in enumerate(counts)) < 1
    # The shorter the code, the more often it is used.
    often = [frequencies[symbol] for symbol in listed]
    for end in np.cumsum(counts)[:-1]:
        assert not end or min(often[:end]) >= max(often[end:], default=0)
    assert set(listed) == set(frequencies)
