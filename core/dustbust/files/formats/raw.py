"""Camera raw and DNG frames, developed by LibRaw, if the package rawpy is there.

They are developed alike, without automatic brightness, to 16 bit sRGB on the sensor's grid: dust
stays where it is from frame to frame.

References
----------
Adobe, "Digital Negative (DNG) Specification"; LibRaw, "dcraw_process".
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .base import check_megapixels
from .decoded import DecodedFile, needs_package
from .tiff_structure import TiffStructure

# What files begin with that do not begin like a TIFF.
BEGINNINGS = (
    b"IIRO",
    b"IIRS",
    b"MMOR",
    b"IIU\0",
    b"FUJIFILMCCD-RAW",
    b"\0MRM",
    b"FOVb",
    b"II\x1a\0\0\0HEAPCCDR",
)
DNG_VERSION, PHOTOMETRIC = 50706, 262
SENSOR = (32803, 34892)  # photometric interpretations: colour filters, linear raw
TEXTS = (271, 272, 306, 315, 33432)  # tags of maker, model, time, artist, copyright
ASCII = 2


class RawFile(DecodedFile):
    """A camera raw file."""

    kind = "camera raw"
    suffixes = (
        *(".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".sr2", ".orf", ".rw2", ".raf"),
        *(".pef", ".srw", ".3fr", ".iiq", ".rwl", ".mrw", ".x3f", ".erf", ".mef", ".mos", ".dcr"),
    )
    summary = "developed to 16 bit by rawpy, if that is installed; cleaned copies are TIFFs"
    dtypes = ("uint16",)

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith(BEGINNINGS) or head[8:10] == b"CR" or head[4:12] == b"ftypcrx "

    @classmethod
    def read(cls, path: Path) -> "RawFile":
        with _open(path) as raw:
            check_megapixels(path, raw.sizes.iwidth, raw.sizes.iheight)
            pixels = raw.postprocess(
                output_bps=16, no_auto_bright=True, use_camera_wb=True, user_flip=0
            )
        return cls(path, np.ascontiguousarray(pixels), tags=_texts(path))

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        with _open(path) as raw:
            return (raw.sizes.iwidth, raw.sizes.iheight), 16


def is_raw(file: BinaryIO) -> bool:
    """Whether a file that begins like a TIFF holds the data of a sensor."""
    structure = TiffStructure(file)
    return any(
        DNG_VERSION in each.tags or structure.value(each, PHOTOMETRIC) in SENSOR
        for each in structure.all()
    )


def _open(path: Path) -> Any:
    try:
        import rawpy
    except ImportError as error:
        raise needs_package(path, RawFile.kind, "rawpy") from error
    return rawpy.imread(str(path))


def _texts(path: Path) -> list[tuple[int, int, int, Any, bool]]:
    """What a file that is built like a TIFF says of camera, time and author."""
    with open(path, "rb") as file:
        if file.read(4) not in (b"II*\0", b"MM\0*"):
            return []
        structure = TiffStructure(file)
        found = structure.directories[0].tags if structure.directories else {}
        texts = [
            (code, structure.content(found[code]).split(b"\0")[0])
            for code in TEXTS
            if code in found and found[code].kind == ASCII
        ]
    return [
        (code, ASCII, 0, text.decode("latin-1"), True) for code, text in texts if text.isascii()
    ]
