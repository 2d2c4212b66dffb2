"""JPEG files from their coefficients, as ITU-T T.81 describes them: sequential and progressive."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import numpy.typing as npt

Blocks = npt.NDArray[np.int16]

ZIGZAG = sorted(
    np.ndindex(8, 8), key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1])
)  # figure A.6

ORDER = [8 * y + x for y, x in ZIGZAG]


@dataclass
class Component:
    """A component and its blocks, (rows, columns, 8, 8)."""

    blocks: Blocks
    horizontal: int = 1
    vertical: int = 1

    def numbers(self, row: int, column: int) -> list[int]:
        """The coefficients of a block in the order of the file."""
        numbers: list[int] = self.blocks[row, column].ravel()[ORDER].tolist()
        return numbers


@dataclass
class Scan:
    """The components of a scan, its band, and its bits (Ah, Al)."""

    components: tuple[int, ...]
    first: int = 0
    last: int = 63
    high: int = 0
    low: int = 0


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(content)) + content


@dataclass
class Table:
    """A Huffman table: the symbols of each length, 1 to 16."""

    lengths: dict[int, Sequence[int]]
    codes: dict[int, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        code = 0
        for length in range(1, 17):
            for symbol in self.lengths.get(length, ()):
                self.codes[symbol] = code, length
                code += 1
            code *= 2

    def content(self, slot: int) -> bytes:
        listed = [self.lengths.get(length, ()) for length in range(1, 17)]
        return bytes([slot, *map(len, listed), *(s for symbols in listed for s in symbols)])


# Every symbol has a code: nearly all are equally long, or they have all lengths from 2 on.
FLAT = Table({8: range(128), 9: range(128, 256)})
STEEP = Table({**{n: (n - 2,) for n in range(2, 8)}, 12: range(6, 16), 16: range(16, 256)})
# Of means; libjpeg wants no more symbols here.
OF_MEANS = Table({**{n: (n - 2,) for n in range(2, 6)}, 9: range(4, 16)})


class Coder:
    """The data of one scan."""

    def __init__(self, scan: Scan, progressive: bool, table: Table) -> None:
        self.scan, self.progressive, self.table = scan, progressive, table
        self.data = bytearray()
        self.pending: list[str] = []
        self.means = [0] * 4
        self.run, self.held = 0, ""

    def bits(self, value: int, count: int) -> None:
        if count:
            self.pending.append(f"{value & ((1 << count) - 1):0{count}b}")

    def symbol(self, value: int, of_mean: bool = False) -> None:
        self.bits(*(OF_MEANS if of_mean else self.table).codes[value])

    def number(self, value: int, size: int) -> None:
        self.bits(value if value >= 0 else value - 1, size)

    def end_interval(self) -> None:
        self.end_run()
        bits = "".join(self.pending)
        bits += "1" * (-len(bits) % 8)
        whole = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
        self.data += whole.replace(b"\xff", b"\xff\0")
        self.pending, self.means = [], [0] * 4

    def block(self, part: int, numbers: list[int]) -> None:
        if self.scan.first == 0:
            self.direct(part, numbers[0])
        if not self.progressive:
            self.sequential(numbers)
        elif self.scan.first and self.scan.high:
            self.more_bits(numbers)
        elif self.scan.first:
            self.first_bits(numbers)

    def direct(self, part: int, value: int) -> None:
        mean = value >> self.scan.low
        if self.scan.high:
            self.bits(mean & 1, 1)
            return
        difference = mean - self.means[part]
        self.means[part] = mean
        self.symbol(abs(difference).bit_length(), True)
        self.number(difference, abs(difference).bit_length())

    def coefficient(self, zeros: int, value: int) -> None:
        size = abs(value).bit_length()
        for _ in range(zeros // 16):
            self.symbol(0xF0)
        self.symbol(zeros % 16 << 4 | size)
        self.number(value, size)

    def sequential(self, numbers: list[int]) -> None:
        zeros = 0
        for value in numbers[1:]:
            if value:
                self.coefficient(zeros, value)
            zeros = 0 if value else zeros + 1
        if zeros:
            self.symbol(0)

    def shown(self, numbers: list[int]) -> list[int]:
        """The band, its bits rounded towards zero."""
        band = numbers[self.scan.first : self.scan.last + 1]
        return [(abs(value) >> self.scan.low) * (1 if value > 0 else -1) for value in band]

    def end_block(self, corrections: str = "") -> None:
        self.run += 1
        self.held += corrections
        # T.81 leaves it to the encoder when a run ends; libjpeg ends it here.
        if self.run == 0x7FFF or len(self.held) > 937:
            self.end_run()

    def end_run(self) -> None:
        if self.run:
            size = self.run.bit_length() - 1
            self.symbol(size << 4)
            self.bits(self.run, size)
        self.pending.append(self.held)
        self.run, self.held = 0, ""

    def first_bits(self, numbers: list[int]) -> None:
        zeros = 0
        for value in self.shown(numbers):
            if value:
                self.end_run()
                self.coefficient(zeros, value)
            zeros = 0 if value else zeros + 1
        if zeros:
            self.end_block()

    def more_bits(self, numbers: list[int]) -> None:
        band = self.shown(numbers)
        new = [k for k, value in enumerate(band) if abs(value) == 1]
        zeros, corrections, done = 0, "", -1
        for k, value in enumerate(band):
            if value == 0:
                zeros += 1
                continue
            while zeros > 15 and new and k <= new[-1]:
                self.end_run()
                self.symbol(0xF0)
                self.pending.append(corrections)
                corrections, zeros = "", zeros - 16
            if abs(value) > 1:
                corrections += str(abs(value) & 1)
                continue
            self.end_run()
            self.symbol(zeros << 4 | 1)
            self.bits(value > 0, 1)
            self.pending.append(corrections)
            corrections, zeros, done = "", 0, k
        if done < len(band) - 1:
            self.end_block(corrections)


def units(
    components: Sequence[Component], scan: Scan, shape: tuple[int, int]
) -> Iterator[list[tuple[int, int, int]]]:
    """The blocks of each unit of a scan: part, row and column (A.2)."""
    across, down = (max(getattr(c, way) for c in components) for way in ("horizontal", "vertical"))
    if len(scan.components) == 1:
        only = components[scan.components[0]]
        height, width = (
            ceil(shape[0] * only.vertical / down),
            ceil(shape[1] * only.horizontal / across),
        )
        rows, columns = ceil(height / 8), ceil(width / 8)
        yield from ([(0, y, x)] for y in range(rows) for x in range(columns))
        return
    for y, x in np.ndindex(*grid(components, shape)):
        yield [
            (part, y * c.vertical + v, x * c.horizontal + h)
            for part, c in enumerate(components[k] for k in scan.components)
            for v in range(c.vertical)
            for h in range(c.horizontal)
        ]


def grid(components: Sequence[Component], shape: tuple[int, int]) -> tuple[int, int]:
    """How many units a picture has down and across."""
    across, down = (max(getattr(c, way) for c in components) for way in ("horizontal", "vertical"))
    return ceil(shape[0] / (8 * down)), ceil(shape[1] / (8 * across))


def made_up(
    sampling: Sequence[tuple[int, int]], shape: tuple[int, int], seed: int, most: int = 1023
) -> list[Component]:
    """Components with these factors (across, down), and coefficients at random."""
    rng = np.random.default_rng(seed)
    empty = [Component(np.zeros((0, 0, 8, 8), np.int16), h, v) for h, v in sampling]
    rows, columns = grid(empty, shape)
    for component in empty:
        size = (rows * component.vertical, columns * component.horizontal, 8, 8)
        scale = rng.choice([1, 3, 20, most], size)
        values = np.where(
            rng.random(size) < rng.choice([0.02, 0.2, 0.9], size[:2])[..., None, None],
            rng.integers(-scale, scale + 1),
            0,
        )
        values[rng.random(size[:2]) < 0.2, 1:] = 0
        component.blocks = values.astype(np.int16)
    return empty


def headers(
    components: Sequence[Component],
    shape: tuple[int, int],
    *,
    progressive: bool = False,
    interval: int = 0,
    table: Table = FLAT,
    quantisation: Sequence[int] = range(1, 65),
) -> bytes:
    """All before the first scan."""
    frame = struct.pack(">BHHB", 8, *shape, len(components))
    for k, component in enumerate(components):
        frame += bytes([k + 1, component.horizontal << 4 | component.vertical, 0])
    return (
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *quantisation]))
        + segment(0xC2 if progressive else 0xC0, frame)
        + segment(0xC4, OF_MEANS.content(0) + table.content(0x10))
        + (segment(0xDD, struct.pack(">H", interval)) if interval else b"")
    )


def scan_header(scan: Scan) -> bytes:
    parts = b"".join(bytes([k + 1, 0]) for k in scan.components)
    band = bytes([scan.first, scan.last, scan.high << 4 | scan.low])
    return segment(0xDA, bytes([len(scan.components)]) + parts + band)


def scan_data(
    components: Sequence[Component],
    scan: Scan,
    shape: tuple[int, int],
    *,
    progressive: bool = False,
    interval: int = 0,
    table: Table = FLAT,
) -> bytes:
    coder = Coder(scan, progressive, table)
    restarts = 0
    for number, unit in enumerate(units(components, scan, shape)):
        if interval and number and number % interval == 0:
            coder.end_interval()
            coder.data += bytes([0xFF, 0xD0 + restarts % 8])
            restarts += 1
        for part, row, column in unit:
            coder.block(part, components[scan.components[part]].numbers(row, column))
    coder.end_interval()
    return bytes(coder.data)


def coded(
    components: Sequence[Component],
    scans: Sequence[Scan],
    shape: tuple[int, int],
    *,
    progressive: bool = False,
    interval: int = 0,
    table: Table = FLAT,
) -> bytes:
    """The file."""
    how = {"progressive": progressive, "interval": interval, "table": table}
    result = headers(components, shape, progressive=progressive, interval=interval, table=table)
    for scan in scans:
        result += scan_header(scan)
        coder_data = scan_data(components, scan, shape, **how)  # type: ignore[arg-type]
        result += coder_data
    return result + b"\xff\xd9"
