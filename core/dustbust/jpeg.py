"""JPEG frames."""
import io
import struct
import warnings

import numpy as np
from PIL import JpegImagePlugin

from .arrays import luminance
from .errors import DustbustError
from .framefile import FrameFile, check_size

SOI, EOI, SOS, COM = 0xD8, 0xD9, 0xDA, 0xFE
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def is_application_data(marker):
    """Segments that hold no picture data: EXIF, XMP, ICC and IPTC live there."""
    return 0xE0 <= marker <= 0xEF or marker == COM


def segments(data):
    """Yield (marker, start, end) of each segment of a JPEG up to its first scan; `start` is where its 0xFF is."""
    position = 2
    while True:
        while data[position + 1] == 0xFF:       # fill bytes
            position += 1
        if data[position] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = data[position + 1]
        length, = struct.unpack_from(">H", data, position + 2)
        yield marker, position, position + 2 + length
        if marker == SOS:
            return
        position += 2 + length


class JpegFile(FrameFile):
    kind = "JPEG"

    @staticmethod
    def recognises(head):
        return head.startswith(b"\xff\xd8\xff")

    def __init__(self, path, data):
        self.data = data
        picture = _open(path, data)
        super().__init__(path, np.asarray(picture))
        self.tables = picture.quantization
        self.sampling = JpegImagePlugin.get_sampling(picture)
        self.progressive = bool(picture.info.get("progressive"))

    @classmethod
    def read(cls, path):
        return cls(path, path.read_bytes())

    @classmethod
    def read_luminance(cls, path):
        picture = _open(path, path.read_bytes())
        if picture.mode == "RGB":
            picture.draft("L", picture.size)        # 2.5 times faster than to decode the colours as well
        return luminance(np.asarray(picture.convert("L")))

    def write(self, pixels, target):
        if self.sampling < 0:
            raise DustbustError(f"{self.path}: this kind of chroma subsampling cannot be written; convert it to TIFF or PNG first")
        coded = io.BytesIO()
        from PIL import Image
        Image.fromarray(pixels).save(coded, "JPEG", qtables=self.tables, subsampling=self.sampling, progressive=self.progressive,
                                     optimize=True)
        coded = coded.getvalue()
        kept = b"".join(self.data[start:end] for marker, start, end in segments(self.data) if is_application_data(marker))
        made = [(marker, start, end) for marker, start, end in segments(coded) if not is_application_data(marker)]
        headers = b"".join(coded[start:end] for _, start, end in made)
        with open(target, "wb") as file:
            file.write(b"\xff\xd8" + kept + headers + coded[made[-1][2]:])
        return []


def _open(path, data):
    """The picture, not yet decoded, if it is of a kind that is supported."""
    for marker, start, _ in segments(data):
        if marker in FRAME_HEADERS:
            precision, height, width, components = struct.unpack_from(">BHHB", data, start + 4)
            break
    else:
        raise ValueError("it has no frame header")
    if precision != 8 or components not in (1, 3):
        raise DustbustError(f"{path}: JPEGs with {precision} bits and {components} channels"
                            f"{' (CMYK)' if components == 4 else ''} are not supported; convert it to grey or RGB first")
    check_size(path, width, height)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Not Image.open, which has a limit of its own and would try other formats.
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))
