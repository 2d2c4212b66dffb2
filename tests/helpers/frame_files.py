"""Pictures, metadata and checks for the tests of file formats."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from dustbust import DustbustError
from dustbust.files.read import open_frame

H, W = 61, 83  # no multiple of any block
REPAIR = np.s_[20:31, 40:52]


def picture(dtype="uint8", channels=3):
    """A smooth picture with noise, so that JPEG has something to keep, in the full depth."""
    rng = np.random.default_rng(5)
    y, x, c = np.mgrid[:H, :W, :channels]
    unit = 0.5 + 0.3 * np.sin(x / 17 + c) * np.cos(y / 11) + rng.normal(0, 0.03, (H, W, channels))
    unit = np.clip(unit, 0, 1)[..., 0] if channels == 1 else np.clip(unit, 0, 1)
    return (
        unit.astype(dtype)
        if np.dtype(dtype).kind == "f"
        else (unit * np.iinfo(dtype).max).astype(dtype)
    )


def repaired(pixels):
    """The picture with other pixels in REPAIR."""
    after = pixels.copy()
    after[REPAIR] = after[REPAIR][::-1, ::-1]
    assert (after != pixels).any()
    return after


def rewritten(path, pixels=None):
    """The path of a copy of a file with repaired pixels, written by dustbust, and its notes."""
    frame = open_frame(path)
    target = path.with_name("out-" + path.name)
    notes = frame.write(repaired(frame.pixels) if pixels is None else pixels, target)
    return target, notes


def exif(orientation=6):
    data = Image.Exif()
    data[0x0112], data[0x010F], data[0x0132] = orientation, "Scanner & Söhne", "2001:02:03 04:05:06"
    data.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment"
    return data.tobytes()


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf/></x:xmpmeta>"
XMP_THUMBNAIL = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><xmp:Thumbnails><rdf:Alt><rdf:li "
    b"xmlns:xmpGImg='http://ns.adobe.com/xap/1.0/g/img/'><xmpGImg:format>JPEG</xmpGImg:format>"
    b"<xmpGImg:image>/9j/4AAQSkZJRg</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails></x:xmpmeta>"
)
ICC = b"\0\0\2\x0clcms\2\x10\0\0mntrRGB XYZ " + bytes(range(256)) * 2


def refused(path, *words):
    """Assert that reading or writing back a file fails with one sentence that has these words."""

    def rewrite():
        frame = open_frame(path)
        frame.write(repaired(frame.pixels), path.with_name("out"))

    with pytest.raises(DustbustError) as caught:
        rewrite()
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def jpeg(path, mode="RGB", **options):
    """A JPEG with every kind of metadata."""
    coded = io.BytesIO()
    Image.fromarray(picture(channels=3 if mode == "RGB" else 1)).save(
        coded,
        "JPEG",
        **{
            "quality": 88,
            "exif": exif(),
            "icc_profile": ICC,
            "comment": b"by hand",
            "dpi": (300, 300),
            "xmp": XMP,
            **options,
        },
    )
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x05\0\x03abc"
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    path.write_bytes(b"\xff\xd8" + segment + coded.getvalue()[2:])
    return path


def chunk(name, content):
    """The bytes of a chunk of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def png(path, pixels, interlaced=False):
    """A PNG with text, EXIF, ICC, XMP, resolution and time, some of it after the pixels."""
    coded = imagecodecs.png_encode(pixels)
    before = (
        chunk(b"iCCP", b"film\0\0" + zlib.compress(ICC))
        + chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))
        + chunk(b"tEXt", b"Title\0roll 7")
        + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        + chunk(b"eXIf", exif()[6:])
    )
    after = chunk(b"tIME", struct.pack(">HBBBBB", 2001, 2, 3, 4, 5, 6)) + chunk(
        b"zTXt", b"Comment\0\0" + zlib.compress(b"long")
    )
    path.write_bytes(coded[:33] + before + coded[33:-12] + after + coded[-12:])
    return path
