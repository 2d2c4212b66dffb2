"""JPEG XL frames: 8 and 16 bit and float.

References
----------
ISO/IEC 18181-1 (codestream: SizeHeader) and 18181-2 (boxes).
"""

from pathlib import Path

import imagecodecs
import numpy as np

from .base import check_megapixels
from .decoded import DecodedFile
from .jpeg2000 import boxes

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height
SIZE_BITS = (9, 13, 18, 30)


class JpegXlFile(DecodedFile):
    """A JPEG XL file."""

    kind = "JPEG XL"
    suffixes = (".jxl",)
    summary = "8 and 16 bit and float; cleaned copies are TIFFs without its metadata"
    dtypes = ("uint8", "uint16", "float32")
    alpha = True

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith((CODESTREAM, CONTAINER))

    @classmethod
    def read(cls, path: Path) -> "JpegXlFile":
        data = path.read_bytes()
        check_megapixels(path, *_size(data), len(data))
        pixels = imagecodecs.jpegxl_decode(data)
        if pixels.ndim == 4 or (pixels.ndim == 3 and pixels.shape[2] > 4):
            raise ValueError("it holds more than one picture")
        return cls(path, np.ascontiguousarray(pixels))

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        return _size(path.read_bytes()), cls.read(path).pixels.itemsize * 8


def _size(data: bytes) -> tuple[int, int]:
    """Width and height, from the beginning of the codestream."""
    if data.startswith(CONTAINER):
        found = ((name, content) for name, _, content, _ in boxes(data) if name[:3] == b"jxl")
        name, content = next(
            (each for each in found if each[0] in (b"jxlc", b"jxlp")), (b"", len(data))
        )
        data = data[content + (4 if name == b"jxlp" else 0) :][:32]
    bits = int.from_bytes(data[2:14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def length() -> int:
        return 8 * (take(5) + 1) if small else take(SIZE_BITS[take(2)]) + 1

    height = length()
    ratio = take(3)
    width = height * RATIOS[ratio - 1][0] // RATIOS[ratio - 1][1] if ratio else length()
    return width, height
