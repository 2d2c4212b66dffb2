"""Formats that are only read: their cleaned copies are TIFFs with .tif added to the names.

The TIFF takes over the profile, XMP, and the tags with camera, time and author.
"""

from pathlib import Path
from typing import Any

import tifffile

from ...errors import DustbustError, Sentence
from ...image.arrays import Picture, alpha_channel
from .base import FrameFile, thumbnail_note
from .metadata import has_thumbnail
from .tiff import XMP_TAG, TiffFile

BYTES = 1  # type of a TIFF tag


class DecodedFile(FrameFile):
    """A file whose cleaned copy is a TIFF.

    Attributes
    ----------
    profile : bytes or None
        Its ICC profile.
    tags : list of (int, int, int, object, bool)
        Further tags of the TIFF: code, type, count, value, whether they are written once.
    others : int
        Number of other pictures in the file.
    """

    written_as = ".tif"

    def __init__(
        self,
        path: Path,
        pixels: Picture,
        profile: bytes | None = None,
        tags: list[tuple[int, int, int, Any, bool]] | None = None,
        *,
        others: int = 0,
    ) -> None:
        self.path, self.pixels = path, pixels
        self.profile, self.tags, self.others = profile or None, tags or [], others

    def _write(self, pixels: Picture, target: Path) -> list[str]:
        colours = pixels.ndim == 3 and pixels.shape[2] >= 3
        tifffile.imwrite(
            target,
            pixels,
            compression="adobe_deflate",
            predictor=True,
            photometric="rgb" if colours else "minisblack",
            extrasamples=["unassalpha"] if alpha_channel(pixels) is not None else None,
            iccprofile=self.profile,
            extratags=self.tags,
            metadata=None,
        )
        notes: list[str] = [
            Sentence("a {kind} cannot be written, so its cleaned copy is a TIFF", kind=self.kind)
        ]
        if self.others:
            notes.append(
                Sentence("{number} other pictures in it were left out", number=self.others)
            )
        if any(code == XMP_TAG and has_thumbnail(value) for code, _, _, value, _ in self.tags):
            notes.append(thumbnail_note())
        return notes

    def _read_back(self, target: Path) -> Picture:
        return TiffFile.read(target).pixels


def xmp_tag(xmp: bytes | None) -> list[tuple[int, int, int, Any, bool]]:
    """The tag with XMP, if there is any."""
    return [(XMP_TAG, BYTES, len(xmp), xmp, True)] if xmp else []


def needs_package(path: Path, kind: str, package: str) -> DustbustError:
    """The exception for a format whose library is not installed."""
    return DustbustError(
        "{path}: to read {kind} the Python package {package} is needed; "
        "install it (pip install {package}), or save the picture as a TIFF",
        path=path,
        kind=kind,
        package=package,
    )
