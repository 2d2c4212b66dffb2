"""JPEG 2000 frames, JP2 files and bare codestreams: 8 and 16 bit, grey or RGB, perhaps with alpha.

The codestream is written anew without loss. All other boxes are copied as they are: profile,
resolution, XML, EXIF, XMP.

References
----------
ISO/IEC 15444-1 | ITU-T T.800, annexes A (markers) and I (boxes).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
from PIL import Jpeg2KImagePlugin

from ...errors import DustbustError, Sentence
from ...image.arrays import Picture
from .base import (
    FrameFile,
    check_megapixels,
    ends_early,
    several_pictures,
    thumbnail_note,
    unsupported,
    written_without_loss,
)
from .metadata import has_thumbnail

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
SIZ = b"\xff\x4f\xff\x51"  # a codestream begins with it: start of codestream, size
END = b"\xff\xd9"
COD, SOT = 0xFF52, 0xFF90  # coding style; start of the first tile, where the header ends
TRANSFORMATION = 13  # of COD: distance from the marker to the kind of wavelets
IRREVERSIBLE = 0
# A file that becomes more than this many times as large was lossy: its wavelets were reversible,
# but not all of them were kept.
GROWN = 1.5
# Enumerated colour spaces in the colour box. Any other space of these channels has a profile.
COLOURS = {16: "sRGB", 17: "grey"}
# Boxes that stay true when pixels change. Others may name places in the file or hold its pixels.
KNOWN = frozenset(
    b"jP  |ftyp|jp2h|jp2i|xml |uuid|uinf|rreq|asoc|lbl |nlst|jpch|jplh|free".split(b"|")
)

UUID = 16  # bytes of the identifier at the beginning of a uuid box

CODESTREAM_SUFFIXES = (".j2k", ".j2c")


class Jpeg2000File(FrameFile):
    """A JPEG 2000 file."""

    kind = "JPEG 2000"
    suffixes = (".jp2", ".j2k", ".j2c", ".jpf", ".jpx")
    summary = "8 and 16 bit, written without loss; all other boxes stay"
    dtypes = ("uint8", "uint16")
    alpha = True
    creates = True
    opener = Jpeg2KImagePlugin.Jpeg2KImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith((SIGNATURE, SIZ))

    def __init__(self, path: Path, data: bytes) -> None:
        self.before, codestream, self.after, self.left_out = _parts(path, data)
        self.thumbnail = any(map(has_thumbnail, _metadata(self.before)))
        self.thumbnail |= bool(self.before) and any(map(has_thumbnail, _metadata(self.after)))
        _size(path, codestream)
        if not codestream.endswith(END):
            raise ends_early()
        self.irreversible = _transformation(codestream) == IRREVERSIBLE
        self.length = len(codestream)
        self.path, self.pixels = path, imagecodecs.jpeg2k_decode(codestream)

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        width, height, bits = _size(path, _parts(path, path.read_bytes())[1])
        return (width, height), bits

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        bare = path.suffix.lower() in CODESTREAM_SUFFIXES
        path.write_bytes(_encode(pixels, "j2k" if bare else "jp2"))

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        codestream = _encode(pixels, "j2k")
        lossy = self.irreversible or len(codestream) > GROWN * self.length
        if self.before:
            codestream = _box(b"jp2c", codestream)
        target.write_bytes(self.before + codestream + self.after)
        notes: list[str] = [written_without_loss(self.kind)] if lossy else []
        if self.left_out:
            notes.append(
                Sentence(
                    "boxes that may depend on its old pixels were left out: {names}",
                    names=", ".join(self.left_out),
                )
            )
        if self.thumbnail:
            notes.append(thumbnail_note())
        return notes


def boxes(
    data: bytes, start: int = 0, end: int | None = None
) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield (name, start of the box, start of its content, its end) of each box."""
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise ends_early()
        length, name = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1:
            length, content = struct.unpack_from(">Q", data, content)[0], content + 8
        stop = start + length if length else end
        if not content <= stop <= end:
            raise ends_early()
        yield name, start, content, stop
        start = stop


def _metadata(data: bytes) -> Iterator[bytes]:
    """Yield the contents of the boxes with metadata: EXIF, XMP, resources of Photoshop."""
    for name, _, content, stop in boxes(data):
        if name in (b"uuid", b"xml "):
            yield data[content + (UUID if name == b"uuid" else 0) : stop]


def _encode(pixels: Picture, form: str) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat=form, reversible=True))


def _parts(path: Path, data: bytes) -> tuple[bytes, bytes, bytes, list[str]]:
    """What is before the codestream's box, the codestream, what is behind it, what is left out."""
    if data.startswith(SIZ):  # the marker of the end does not occur within it
        end = data.rfind(END) + len(END)
        return b"", data[:end], data[end:], []
    codestreams = []
    safe = [bytearray(), bytearray()]  # before and behind
    left_out = []
    for name, start, content, stop in boxes(data):
        if name == b"jp2c":
            codestreams.append((start, content, stop))
            continue
        if name == b"jp2h":
            _check_colours(path, data, content, stop)
        if name in KNOWN:
            safe[bool(codestreams)] += data[start:stop]
        else:
            left_out.append(name.decode("latin-1"))
    if not codestreams:
        raise ValueError("it has no codestream")
    if len(codestreams) > 1:
        raise several_pictures(path, len(codestreams))
    _, content, stop = codestreams[0]
    return bytes(safe[0]), data[content:stop], bytes(safe[1]), left_out


def _check_colours(path: Path, data: bytes, start: int, end: int) -> None:
    """Refuse a palette and colours other than grey and RGB, by the boxes of the header."""
    for name, _, content, _ in boxes(data, start, end):
        method, space = data[content], int.from_bytes(data[content + 3 : content + 7], "big")
        if name == b"pclr":
            raise unsupported(path, Sentence("indexed pictures"))
        if name == b"colr" and method == 1 and space not in COLOURS:
            raise unsupported(path, Sentence("pictures of type {name}", name=space))


def _box(name: bytes, content: bytes) -> bytes:
    length = len(content) + 8
    if length < 1 << 32:
        return struct.pack(">I4s", length, name) + content
    return struct.pack(">I4sQ", 1, name, length + 8) + content


def _size(path: Path, codestream: bytes) -> tuple[int, int, int]:
    """Width, height and bits of the picture, if it is of a kind that is supported."""
    right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
    (channels,) = struct.unpack_from(">H", codestream, 40)
    depths, across, down = (
        set(codestream[42 + place : 42 + 3 * channels : 3]) for place in range(3)
    )
    bits = max(depths, default=0) + 1  # over 128 when signed
    if depths not in ({7}, {15}):
        raise DustbustError(
            "{path}: JPEG 2000 with {bits} bits is not supported; convert it to 8 or 16 bits first",
            path=path,
            bits=bits % 128,
        )
    if across | down != {1}:
        raise unsupported(path, Sentence("JPEG 2000 files with smaller colour channels"))
    width, height = right - left, bottom - top
    check_megapixels(path, width, height, len(codestream))
    return width, height, bits


def _transformation(codestream: bytes) -> int:
    """The kind of wavelets, from the header of the codestream."""
    position, marker = 2, 0
    while marker != SOT:
        marker, length = struct.unpack_from(">2H", codestream, position)
        if marker == COD:
            return codestream[position + TRANSFORMATION]
        position += 2 + length
    raise ValueError("it has no coding style")
