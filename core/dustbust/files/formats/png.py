"""PNG frames: 8 and 16 bit, grey or RGB, with or without alpha.

All other chunks are copied as they are: text, EXIF, XMP, ICC, resolution, time. Chunks that are not
known here and whose names call them unsafe to copy are left out.

References
----------
W3C, "Portable Network Graphics (PNG) Specification (Third Edition)" = ISO/IEC 15948.
"""

import itertools
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import PngImagePlugin

from ...errors import DustbustError, Sentence
from ...image.arrays import Picture
from ..paths import check_regular
from .base import (
    FrameFile,
    animated,
    check_megapixels,
    ends_early,
    thumbnail_note,
    unsupported,
)
from .metadata import has_thumbnail

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE = 3  # colour type

# The chunk that makes a picture a dust mask. Private, ancillary, safe to copy: see "Chunk naming
# conventions" in the PNG specification.
MASK_CHUNK = b"duSt"

# Chunks that stay true when pixels change. Of others the case of the fourth letter tells whether
# they are safe to copy (PNG specification, section 5.4).
KNOWN = frozenset(
    b"IHDR IDAT IEND PLTE cHRM cICP gAMA iCCP sBIT sRGB mDCV mDCv cLLI cLLi bKGD hIST pHYs sPLT "
    b"eXIf iTXt tEXt zTXt tIME oFFs pCAL sCAL sTER gIFg gIFx".split()
)

# Metadata are inflated up to this size, in bytes, to look for a thumbnail.
LARGEST_METADATA = 1 << 24

# The largest size to which a byte of deflated data can grow (258 bytes from 2 bits).
EXPANSION = 1032

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type

# First column, first row, and steps across and down of the seven passes of an interlaced file
# (PNG specification, section 8.1).
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


class PngFile(FrameFile):
    """A PNG file."""

    kind = "PNG"
    suffixes = (".png",)
    summary = "8 and 16 bit; all chunks but the pixels stay"
    dtypes = ("uint8", "uint16")
    alpha = True
    creates = True
    opener = PngImagePlugin.PngImageFile  # whose pixels of more than 8 bits are not those stored

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith(SIGNATURE)

    def __init__(self, path: Path, data: bytes) -> None:
        # The chunks as they are, with all IDAT chunks as one that is empty.
        self.chunks: list[tuple[bytes, bytes]] = []
        # The decoder is given the pixels alone: it stumbles over odd texts and profiles.
        bare = [SIGNATURE]
        size, end = 0, len(SIGNATURE)
        for name, content in chunks(data):
            if name in (b"IHDR", b"IDAT", b"IEND"):
                bare.append(data[end : end + 12 + len(content)])
            end += 12 + len(content)
            if name != b"IDAT":
                self.chunks.append((name, content))
                continue
            if not size:
                self.chunks.append((name, b""))
            size += 12 + len(content)
        self.tail = data[end:]
        _check_critical(path, {name for name, _ in self.chunks})
        width, height, depth, colour, _, _, self.interlaced = struct.unpack(
            ">IIBBBBB", self.chunks[0][1]
        )
        check_megapixels(path, width, height)
        claimed = width * height * depth * CHANNELS.get(colour, 1) // 8
        if claimed > EXPANSION * size:
            raise ends_early()
        _check_kind(path, colour, {name for name, _ in self.chunks})
        self.path, self.pixels = path, imagecodecs.png_decode(b"".join(bare))

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        content = chunk_in(path, b"IHDR")
        if content is None or len(content) != 13:
            raise ValueError("it has no header")
        width, height, bits, colour = struct.unpack_from(">IIBB", content)
        with open(path, "rb") as file:
            before_data = itertools.takewhile(lambda each: each[0] != b"IDAT", _chunk_heads(file))
            names = {name for name, _ in before_data}
        _check_critical(path, names)
        _check_kind(path, colour, names)
        return (width, height), bits

    @classmethod
    def check_writable(cls, path: Path) -> None:
        _, bits = cls.header(path)
        if bits < 8:  # it is read anyway, since a mask may be black and white
            raise DustbustError(
                "{path}: pictures with {bits} bits cannot be cleaned; "
                "convert it to 8 or 16 bit grey first",
                path=path,
                bits=bits,
            )

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        path.write_bytes(imagecodecs.png_encode(pixels))

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        image_data = _interlaced(pixels) if self.interlaced else _image_data(pixels)
        with open(target, "wb") as file:
            file.write(SIGNATURE)
            for name, content in self.chunks:
                if _is_safe_to_copy(name):
                    file.write(chunk(name, image_data if name == b"IDAT" else content))
            file.write(self.tail)
        return self._notes()

    def _notes(self) -> list[str]:
        notes: list[str] = []
        unsafe = [name.decode("latin-1") for name, _ in self.chunks if not _is_safe_to_copy(name)]
        if unsafe:
            notes.append(
                Sentence(
                    "chunks that depend on its old pixels were left out: {names}",
                    names=", ".join(dict.fromkeys(unsafe)),
                )
            )
        if any(has_thumbnail(_metadata(name, content)) for name, content in self.chunks):
            notes.append(thumbnail_note())
        return notes


def _check_kind(path: Path, colour: int, names: set[bytes]) -> None:
    """Refuse a kind of picture that could not be written back.

    `colour` is the colour type, `names` are those of the chunks.
    """
    if colour == PALETTE:
        raise unsupported(path, Sentence("indexed pictures"))
    if b"tRNS" in names:
        raise DustbustError(
            "{path}: one of its colours stands for transparent; give it an alpha channel instead",
            path=path,
        )
    if b"acTL" in names:
        raise animated(path)


def _metadata(name: bytes, content: bytes) -> bytes:
    """The metadata in a chunk: EXIF, or what programs put into texts; empty if it has none."""
    if name == b"eXIf":
        return content
    keyword, _, rest = content.partition(b"\0")
    try:
        if name == b"iTXt" and keyword == b"XML:com.adobe.xmp":
            text = rest[2:].split(b"\0", 2)[2]
            return _inflated(text) if rest[:1] == b"\1" else text
        # ImageMagick: line end, kind, line end, length, line end, hexadecimal digits.
        if keyword.startswith(b"Raw profile type ") and name in (b"tEXt", b"zTXt"):
            text = _inflated(rest[1:]) if name == b"zTXt" else rest
            return bytes.fromhex(text.split(b"\n", 3)[3].decode("ascii"))
    except (ValueError, IndexError, zlib.error):  # damaged: no program finds a thumbnail in it
        pass
    return b""


def _inflated(data: bytes) -> bytes:
    """Deflated metadata, as far as the limit goes."""
    return zlib.decompressobj().decompress(data, LARGEST_METADATA)


def _check_critical(path: Path, names: set[bytes]) -> None:
    """Refuse chunks without which the picture cannot be shown, and which are not known here."""
    unknown = sorted(name for name in names - KNOWN if name[:1].isupper())
    if unknown:
        raise DustbustError(
            "{path}: holds the chunk {name}, without which it cannot be shown, and which is not "
            "known here; save it anew as a usual PNG",
            path=path,
            name=unknown[0].decode("latin-1"),
        )


def _is_safe_to_copy(name: bytes) -> bool:
    """Whether a chunk may be copied to a file with other pixels."""
    return name in KNOWN or name[3:4].islower()


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, content) of each chunk.

    Examples
    --------
    >>> import imagecodecs
    >>> import numpy as np
    >>> from dustbust.files.formats.png import chunks
    >>> [name for name, _ in chunks(imagecodecs.png_encode(np.zeros((2, 2), np.uint8)))]
    [b'IHDR', b'IDAT', b'IEND']
    """
    position = len(SIGNATURE)
    name = b""
    while name != b"IEND":
        if position + 12 > len(data):
            raise ends_early()
        length, name = struct.unpack_from(">I4s", data, position)
        content = data[position + 8 : position + 8 + length]
        if len(content) < length:
            raise ends_early()
        yield name, content
        position += 12 + length


def chunk_in(path: Path, name: bytes) -> bytes | None:
    """The content of the first chunk of this name in a file, without reading the pixels.

    Parameters
    ----------
    path : pathlib.Path
        Any file.
    name : bytes
        Four letters.

    Returns
    -------
    bytes or None
        None if the file has no such chunk or is not a whole PNG.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    check_regular(path)
    with open(path, "rb") as file:
        for found, length in _chunk_heads(file):
            if found == name:
                return file.read(length)
    return None


def _chunk_heads(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Yield (name, length) of each chunk that the file holds; the file is at its content then."""
    size = os.fstat(file.fileno()).st_size
    if file.read(8) != SIGNATURE:
        return
    while len(head := file.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if length > size - file.tell():  # reading would take that much memory
            return
        end = file.tell() + length + 4
        yield name, length
        file.seek(end)


def chunk(name: bytes, content: bytes) -> bytes:
    """The bytes of a chunk."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def _image_data(pixels: Picture) -> bytes:
    """The contents of the IDAT chunks of a file with these pixels, joined."""
    coded = bytes(imagecodecs.png_encode(np.array(pixels, order="C")))
    return b"".join(content for name, content in chunks(coded) if name == b"IDAT")


def _interlaced(pixels: Picture) -> bytes:
    """The same for an interlaced file: the filtered rows of seven small pictures in turn."""
    parts = (pixels[y::down, x::across] for x, y, across, down in ADAM7)
    return zlib.compress(
        b"".join(zlib.decompress(_image_data(part)) for part in parts if part.size)
    )
