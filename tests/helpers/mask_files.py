"""Mask files with data as a stranger may write them."""

import io
import struct
import zipfile
import zlib

import numpy as np

import dustbust

HEADER = {
    "threshold": 0.5,
    "polarity": "light",
    "method": "opacity",
    "frames": ["a.jpg"],
    "report": {},
    "shape": [4, 5],
}


def array_file(descr, shape, data=b""):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() + data


def archive(entries, method=zipfile.ZIP_DEFLATED):
    """A zip file: name -> content."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return packed.getvalue()


def mask_with(tmp_path, data):
    """A mask file of 4 x 5 pixels with these data: the entries of a zip file, or its bytes."""
    packed = archive(data) if isinstance(data, dict) else data
    path = tmp_path / "mask.png"
    dustbust.DustMask(np.zeros((4, 5)), 0.5).save(path)
    sound = path.read_bytes()
    at = sound.index(b"duSt")
    (length,) = struct.unpack_from(">I", sound, at - 4)
    body = b"duSt" + packed
    path.write_bytes(
        sound[: at - 4]
        + struct.pack(">I", len(packed))
        + body
        + struct.pack(">I", zlib.crc32(body))
        + sound[at + 8 + length :]
    )
    return path
