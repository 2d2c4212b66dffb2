"""BMP frames: 24 and 32 bit colours, and 8 bit grey.

A cleaned file is a copy of the file in which only the pixels differ: header, resolution, profile
and padding stay.

References
----------
Microsoft, "Bitmap Storage": BITMAPFILEHEADER, BITMAPINFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER.
"""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import BmpImagePlugin, Image

from ...errors import Sentence
from ...image.arrays import Picture
from .base import FrameFile, check_megapixels, ends_early, pillow_bytes, unsupported

UNCOMPRESSED = 0
FILE_HEADER = 14  # bytes before the header of the picture
SMALLEST_HEADER = 40  # BITMAPINFOHEADER; older ones have other fields
LARGEST_HEADER = 124  # BITMAPV5HEADER
PALETTE = 4 * 256  # bytes of 256 colours
HEAD = FILE_HEADER + LARGEST_HEADER + PALETTE


class BmpFile(FrameFile):
    """A BMP file."""

    kind = "BMP"
    suffixes = (".bmp", ".dib")
    summary = "8 bit grey, 24 and 32 bit colours; everything but the pixels stays"
    dtypes = ("uint8",)
    creates = True
    opener = BmpImagePlugin.BmpImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith(b"BM")

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data = path, data
        self.layout = _layout(path, data)
        stored = self._stored(data)
        self.pixels = np.ascontiguousarray(
            stored[..., 0] if self.layout[3] == 1 else stored[..., 2::-1]
        )

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        with open(path, "rb") as file:
            _, width, height, _ = _layout(path, file.read(HEAD))
        return (width, abs(height)), 8

    def _stored(self, data: bytes | bytearray) -> npt.NDArray[np.uint8]:
        """A view of the pixels in the bytes of the file, the top row first.

        Its shape is (H, W, bytes of a pixel): blue, green, red, and perhaps a fourth byte.
        """
        begin, width, height, channels = self.layout
        row = -(-width * channels // 4) * 4
        if begin + row * abs(height) > len(data):
            raise ends_early()
        rows = np.frombuffer(data, np.uint8, row * abs(height), begin).reshape(abs(height), row)
        return rows[:: -1 if height > 0 else 1, : width * channels].reshape(
            abs(height), width, channels
        )

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        path.write_bytes(pillow_bytes(Image.fromarray(pixels.squeeze()), "BMP"))

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        data = bytearray(self.data)
        self._stored(data)[..., :3] = pixels[..., None] if pixels.ndim == 2 else pixels[..., ::-1]
        target.write_bytes(data)
        return []


def _layout(path: Path, data: bytes) -> tuple[int, int, int, int]:
    """Where the pixels begin, width, height (below 0 from the top), and bytes of a pixel.

    `data` are the first HEAD bytes of a file, or all of it.
    """
    begin, header, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", data, 10)
    if header < SMALLEST_HEADER:
        raise ValueError("its header is of another kind")
    check_megapixels(path, width, abs(height))
    if bits not in (8, 24, 32) or compression != UNCOMPRESSED:
        raise unsupported(path, _kind_of(bits, compression))
    end = FILE_HEADER + header
    if bits == 8:
        if not _is_grey(data[end : end + PALETTE]):
            raise unsupported(path, Sentence("indexed pictures"))
        end += PALETTE
    begin = begin or end  # 0 is what some programs write for "behind the header"
    if begin < end:
        raise ValueError("its pixels begin within its header")
    return begin, width, height, bits // 8


def _kind_of(bits: int, compression: int) -> Sentence:
    if bits <= 8:
        return Sentence("indexed pictures")
    return Sentence(
        "BMPs with {bits} bits and compression {compression}", bits=bits, compression=compression
    )


def _is_grey(palette: bytes) -> bool:
    """Whether a palette holds the 256 greys in their order."""
    colours = np.frombuffer(palette, np.uint8)
    if colours.size < PALETTE:
        return False
    return bool((colours.reshape(-1, 4)[:, :3] == np.arange(256)[:, None]).all())
