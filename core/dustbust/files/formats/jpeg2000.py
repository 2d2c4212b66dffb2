"""JPEG 2000 frames, JP2 files and bare codestreams: 8 and 16 bit, grey or RGB, with or without alpha.

The codestream is written anew without loss; all other boxes are copied as they are: profile, resolution, XML, EXIF, XMP.
Boxes and markers: ISO/IEC 15444-1, annexes I and A.
"""

import struct

import imagecodecs

from ...errors import DustbustError, Sentence
from .base import FrameFile, check_size, written_without_loss

SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
SIZ = b"\xff\x4f\xff\x51"  # a codestream begins with it: start of codestream, size
END = b"\xff\xd9"
COD, SOT = 0xFF52, 0xFF90  # coding style; start of the first tile, where the header ends
TRANSFORMATION = 13  # of COD: where it says how the wavelets are made, behind the marker
IRREVERSIBLE = 0
GROWN = 1.5  # times as large: reversible wavelets of which not all were kept
COLOURS = {
    16: "sRGB",
    17: "grey",
}  # by their numbers in the colour box; any other space of these channels has a profile


def boxes(data, start=0, end=None):
    """Yield (name, where the box begins, where its content begins, where it ends) of each box."""
    end = len(data) if end is None else end
    while start < end:
        length, name = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if length == 1:
            length, content = struct.unpack_from(">Q", data, content)[0], content + 8
        stop = start + length if length else end
        if not content <= stop <= end:
            raise ValueError("it ends before its end")
        yield name, start, content, stop
        start = stop


class Jpeg2000File(FrameFile):
    kind = "JPEG 2000"

    @staticmethod
    def recognises(head):
        return head.startswith((SIGNATURE, SIZ))

    def __init__(self, path, data):
        self.before, codestream, self.after = _parts(path, data)
        width, height, _ = _size(path, codestream)
        check_size(path, width, height)
        if not codestream.endswith(END):
            raise ValueError("it ends before its end")
        self.irreversible, self.length = (
            _transformation(codestream) == IRREVERSIBLE,
            len(codestream),
        )
        super().__init__(path, imagecodecs.jpeg2k_decode(codestream))

    @classmethod
    def header(cls, path):
        width, height, bits = _size(path, _parts(path, path.read_bytes())[1])
        return (width, height), bits

    def _write(self, pixels, target):
        codestream = imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k", reversible=True)
        lossy = self.irreversible or len(codestream) > GROWN * self.length
        if self.before:
            codestream = _box(b"jp2c", codestream)
        target.write_bytes(self.before + codestream + self.after)
        return [written_without_loss(self.kind)] if lossy else []


def _parts(path, data):
    """What stands before the codestream's box, the codestream, and what stands behind it."""
    if data.startswith(SIZ):
        return b"", data, b""
    found = [
        (start, content, stop) for name, start, content, stop in boxes(data) if name == b"jp2c"
    ]
    headers = [
        box
        for name, _, content, stop in boxes(data)
        if name == b"jp2h"
        for box in boxes(data, content, stop)
    ]
    if not found:
        raise ValueError("it has no codestream")
    if len(found) > 1:
        raise DustbustError(
            "{path}: holds {number} pictures; save each as a file of its own",
            path=path,
            number=len(found),
        )
    for name, _, content, _ in headers:
        method, space = data[content], int.from_bytes(data[content + 3 : content + 7], "big")
        if name == b"pclr" or (name == b"colr" and method == 1 and space not in COLOURS):
            kind = (
                Sentence("indexed pictures")
                if name == b"pclr"
                else Sentence("pictures of type {name}", name=space)
            )
            raise DustbustError(
                "{path}: {kind} are not supported; convert it to grey or RGB first",
                path=path,
                kind=kind,
            )
    start, content, stop = found[0]
    return data[:start], data[content:stop], data[stop:]


def _box(name, content):
    length = len(content) + 8
    return (
        struct.pack(">I4s", length, name)
        if length < 1 << 32
        else struct.pack(">I4sQ", 1, name, length + 8)
    ) + content


def _size(path, codestream):
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
        raise DustbustError(
            "{path}: {kind} are not supported; convert it to grey or RGB first",
            path=path,
            kind=Sentence("JPEG 2000 files with smaller colour channels"),
        )
    return right - left, bottom - top, bits


def _transformation(codestream):
    """The number of the kind of wavelets, from the header of the codestream."""
    position, marker = 2, 0
    while marker != SOT:
        marker, length = struct.unpack_from(">2H", codestream, position)
        if marker == COD:
            return codestream[position + TRANSFORMATION]
        position += 2 + length
    raise ValueError("it has no coding style")
