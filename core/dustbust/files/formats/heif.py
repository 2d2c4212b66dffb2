"""AVIF and HEIF frames: AVIF by Pillow; HEIF, as phones write it, if pillow-heif is there.

References
----------
ISO/IEC 23008-12 (HEIF), ISO/IEC 14496-12 (boxes), AV1 Image File Format.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import AvifImagePlugin

from ...errors import Sentence
from .base import animated, check_megapixels, unsupported
from .decoded import DecodedFile, needs_package, xmp_tag

AVIF, AVIF_FILM = b"avif", b"avis"
HEIF = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc")
HIGH_BIT_DEPTH = 0x40  # of the third byte of the box with AV1's configuration


class AvifFile(DecodedFile):
    """An AVIF file."""

    kind = "AVIF"
    suffixes = (".avif",)
    summary = "8 bit; cleaned copies are TIFFs"
    dtypes = ("uint8",)
    alpha = True
    opener = AvifImagePlugin.AvifImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head[4:8] == b"ftyp" and head[8:12] in (AVIF, AVIF_FILM)

    @classmethod
    def read(cls, path: Path) -> "AvifFile":
        with _open_avif(path) as picture:
            information = picture.info
            return cls(
                path,
                np.asarray(picture),
                information.get("icc_profile"),
                xmp_tag(information.get("xmp")),
            )

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        with _open_avif(path) as picture:
            return picture.size, 8


class HeifFile(DecodedFile):
    """A HEIF file."""

    kind = "HEIF"
    suffixes = (".heic", ".heif", ".hif")
    summary = "8 to 12 bit by pillow-heif, if that is installed; cleaned copies are TIFFs"
    dtypes = ("uint8", "uint16")
    alpha = True

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head[4:8] == b"ftyp" and head[8:12] in HEIF

    @classmethod
    def read(cls, path: Path) -> "HeifFile":
        picture = _open(path)
        information = picture.info
        return cls(
            path,
            np.ascontiguousarray(picture),
            information.get("icc_profile"),
            xmp_tag(information.get("xmp")),
            others=len(picture) - 1,
        )

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        picture = _open(path)
        return picture.size, 16 if picture.mode.endswith(";16") else 8


def _open_avif(path: Path) -> AvifImagePlugin.AvifImageFile:
    """The picture, not yet decoded, if it is of a kind that is supported."""
    data = path.read_bytes()
    at = data.find(b"av1C")
    if at >= 0 and len(data) > at + 6 and data[at + 6] & HIGH_BIT_DEPTH:
        raise unsupported(path, Sentence("AVIFs with more than 8 bits"))
    picture = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
    width, height = picture.size
    check_megapixels(path, width, height, len(data))
    if getattr(picture, "n_frames", 1) > 1:
        raise animated(path)
    return picture


def _open(path: Path) -> Any:
    """The main picture of the file, in the orientation in which it is stored."""
    try:
        import pillow_heif
    except ImportError as error:
        raise needs_package(path, HeifFile.kind, "pillow-heif") from error
    data = path.read_bytes()
    picture = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    width, height = picture.size
    check_megapixels(path, width, height, len(data))
    return picture
