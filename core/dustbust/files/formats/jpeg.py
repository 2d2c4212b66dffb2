"""JPEG frames.

Written is the file with other coefficients, in those 8 x 8 blocks only in which pixels changed.
Tables, subsampling, scans and metadata stay as they are. Decoding and encoding once more would
change most of the picture by a little, even with the same tables.

References
----------
ITU-T T.81 (markers, coefficients); ITU-T T.871 (JFIF, colours); CIPA DC-007 (MPF).
"""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import JpegImagePlugin

from ... import _kernels
from ...errors import DustbustError, Sentence
from ...image.arrays import Mask, Picture, Plane, luminance
from .base import FrameFile, check_megapixels, unsupported

SOS, APP0, APP2, APP14 = 0xDA, 0xE0, 0xE2, 0xEE
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# A file with more scans is refused: a scan of a few bytes takes a pass over the whole picture.
# Encoders make about ten.
SCANS = 500

# RGB to the YCbCr of JFIF (ITU-T T.871, section 7), less the offset 128 of Cb and Cr.
YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]],
    np.float32,
)

# Of a new JPEG, on libjpeg's scale to 100: its loss is below the grain of film.
QUALITY = 95

# Identifier, sampling factors across and down, quantisation table and coefficients of a component.
Component = tuple[Any, ...]


class JpegFile(FrameFile):
    """A JPEG file."""

    kind = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jpe")
    summary = "8 bit; only the 8 x 8 blocks with dust change, all else stays as it is"
    dtypes = ("uint8",)
    creates = True
    opener = JpegImagePlugin.JpegImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith(b"\xff\xd8\xff")

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.data = path, data
        self.pixels = np.asarray(_open(path, data))

    @classmethod
    def read_luminance_and_data(cls, path: Path) -> tuple[Plane, Mask | None]:
        picture = _open(path, path.read_bytes())
        if picture.mode == "RGB":
            # Decoding the luminance alone is 2.5 times faster than decoding the colours as well.
            picture.draft("L", picture.size)
        return luminance(np.asarray(picture.convert("L"))), None

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        path.write_bytes(imagecodecs.jpeg_encode(pixels, level=QUALITY))

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        data, notes = _without_other_pictures(self.data)
        components = _kernels.read_jpeg(data)
        _repair(components, self.pixels, pixels, _is_rgb(data, components))
        target.write_bytes(_kernels.write_jpeg(data, [blocks for *_, blocks in components]))
        return notes


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment of a JPEG up to its first scan.

    `start` is the position of the marker's 0xFF.
    """
    position = 2
    while True:
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        if data[position] != 0xFF:
            raise ValueError("there is no marker where one must be")
        marker = data[position + 1]
        (length,) = struct.unpack_from(">H", data, position + 2)
        yield marker, position, position + 2 + length
        if marker == SOS:
            return
        position += 2 + length


def _open(path: Path, data: bytes) -> JpegImagePlugin.JpegImageFile:
    """The picture, not yet decoded, if it is of a kind that is supported."""
    for marker, start, _ in segments(data):
        if marker in FRAME_HEADERS:
            precision, height, width, channels = struct.unpack_from(">BHHB", data, start + 4)
            break
    else:
        raise ValueError("it has no frame header")
    if precision != 8 or channels not in (1, 3):
        raise unsupported(path, _kind_of(precision, channels))
    check_megapixels(path, width, height)
    if data.count(bytes((0xFF, SOS))) > SCANS:
        raise ValueError("it has too many scans")
    # Not Image.open, which has a limit of its own and would try other formats.
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data))


def _kind_of(precision: int, channels: int) -> Sentence:
    if channels == 4:
        return Sentence("CMYK pictures")
    return Sentence(
        "JPEGs with {bits} bits and {channels} channels", bits=precision, channels=channels
    )


def _is_rgb(data: bytes, components: list[Component]) -> bool:
    """Whether the three components are RGB instead of YCbCr, by the rules of libjpeg."""
    marked = {
        marker: data[start + 4 : end]
        for marker, start, end in segments(data)
        if marker in (APP0, APP14)
    }
    if marked.get(APP0, b"").startswith(b"JFIF\0"):
        return False
    if marked.get(APP14, b"").startswith(b"Adobe") and len(marked[APP14]) >= 12:
        return marked[APP14][11] == 0
    return bytes(identifier for identifier, *_ in components) == b"RGB"


def _without_other_pictures(data: bytes) -> tuple[bytes, list[str]]:
    """A JPEG without the previews that cameras append to it, and a note on that.

    The list of the previews (in APP2, "MPF") names places in the file.
    """
    listed = [
        (start, end)
        for marker, start, end in segments(data)
        if marker == APP2 and data[start + 4 : end].startswith(b"MPF\0")
    ]
    for start, end in reversed(listed):
        data = data[:start] + data[end:]
    note = Sentence("the preview pictures appended to it were left out")
    return data, [note] if listed else []


def _repair(components: list[Component], before: Picture, after: Picture, is_rgb: bool) -> None:
    """Give the blocks in which pixels changed other coefficients, in place."""
    widest, tallest = (max(component[axis] for component in components) for axis in (1, 2))
    if any(widest % across or tallest % down for _, across, down, *_ in components):
        raise DustbustError(
            "its chroma subsampling by a fraction is not supported; convert it to TIFF or PNG first"
        )
    colours = len(components)
    plain = is_rgb or colours == 1
    of_colours = np.eye(colours, dtype=np.float32) if plain else YCBCR
    levels = np.full(colours, 128, np.float32) if plain else np.array([128, 0, 0], np.float32)
    _kernels.repair_jpeg(components, before, after, of_colours, levels)
