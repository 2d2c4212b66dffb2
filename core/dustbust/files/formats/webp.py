"""WebP frames."""

import io
import struct
import warnings

import numpy as np
from PIL import Image, WebPImagePlugin

from ...errors import DustbustError
from .base import FrameFile, check_size, written_without_loss


class WebpFile(FrameFile):
    kind = "WebP"
    opener = WebPImagePlugin.WebPImageFile

    @staticmethod
    def recognises(head):
        return head[:4] == b"RIFF" and head[8:12] == b"WEBP"

    def __init__(self, path, data):
        chunks = dict(_chunks(data))
        if b"ANIM" in chunks:
            raise DustbustError(
                "{path}: animated pictures are not supported; save its frames as files", path=path
            )
        check_size(path, *_size(chunks))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
            super().__init__(path, np.asarray(picture))
        self.lossless = b"VP8L" in chunks
        self.metadata = {
            "icc_profile": chunks.get(b"ICCP", b""),
            "exif": chunks.get(b"EXIF", b""),
            "xmp": chunks.get(b"XMP ", b""),
        }

    def _write(self, pixels, target):
        Image.fromarray(pixels).save(target, "WEBP", lossless=True, exact=True, **self.metadata)
        return [] if self.lossless else [written_without_loss(self.kind)]


def _chunks(data):
    """Yield (name, content) of each chunk of the RIFF file."""
    position = 12
    while position + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > len(data):
            raise ValueError("it ends before its end")
        yield name, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _size(chunks):
    """Width and height, from the first header there is (WebP container specification; RFC 6386; WebP lossless bitstream)."""
    if b"VP8X" in chunks:
        content = chunks[b"VP8X"]
        return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(
            content[7:10], "little"
        )
    if b"VP8L" in chunks:
        bits = int.from_bytes(chunks[b"VP8L"][1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", chunks[b"VP8 "], 6)
    return width & 0x3FFF, height & 0x3FFF
