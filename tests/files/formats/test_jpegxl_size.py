"""The size in the header of a JPEG XL file (ISO/IEC 18181-1, SizeHeader), from its bits."""

import pytest

from dustbust.files.formats.jpegxl import _size


def header(*fields):
    """A codestream with these fields: (value, bits), the lowest bit first."""
    number = place = 0
    for value, bits in fields:
        number |= value << place
        place += bits
    return b"\xff\x0a" + number.to_bytes(30, "little")


def in_container(codestream, name=b"jxlc", before=b""):
    box = (8 + len(before) + len(codestream)).to_bytes(4, "big") + name + before + codestream
    other = b"\0\0\0\x0cjxll\0\0\0\5"
    return b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x0cftypjxl " + other + box


RATIOS = {1: 80, 2: 96, 3: 106, 4: 120, 5: 142, 6: 100, 7: 160}


@pytest.mark.parametrize("ratio", RATIOS)
def test_widths_that_are_a_ratio_of_a_height_of_80(ratio):
    """1:1, 12:10, 4:3, 3:2, 16:9, 5:4, 2:1."""
    assert _size(header((1, 1), (9, 5), (ratio, 3))) == (RATIOS[ratio], 80)
    assert _size(header((0, 1), (0, 2), (79, 9), (ratio, 3))) == (RATIOS[ratio], 80)


def test_small_sizes_are_multiples_of_eight():
    assert _size(header((1, 1), (0, 5), (0, 3), (31, 5))) == (256, 8)
    assert _size(header((1, 1), (31, 5), (0, 3), (0, 5))) == (8, 256)


@pytest.mark.parametrize(("selector", "bits"), [(0, 9), (1, 13), (2, 18), (3, 30)])
def test_other_sizes_have_9_13_18_or_30_bits(selector, bits):
    most = 2**bits
    one_way = header((0, 1), (selector, 2), (most - 1, bits), (0, 3), (0, 2), (4, 9))
    assert _size(one_way) == (5, most)
    other_way = header((0, 1), (0, 2), (4, 9), (0, 3), (selector, 2), (most - 2, bits))
    assert _size(other_way) == (most - 1, 5)


def test_the_codestream_may_lie_in_a_box():
    small = header((1, 1), (9, 5), (7, 3))
    assert _size(in_container(small)) == (160, 80)
    assert _size(in_container(small, b"jxlp", b"\0\0\0\0")) == (160, 80)
