"""Coefficients of JPEG files of every kind, against a coder after T.81 in Python."""

import io

import numpy as np
import pytest
from PIL import Image

from dustbust import _kernels
from helpers import jpeg_coder
from helpers.jpeg_coder import FLAT, STEEP, Component, Scan, coded, made_up, units

SAMPLINGS = [
    [(1, 1)],
    [(1, 1), (1, 1), (1, 1)],
    [(2, 1), (1, 1), (1, 1)],
    [(2, 2), (1, 1), (2, 1)],
    [(1, 4), (1, 2), (1, 1)],
    [(1, 1), (2, 1), (1, 2), (1, 1)],
]
SHAPES = [(1, 1), (8, 8), (9, 17), (41, 66)]


def everything(count):
    return [Scan(tuple(range(count)))]


def one_by_one(count):
    return [Scan((k,)) for k in range(count)]


def progression(count):
    """All kinds of scans: means and bands, first bits and more bits."""
    scans = [Scan(tuple(range(count)), 0, 0, 0, 2)]
    bands = [(1, 1), (2, 3), (4, 9)]
    for k in range(count):
        scans += [Scan((k,), *band, 0, 2) for band in bands]
        scans += [Scan((k,), 10, 63, 0, 1), *(Scan((k,), *band, 2, 1) for band in bands)]
    scans += [Scan(tuple(range(count)), 0, 0, 2, 1)]
    for k in reversed(range(count)):
        scans += [Scan((k,), 1, 9, 1, 0), Scan((k,), 10, 63, 1, 0), Scan((k,), 0, 0, 1, 0)]
    return scans


KINDS = {"together": everything, "one by one": one_by_one, "progressive": progression}


def of_kind(components, kind, shape, interval=0, table=FLAT):
    scans = KINDS[kind](len(components))
    return coded(
        *(components, scans, shape),
        progressive=kind == "progressive",
        interval=interval,
        table=table,
    )


def used(components, kind, shape):
    """What a file holds of the blocks: those that fill up a component are not in its own scans."""
    result = []
    for k, component in enumerate(components):
        inside = np.zeros(component.blocks.shape[:2], bool)
        for unit in units(components, Scan((k,)), shape):
            inside[unit[0][1:]] = True
        values = component.blocks.copy()
        if kind == "one by one" or len(components) == 1:
            values[~inside] = 0
        elif kind == "progressive":
            # Only their means are in a scan of all, and not the last bit.
            means = values[~inside, 0, 0]
            values[~inside] = 0
            values[~inside, 0, 0] = means >> 1 << 1
        result.append(values)
    return result


def same(read, expected):
    return all(np.array_equal(one[4], other) for one, other in zip(read, expected, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_are_those_that_were_coded(kind, sampling, shape):
    for seed, (interval, table) in enumerate([(0, FLAT), (1, FLAT), (3, STEEP), (0, STEEP)]):
        components = made_up(sampling, shape, seed)
        data = of_kind(components, kind, shape, interval, table)
        read = _kernels.read_jpeg(data)
        assert same(read, used(components, kind, shape))
        for (identifier, across, down, quantisation, _), component in zip(
            read, components, strict=True
        ):
            assert (across, down) == (component.horizontal, component.vertical)
            assert quantisation.shape == (8, 8)
            assert [int(quantisation[place]) for place in jpeg_coder.ZIGZAG] == [*range(1, 65)]
            assert identifier == components.index(component) + 1 if len(components) == 1 else True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampling", SAMPLINGS[:4], ids=str)
def test_other_coefficients_are_coded_as_t81_says(kind, sampling):
    """The tables have all codes, so that each bit is determined."""
    for seed, (shape, interval, table) in enumerate(
        [((41, 66), 0, FLAT), ((9, 17), 2, STEEP), ((33, 20), 5, FLAT)]
    ):
        before, after = made_up(sampling, shape, seed), made_up(sampling, shape, seed + 50)
        template = of_kind(before, kind, shape, interval, table)
        written = _kernels.write_jpeg(template, [component.blocks for component in after])
        assert written == of_kind(after, kind, shape, interval, table)


def test_libjpeg_reads_the_same_from_the_files_of_the_coder():
    components = made_up([(1, 1)], (40, 48), 3, most=30)
    pictures = []
    for kind in ("together", "progressive"):
        with Image.open(io.BytesIO(of_kind(components, kind, (40, 48), 3))) as opened:
            pictures.append(np.asarray(opened))
    assert np.array_equal(*pictures)
    assert pictures[0].std() > 20


@pytest.mark.parametrize("blocks", [(7, 4681), (8, 4096)])
def test_runs_of_empty_blocks_have_at_most_32767(blocks):
    """Of as many, and of one more."""
    empty = Component(np.zeros((*blocks, 8, 8), np.int16))
    shape = (8 * blocks[0], 8 * blocks[1])
    scans = [Scan((0,), 1, 63, 0, 1), Scan((0,), 1, 63, 1, 0)]
    data = coded([empty], scans, shape, progressive=True)
    (component,) = _kernels.read_jpeg(data)
    assert not component[4].any()
    assert _kernels.write_jpeg(data, [component[4]]) == data


def test_corrections_are_held_for_at_most_937_bits():
    """As libjpeg does; 63 a block where no coefficient is new."""
    values = np.full((1, 60, 8, 8), 7, np.int16)
    values[..., 0, 0] = 0
    scans = [Scan((0,), 0, 0), Scan((0,), 1, 63, 0, 1), Scan((0,), 1, 63, 1, 0)]
    for cut in (0, 1, 9):
        values[:, :cut, 4:] = 0
        data = coded([Component(values)], scans, (8, 480), progressive=True)
        assert same(_kernels.read_jpeg(data), [values])
        assert _kernels.write_jpeg(data, [values]) == data


def test_single_corrections_are_held_up_to_that_number():
    values = np.zeros((1, 1000, 8, 8), np.int16)
    values[..., 0, 1] = 3
    scans = [Scan((0,), 1, 63, 0, 1), Scan((0,), 1, 63, 1, 0)]
    data = coded([Component(values)], scans, (8, 8000), progressive=True)
    assert same(_kernels.read_jpeg(data), [values])
    assert _kernels.write_jpeg(data, [values]) == data


def test_the_largest_numbers_that_the_codes_have():
    """Differences of means of 11 bits; other coefficients of 15 bits in a file that is read."""
    values = np.zeros((1, 6, 8, 8), np.int16)
    values[0, :, 0, 0] = [1023, -1024, 1023, 0, 1, -1]
    values[0, :, 7, 7] = [32767, -32767, 1, -1, 16384, 0]
    for kind in KINDS:
        data = of_kind([Component(values)], kind, (8, 48))
        assert same(_kernels.read_jpeg(data), [values])
        assert _kernels.write_jpeg(data, [values]) == data
    values[0, :2, 0, 0] = [2047, 0]
    data = of_kind([Component(values)], "together", (8, 48))
    assert same(_kernels.read_jpeg(data), [values])
    values[0, 1, 0, 0] = -1
    with pytest.raises(RuntimeError, match="outside the range"):
        _kernels.write_jpeg(data, [values])
    values[0, 1, 0, 0] = 0
    values[0, 1, 3, 3] = -32768
    with pytest.raises(RuntimeError, match="outside the range"):
        _kernels.write_jpeg(data, [values])


def with_data(scans, parts, *, progressive=False, shape=(8, 8), interval=0):
    """A file of one component whose data are written bit by bit.

    Of symbols, those of means as text; of (value, count); and of bytes between intervals.
    """
    empty = [Component(np.zeros((-(-shape[0] // 8), -(-shape[1] // 8), 8, 8), np.int16))]
    result = jpeg_coder.headers(empty, shape, progressive=progressive, interval=interval)
    for scan, content in zip(scans, parts, strict=True):
        coder = jpeg_coder.Coder(scan, progressive, FLAT)
        for each in content:
            if isinstance(each, bytes):
                coder.end_interval()
                coder.data += each
            elif isinstance(each, tuple):
                coder.bits(*each)
            else:
                coder.symbol(int(each), isinstance(each, str))
        coder.end_interval()
        result += jpeg_coder.scan_header(scan) + coder.data
    return result + b"\xff\xd9"


EOB, ZRL = 0x00, 0xF0
MEANS = Scan((0,), 0, 0)


@pytest.mark.parametrize(
    "content",
    [
        ["12", (0, 12), EOB],  # a difference of 12 bits
        ["0", 0xF1, (1, 1), 0xF1, (1, 1), 0xF1, (1, 1), 0xF1, (1, 1), EOB],  # coefficient 64
        ["0", ZRL, ZRL, ZRL, 0xF1, (1, 1)],  # coefficient 64
        ["0"],  # there is no code behind the mean
        ["0", EOB, EOB],  # more than one block
        ["0", EOB] * 2,
        ["0", EOB, (0x1FFFF, 17)],  # more than fills up a byte
        ["11", (2047, 11), EOB, b"\xff\xd0", "0", EOB],  # a restart where none must be
    ],
)
def test_sequential_data_that_mean_nothing_are_refused(content):
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(with_data([Scan((0,))], [content]))


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (["0", 0xE1, (1, 1), EOB], 15),
        (["0", 0xF1, (1, 1), EOB], 16),
        (["0", ZRL, 0x01, (1, 1), EOB], 17),
        (["0", ZRL, ZRL, ZRL, 0xE1, (1, 1)], 63),
        (["0", ZRL, ZRL, ZRL, 0xD1, (1, 1), EOB], 62),
    ],
)
def test_zeros_before_a_coefficient_are_passed_over(content, place):
    (component,) = _kernels.read_jpeg(with_data([Scan((0,))], [content]))
    expected = np.zeros((8, 8))
    expected[jpeg_coder.ZIGZAG[place]] = 1
    assert np.array_equal(component[4][0, 0], expected)


def test_data_have_as_many_bytes_as_their_blocks_need():
    """Two bits and eight for each: those of four blocks fill five bytes."""
    for blocks, more, fits in ((4, [], True), (5, [], False), (4, [(0, 8)], False)):
        data = with_data([Scan((0,))], [["0", EOB] * 4 + more], shape=(8, 8 * blocks))
        if fits:
            assert not _kernels.read_jpeg(data)[0][4].any()
        else:
            with pytest.raises(RuntimeError):
                _kernels.read_jpeg(data)


@pytest.mark.parametrize(
    ("step", "last", "mean"),
    [
        (2047, ["4", (15, 4)], 32767),
        (2047, ["5", (16, 5)], None),
        (0, ["5", (15, 5)], -32768),  # less 16
        (0, ["5", (14, 5)], None),
    ],
)
def test_the_last_means_of_16_bits(step, last, mean):
    """Behind sixteen steps of 2047 or -2047."""
    content = [each for _ in range(16) for each in ("11", (step, 11), EOB)]
    data = with_data([Scan((0,))], [[*content, *last, EOB]], shape=(8, 8 * 17))
    if mean is None:
        with pytest.raises(RuntimeError):
            _kernels.read_jpeg(data)
    else:
        assert _kernels.read_jpeg(data)[0][4][0, -1, 0, 0] == mean


def test_means_stay_within_16_bits():
    """Sixteen steps of 2047 up; one more would be 34799."""
    for steps, fits in ((16, True), (17, False)):
        for number in (2047, 0):
            content = [each for _ in range(steps) for each in ("11", (number, 11), EOB)]
            data = with_data([Scan((0,))], [content], shape=(8, 8 * steps))
            if fits:
                blocks = _kernels.read_jpeg(data)[0][4]
                assert blocks[0, -1, 0, 0] == (2047 if number else -2047) * 16
            else:
                with pytest.raises(RuntimeError):
                    _kernels.read_jpeg(data)


@pytest.mark.parametrize(
    ("scan", "content"),
    [
        (Scan((0,), 1, 9), [0x81, (1, 1), 0x01, (1, 1)]),  # behind the end of the band
        (Scan((0,), 1, 9), [0x91, (1, 1), EOB]),
        (Scan((0,), 1, 9), [0x10, (1, 1)]),  # a run of more blocks than there are
        (Scan((0,), 1, 9, 1, 0), [0x02, (1, 2), EOB]),  # more than one new bit
        (Scan((0,), 1, 9, 1, 0), [0x02, (1, 1), EOB]),
        (Scan((0,), 1, 9, 1, 0), [0x91, (1, 1), EOB]),  # a new one behind the end of the band
    ],
)
def test_progressive_data_that_mean_nothing_are_refused(scan, content):
    """Of one block; a run that goes on behind the last block is of no meaning, but harmless."""
    before = [Scan((0,), 1, 9, 0, 1)] if scan.high else []
    contents = [["0"], *([[EOB]] if before else []), content]
    data = with_data([MEANS, *before, scan], contents, progressive=True)
    if content[0] == 0x10:
        assert not _kernels.read_jpeg(data)[0][4].any()
        return
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(data)


def test_a_run_ends_at_a_restart():
    scans = [MEANS, Scan((0,), 1, 9)]
    for run, fits in (([0x10, (0, 1)], True), ([0x10, (1, 1)], False)):
        means = ["0", "0", b"\xff\xd0", "0"]
        data = with_data(
            scans, [means, [*run, b"\xff\xd0", EOB]], progressive=True, shape=(8, 24), interval=2
        )
        if fits:
            assert not _kernels.read_jpeg(data)[0][4].any()
        else:
            with pytest.raises(RuntimeError):
                _kernels.read_jpeg(data)


@pytest.mark.parametrize("marker", [b"\xff\xd1", b"\xff\xd7", b""])
def test_restarts_are_numbered(marker):
    content = ["0", EOB, marker or (1, 0), "0", EOB]
    good = with_data([Scan((0,))], [["0", EOB, b"\xff\xd0", "0", EOB]], shape=(8, 16), interval=1)
    assert not _kernels.read_jpeg(good)[0][4].any()
    with pytest.raises(RuntimeError):
        _kernels.read_jpeg(with_data([Scan((0,))], [content], shape=(8, 16), interval=1))
