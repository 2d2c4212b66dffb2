"""PNG frames: 8 and 16 bit, grey or RGB, with or without alpha.

All chunks but the pixels' (IDAT) are copied as they are: text, EXIF, XMP, ICC, resolution, time.
"""

import os
import struct
import zlib

import imagecodecs
import numpy as np

from ...errors import DustbustError
from .base import FrameFile, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # colour type

# What makes a picture a dust mask. Private, ancillary, safe to copy: see "Chunk naming conventions" in the PNG specification.
MASK_CHUNK = b"duSt"

# First column, first row, and steps of the seven passes of an interlaced file (PNG specification, section 8.2).
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def chunks(data):
    """Yield (name, content) of each chunk.

    >>> [name for name, _ in chunks(imagecodecs.png_encode(np.zeros((2, 2), np.uint8)))]
    [b'IHDR', b'IDAT', b'IEND']
    """
    position = len(SIGNATURE)
    name = b""
    while name != b"IEND":
        if position + 12 > len(data):
            raise ValueError("it ends before its end")
        length, name = struct.unpack_from(">I4s", data, position)
        content = data[position + 8 : position + 8 + length]
        if len(content) < length:
            raise ValueError("it ends before its end")
        yield name, content
        position += 12 + length


def chunk_in(path, name):
    """The content of the first chunk of this name in a file, without reading the pixels; None if it has none or is no whole PNG.

    Raises
    ------
    OSError
        when the file cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None
        while len(head := file.read(8)) == 8:
            length, found = struct.unpack(">I4s", head)
            if found == name:
                content = file.read(length)
                return content if len(content) == length else None
            file.seek(length + 4, os.SEEK_CUR)
    return None


def chunk(name, content):
    """The bytes of a chunk."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


class PngFile(FrameFile):
    kind = "PNG"

    @staticmethod
    def recognises(head):
        return head.startswith(SIGNATURE)

    def __init__(self, path, data):
        # The chunks as they are, with all of IDAT as one that is empty.
        self.chunks = []
        for name, content in chunks(data):
            if name != b"IDAT":
                self.chunks.append((name, content))
            elif (name, b"") not in self.chunks:
                self.chunks.append((name, b""))
        names = {name for name, _ in self.chunks}
        width, height, self.depth, colour, _, _, self.interlaced = struct.unpack(
            ">IIBBBBB", self.chunks[0][1]
        )
        check_size(path, width, height)
        if colour == PALETTE:
            raise DustbustError(
                "{path}: indexed pictures are not supported; convert it to grey or RGB first",
                path=path,
            )
        if b"tRNS" in names:
            raise DustbustError(
                "{path}: one of its colours stands for transparent; give it an alpha channel instead",
                path=path,
            )
        if b"acTL" in names:
            raise DustbustError(
                "{path}: animated pictures are not supported; save its frames as files", path=path
            )
        super().__init__(path, imagecodecs.png_decode(data))

    @classmethod
    def header(cls, path):
        width, height, bits = struct.unpack_from(">IIB", chunk_in(path, b"IHDR"))
        return (width, height), bits

    def _write(self, pixels, target):
        if self.depth < 8:  # which is read, since a mask may be black and white
            raise DustbustError(
                "{path}: pictures with {bits} bits cannot be cleaned; convert it to 8 or 16 bit grey first",
                path=self.path,
                bits=self.depth,
            )
        image_data = _interlaced(pixels) if self.interlaced else _image_data(pixels)
        with open(target, "wb") as file:
            file.write(SIGNATURE)
            for name, content in self.chunks:
                file.write(chunk(name, image_data if name == b"IDAT" else content))
        return []


def _image_data(pixels):
    """What the IDAT chunks of a file with these pixels hold, as one."""
    return b"".join(
        content
        for name, content in chunks(imagecodecs.png_encode(np.array(pixels, order="C")))
        if name == b"IDAT"
    )


def _interlaced(pixels):
    """The same for an interlaced file: the rows of seven small pictures, each with its filters, one after the other."""
    parts = (pixels[y::down, x::across] for x, y, across, down in ADAM7)
    return zlib.compress(
        b"".join(zlib.decompress(_image_data(part)) for part in parts if part.size)
    )
