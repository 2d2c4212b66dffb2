"""JPEG frames.

Written is the file with other coefficients, in those 8 x 8 blocks only in which pixels changed; tables, subsampling, scans and metadata
stay as they are. Decoding and encoding a second time would change most of the picture by a little, even with the same tables.
"""

import io
import struct

import numpy as np
from PIL import JpegImagePlugin

from ... import _kernels
from ...errors import DustbustError, Sentence
from ...image.arrays import luminance
from .base import FrameFile, check_size

SOS, APP0, APP2, APP14 = 0xDA, 0xE0, 0xE2, 0xEE
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}

# A file with more scans is refused: each is a walk over the whole picture, in a few bytes. Encoders use about ten.
SCANS = 500

# RGB to the YCbCr of JFIF, less the 128 of the colours.
YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]],
    np.float32,
)


def segments(data):
    """Yield (marker, start, end) of each segment of a JPEG up to its first scan; `start` is where its 0xFF is."""
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


class JpegFile(FrameFile):
    kind = "JPEG"
    opener = JpegImagePlugin.JpegImageFile

    @staticmethod
    def recognises(head):
        return head.startswith(b"\xff\xd8\xff")

    def __init__(self, path, data):
        super().__init__(path, np.asarray(_open(path, data)))
        self.data = data

    @classmethod
    def read_luminance_and_data(cls, path):
        picture = _open(path, path.read_bytes())
        if picture.mode == "RGB":
            picture.draft("L", picture.size)  # 2.5 times faster than to decode the colours as well
        return luminance(np.asarray(picture.convert("L"))), None

    def _write(self, pixels, target):
        data, notes = _without_other_pictures(self.data)
        components = _kernels.read_jpeg(data)
        _repair(components, self.pixels, pixels, _is_rgb(data, components))
        target.write_bytes(_kernels.write_jpeg(data, [blocks for *_, blocks in components]))
        return notes


def _open(path, data):
    """The picture, not yet decoded, if it is of a kind that is supported."""
    for marker, start, _ in segments(data):
        if marker in FRAME_HEADERS:
            precision, height, width, channels = struct.unpack_from(">BHHB", data, start + 4)
            break
    else:
        raise ValueError("it has no frame header")
    if precision != 8 or channels not in (1, 3):
        kind = Sentence(
            "CMYK pictures" if channels == 4 else "JPEGs with {bits} bits and {channels} channels",
            bits=precision,
            channels=channels,
        )
        raise DustbustError(
            "{path}: {kind} are not supported; convert it to grey or RGB first",
            path=path,
            kind=kind,
        )
    check_size(path, width, height)
    if data.count(bytes((0xFF, SOS))) > SCANS:
        raise ValueError("it has too many scans")
    # Not Image.open, which has a limit of its own and would try other formats.
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data))


def _is_rgb(data, components):
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


def _without_other_pictures(data):
    """A JPEG without the previews that cameras append to it: the list of them (in APP2, "MPF") names places in the file."""
    listed = [
        (start, end)
        for marker, start, end in segments(data)
        if marker == APP2 and data[start + 4 : end].startswith(b"MPF\0")
    ]
    for start, end in reversed(listed):
        data = data[:start] + data[end:]
    return data, ["the preview pictures appended to it were left out"] if listed else []


def _repair(components, before, after, is_rgb):
    """Give the blocks in which pixels changed other coefficients, in place."""
    widest, tallest = (max(component[axis] for component in components) for axis in (1, 2))
    if any(widest % across or tallest % down for _, across, down, *_ in components):
        raise DustbustError(
            "its chroma subsampling by a fraction is not supported; convert it to TIFF or PNG first"
        )
    colours = len(components)
    plain = is_rgb or colours == 1
    of_colours = np.eye(colours, dtype=np.float32) if plain else YCBCR
    levels = np.full(colours, 128, np.float32) if plain else np.float32([128, 0, 0])
    _kernels.repair_jpeg(components, before, after, of_colours, levels)
