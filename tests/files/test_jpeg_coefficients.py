"""JPEG files whose tables lack a code that new coefficients need get another table."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.jpeg_coder import FLAT, OF_MEANS, ZIGZAG, Component, Scan, Table, coded, segment

# All symbols of baseline files (tables F.1 and F.2).
SIZES = [*range(12)]
SYMBOLS = [0x00, 0xF0, *(zeros << 4 | size for zeros in range(16) for size in range(1, 11))]


def values():
    """Coefficients that need the smallest and the largest numbers, and many zeros."""
    blocks = np.zeros((1, 8, 8, 8), np.int16)
    blocks[0, :, 0, 0] = [0, 0, 2047, 0, 1, 1, -1000, 1000]
    for block, numbers in enumerate([{1: 1}, {16: 1023}, {1: 1, 62: -1}, {17: 5}, {63: 1}]):
        for place, number in numbers.items():
            blocks[0, block][ZIGZAG[place]] = number
    return blocks


def with_tables(of_means, of_others, blocks=None):
    """A file with these symbols in its tables; None: without the table."""
    blocks = values() if blocks is None else blocks
    data = coded([Component(blocks)], [Scan((0,))], (8, 8 * blocks.shape[1]))
    own = segment(0xC4, OF_MEANS.content(0) + FLAT.content(0x10))
    assert own in data
    tables = b""
    for slot, symbols in ((0, of_means), (0x10, of_others)):
        if symbols is not None:
            tables += Table({8: symbols}).content(slot)
    return data.replace(own, segment(0xC4, tables))


def count_of_tables(data):
    return data.count(b"\xff\xc4")


def without(symbols, missing):
    return [each for each in symbols if each != missing]


def test_tables_with_all_symbols_are_kept():
    written = _kernels.write_jpeg(with_tables(SIZES, SYMBOLS), [values()])
    assert count_of_tables(written) == 1
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], values())


@pytest.mark.parametrize("missing", [0, 1, 11])
def test_a_size_of_means_that_has_no_code(missing):
    written = _kernels.write_jpeg(with_tables(without(SIZES, missing), SYMBOLS), [values()])
    assert count_of_tables(written) == 2
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], values())


@pytest.mark.parametrize("missing", [0x00, 0xF0, 0x01, 0xFA, 0x35])
def test_a_symbol_that_has_no_code(missing):
    written = _kernels.write_jpeg(with_tables(SIZES, without(SYMBOLS, missing)), [values()])
    assert count_of_tables(written) == (1 if missing == 0x35 else 2)
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], values())


def test_a_coefficient_of_more_bits_than_baseline_files_have():
    blocks = values()
    blocks[0, 2, 5, 5] = -1024  # 11 bits
    written = _kernels.write_jpeg(with_tables(SIZES, SYMBOLS), [blocks])
    assert count_of_tables(written) == 2
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], blocks)


def test_a_table_may_take_more_than_255_bytes():
    """It has 242 symbols: each number of zeros with each number of bits, and two without."""
    blocks = np.zeros((1, 40, 8, 8), np.int16)
    block = place = 0
    for zeros in range(16):
        for size in range(1, 16):
            if place + zeros + 1 > 63:
                block, place = block + 1, 0
            place += zeros + 1
            blocks[0, block][ZIGZAG[place]] = 1 << (size - 1)
    blocks[0, -1, 7, 7] = 1  # behind 62 zeros
    written = _kernels.write_jpeg(with_tables(SIZES, SYMBOLS, blocks), [blocks])
    assert written.count(b"\xff\xc4\x01\x05\x10") == 1  # 2 + 1 + 16 + 242 bytes
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], blocks)


@pytest.mark.parametrize(("of_means", "of_others"), [(None, SYMBOLS), (SIZES, None)])
def test_a_table_that_is_not_there(of_means, of_others):
    data = with_tables(of_means, of_others)
    with pytest.raises(RuntimeError, match="Huffman table is missing"):
        _kernels.read_jpeg(data)
    written = _kernels.write_jpeg(data, [values()])
    assert np.array_equal(_kernels.read_jpeg(written)[0][4], values())


@pytest.mark.parametrize("change", [1, -1])
def test_blocks_must_be_as_many_as_the_file_has(change):
    data = with_tables(SIZES, SYMBOLS)
    blocks = np.zeros((1, 8 + change, 8, 8), np.int16)
    for given in ([blocks], [], [values(), values()]):
        with pytest.raises(ValueError, match="as many"):
            _kernels.write_jpeg(data, given)
    for given in (np.zeros((1, 8, 7, 7), np.int16), np.zeros(8 * 64 + 1, np.int16)):
        with pytest.raises(ValueError, match="8 x 8"):
            _kernels.write_jpeg(data, [given])
