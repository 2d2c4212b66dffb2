"""BMP frames: 24 and 32 bit colours, and 8 bit grey.

Written is a copy of the file with other values where its pixels are: header, resolution, profile and padding stay.
The structures are those of Windows' BITMAPFILEHEADER, BITMAPINFOHEADER and its successors.
"""

import struct

import numpy as np
from PIL import BmpImagePlugin

from ...errors import DustbustError, Sentence
from .base import FrameFile, check_size

UNCOMPRESSED = 0


class BmpFile(FrameFile):
    kind = "BMP"
    opener = BmpImagePlugin.BmpImageFile

    @staticmethod
    def recognises(head):
        return head.startswith(b"BM")

    def __init__(self, path, data):
        self.data = data
        begin, header, width, height, _, bits, compression = struct.unpack_from(
            "<IIiiHHI", data, 10
        )
        if header < 40:
            raise ValueError("its header is of another kind")
        check_size(path, width, abs(height))
        if (
            bits not in (8, 24, 32)
            or compression != UNCOMPRESSED
            or (bits == 8 and not _grey(data, header, begin))
        ):
            raise DustbustError(
                "{path}: {kind} are not supported; convert it to grey or RGB first",
                path=path,
                kind=Sentence("indexed pictures")
                if bits <= 8
                else Sentence(
                    "BMPs with {bits} bits and compression {compression}",
                    bits=bits,
                    compression=compression,
                ),
            )
        self.layout = begin, width, height, bits // 8
        stored = self._stored(data)
        super().__init__(
            path, np.ascontiguousarray(stored[..., 0] if bits == 8 else stored[..., 2::-1])
        )

    def _stored(self, data):
        """The pixels in the bytes of the file from the top, (H, W, bytes of a pixel): blue, green, red, perhaps something else."""
        begin, width, height, channels = self.layout
        row = -(-width * channels // 4) * 4
        if begin + row * abs(height) > len(data):
            raise ValueError("it ends before its end")
        rows = np.frombuffer(data, np.uint8, row * abs(height), begin).reshape(abs(height), row)
        return rows[:: -1 if height > 0 else 1, : width * channels].reshape(
            abs(height), width, channels
        )

    def _write(self, pixels, target):
        data = bytearray(self.data)
        self._stored(data)[..., :3] = pixels[..., None] if pixels.ndim == 2 else pixels[..., ::-1]
        target.write_bytes(data)
        return []


def _grey(data, header, begin):
    """Whether the colours of an indexed picture are the greys in their order."""
    palette = np.frombuffer(data[14 + header : begin][: 4 * 256], np.uint8).reshape(-1, 4)
    return len(palette) == 256 and (palette[:, :3] == np.arange(256)[:, None]).all()
