"""WebP frames.

A cleaned file is a new lossless file with the same profile, EXIF and XMP.

References
----------
RFC 9649: WebP container and lossless bitstream. RFC 6386: VP8.
"""

import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, WebPImagePlugin

from ...errors import Sentence
from ...image.arrays import Picture
from .base import (
    FrameFile,
    animated,
    check_megapixels,
    ends_early,
    pillow_bytes,
    thumbnail_note,
    written_without_loss,
)
from .metadata import has_thumbnail

# Chunks with the pixels, and those that are kept.
KNOWN = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"EXIF", b"XMP "}


class WebpFile(FrameFile):
    """A WebP file."""

    kind = "WebP"
    suffixes = (".webp",)
    summary = "8 bit, written without loss; profile, EXIF and XMP stay"
    dtypes = ("uint8",)
    alpha = True
    creates = True
    opener = WebPImagePlugin.WebPImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def __init__(self, path: Path, data: bytes) -> None:
        chunks, end = _still(path, data)
        self.left_out = [name.decode("latin-1") for name in chunks if name not in KNOWN]
        self.tail = data[end:] if end < len(data) else b""
        check_megapixels(path, *_size(chunks), len(data))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
            self.path, self.pixels = path, np.asarray(picture)
        self.lossless = b"VP8L" in chunks
        self.metadata = {
            "icc_profile": chunks.get(b"ICCP", b""),
            "exif": chunks.get(b"EXIF", b""),
            "xmp": chunks.get(b"XMP ", b""),
        }

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        chunks, _ = _still(path, path.read_bytes())
        return _size(chunks), 8

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        path.write_bytes(_encode(pixels, {}))

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        target.write_bytes(_encode(pixels, self.metadata) + self.tail)
        notes: list[str] = [] if self.lossless else [written_without_loss(self.kind)]
        if self.left_out:
            notes.append(
                Sentence(
                    "chunks that may depend on its old pixels were left out: {names}",
                    names=", ".join(self.left_out),
                )
            )
        if has_thumbnail(self.metadata["exif"]) or has_thumbnail(self.metadata["xmp"]):
            notes.append(thumbnail_note())
        return notes


def _encode(pixels: Picture, metadata: dict[str, bytes]) -> bytes:
    if pixels.ndim == 3 and pixels.shape[2] <= 2:  # WebP has colours only
        grey = [pixels[..., :1]] * 3
        pixels = np.concatenate([*grey, pixels[..., 1:]], axis=2)
    return pillow_bytes(Image.fromarray(pixels), "WEBP", lossless=True, exact=True, **metadata)


def _still(path: Path, data: bytes) -> tuple[dict[bytes, bytes], int]:
    """The chunks of a file and where the last one ends, if it is not animated."""
    end = 8 + int.from_bytes(data[4:8], "little")
    chunks = dict(_chunks(data[:end]))
    if b"ANIM" in chunks:
        raise animated(path)
    return chunks, end


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, content) of each chunk of the RIFF file."""
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > len(data):
            raise ends_early()
        yield name, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _size(chunks: dict[bytes, bytes]) -> tuple[int, int]:
    """Width and height, from the first header there is."""
    if b"VP8X" in chunks:
        content = chunks[b"VP8X"]
        width, height = (int.from_bytes(content[at : at + 3], "little") for at in (4, 7))
        return 1 + width, 1 + height
    if b"VP8L" in chunks:
        bits = int.from_bytes(chunks[b"VP8L"][1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
    return width & 0x3FFF, height & 0x3FFF
