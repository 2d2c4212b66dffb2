"""TIFF frames: 8 and 16 bit and float, grey or RGB, with or without alpha, in any compression that loses nothing.

Written is a copy of the file in which only the strips or tiles with other pixels are encoded anew: every tag, the byte order,
the compression, other strips and pictures (such as thumbnails) stay as they are, byte for byte.
"""

import shutil
import struct

import numpy as np
import tifffile

from ...errors import DustbustError, Sentence
from .base import FrameFile, check_size

GREY_INVERTED, GREY, RGB = 0, 1, 2  # photometric interpretations
ALPHA = (1, 2)  # of the extra samples: associated, unassociated
REDUCED = 1  # bit of NewSubfileType: a smaller copy of another picture of the file

# Their encoder gives back what went in; by their numbers in the Compression tag.
LOSSLESS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    34925: "LZMA",
    50000: "Zstandard",
}
PREDICTOR_HORIZONTAL, PREDICTOR_FLOAT = 2, 3
STORED = ("bool", "uint8", "uint16", "float16", "float32", "float64")


class TiffFile(FrameFile):
    kind = "TIFF"

    @staticmethod
    def recognises(head):
        return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

    def __init__(self, path, pixels, page):
        super().__init__(path, pixels)
        self.inverted = page.photometric == GREY_INVERTED

    @classmethod
    def header(cls, path):
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            return (page.imagewidth, page.imagelength), page.bitspersample

    @classmethod
    def read(cls, path):
        with tifffile.TiffFile(path) as file:
            page = _page(path, file)
            return cls(path, _pixels(page), page)

    def _write(self, pixels, target):
        shutil.copyfile(self.path, target)
        with tifffile.TiffFile(self.path) as file, open(target, "r+b") as output:
            page = _page(self.path, file)
            if page.dtype == bool:  # which is read, since a mask may be black and white
                raise DustbustError(
                    "{path}: pictures with 1 bit cannot be cleaned; convert it to 8 or 16 bit grey first",
                    path=self.path,
                )
            if page.fillorder != 1:
                raise DustbustError(
                    "{path}: TIFFs whose bits run from right to left cannot be written back; save it anew",
                    path=self.path,
                )
            if page.compression not in LOSSLESS:
                raise DustbustError(
                    "{path}: TIFFs compressed with {compression} cannot be written back; "
                    "save it with LZW, deflate or no compression",
                    path=self.path,
                    compression=page.compression.name,
                )
            offsets, counts = list(page.dataoffsets), list(page.databytecounts)
            for index, region, stored in _segments(file, page):
                planes, rows, columns = region
                before, new = self.pixels[rows, columns], pixels[rows, columns]
                if np.array_equal(before, new):
                    continue
                dirty = (before != new).reshape(*new.shape[:2], -1).any(2)
                new = new.reshape(*dirty.shape, -1)[..., planes]
                if self.inverted:
                    new = _invert(new)
                part = stored[: dirty.shape[0], : dirty.shape[1], : new.shape[2]]
                part[dirty] = new[dirty]
                encoded = _encode(file, page, stored)
                if len(encoded) > counts[index]:
                    output.seek(0, 2)
                    output.write(b"\0" * (output.tell() % 2))  # offsets in a TIFF are even
                    offsets[index] = output.tell()
                output.seek(offsets[index])
                output.write(encoded)
                counts[index] = len(encoded)
            if (
                not file.is_bigtiff
                and max(offset + count for offset, count in zip(offsets, counts)) > 2**32 - 1
            ):
                raise DustbustError(
                    "{path}: would become larger than the 4 GB that a TIFF can have; save it as BigTIFF",
                    path=self.path,
                )
            _rewrite(file, page, output, ("StripOffsets", "TileOffsets"), offsets)
            _rewrite(file, page, output, ("StripByteCounts", "TileByteCounts"), counts)
        return []


def _page(path, file):
    """The one picture of a file, if it is of a kind that is supported."""
    pages = [page for page in file.pages if not page.subfiletype & REDUCED]
    if len(pages) != 1:
        raise DustbustError(
            "{path}: holds {number} pictures; save each as a file of its own",
            path=path,
            number=len(pages),
        )
    page = pages[0]
    check_size(path, page.imagewidth, page.imagelength)
    if page.photometric not in (GREY_INVERTED, GREY, RGB):
        name = getattr(page.photometric, "name", page.photometric)
        kinds = {"PALETTE": Sentence("indexed pictures"), "SEPARATED": Sentence("CMYK pictures")}
        kind = kinds.get(name) or Sentence("pictures of type {name}", name=name)
        raise DustbustError(
            "{path}: {kind} are not supported; convert it to grey or RGB first",
            path=path,
            kind=kind,
        )
    bits = 1 if page.dtype == bool else page.dtype.itemsize * 8 if page.dtype else 0
    if (
        not bits
        or page.dtype.name not in STORED
        or page.bitspersample != bits
        or page.imagedepth != 1
    ):
        raise DustbustError(
            "{path}: TIFFs with {bits} bits are not supported; convert it to 8 or 16 bit or float first",
            path=path,
            bits=page.bitspersample,
        )
    if page.samplesperpixel < (3 if page.photometric == RGB else 1):
        raise ValueError("too few channels for its colours")
    size = file.filehandle.size
    if any(offset + count > size for offset, count in zip(page.dataoffsets, page.databytecounts)):
        raise ValueError("it ends before its end")
    return page


def _channels(page):
    """How many of the samples of a pixel are the picture: its colours and its alpha; others, such as infrared, are left alone."""
    colours = 3 if page.photometric == RGB else 1
    return colours + (len(page.extrasamples) > 0 and page.extrasamples[0] in ALPHA)


def _invert(values):
    with np.errstate(invalid="ignore"):  # of float, a file may hold anything
        return 1 - values if values.dtype.kind == "f" else ~values


def _pixels(page):
    stored = page.asarray().reshape(page.shaped[0], page.imagelength, page.imagewidth, -1)
    if page.planarconfig == 2:
        stored = np.moveaxis(stored[..., 0], 0, -1)
    else:
        stored = stored[0]
    stored = stored[..., : _channels(page)]
    stored = np.ascontiguousarray(stored[..., 0] if stored.shape[-1] == 1 else stored)
    if stored.dtype.kind == "f":
        stored = stored.astype(np.float32, copy=False)
    if stored.dtype == bool:
        stored = stored * np.uint8(255)
    return _invert(stored) if page.photometric == GREY_INVERTED else stored


def _segments(file, page):
    """Yield (index, (channels, rows, columns), values as they are stored) of each strip or tile that holds pixels of the picture."""
    channels = _channels(page)
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts)):
        file.filehandle.seek(offset)
        values, (plane, _, top, left, _), shape = page.decode(
            file.filehandle.read(count), index, _fullsize=page.is_tiled
        )
        if plane >= channels:
            continue
        planes = slice(plane, plane + 1) if page.planarconfig == 2 else slice(0, channels)
        values = np.array(values.reshape(shape[1:]))
        yield index, (planes, slice(top, top + shape[1]), slice(left, left + shape[2])), values


def _encode(file, page, values):
    """The bytes of a strip or tile (rows, columns, channels) as they stand in the file."""
    values = np.ascontiguousarray(values)
    if page.predictor == PREDICTOR_HORIZONTAL:
        if values.dtype.kind == "f":
            values = values.view(f"u{values.dtype.itemsize}")
        values[:, 1:] -= values[:, :-1].copy()
    if page.predictor == PREDICTOR_FLOAT:
        data = tifffile.TIFF.PREDICTORS[PREDICTOR_FLOAT](
            values.astype(values.dtype.newbyteorder(file.byteorder)), axis=-2
        )
    else:
        data = values.astype(values.dtype.newbyteorder(file.byteorder), copy=False)
    data = data.tobytes()
    return data if page.compression == 1 else tifffile.TIFF.COMPRESSORS[page.compression](data)


def _rewrite(file, page, output, names, values):
    """Put other values into the tag that has one of these names, where it stands."""
    tag = next(page.tags[name] for name in names if name in page.tags)
    form = file.byteorder + {1: "B", 3: "H", 4: "I", 16: "Q"}[int(tag.dtype)]
    if max(values) >= 256 ** struct.calcsize(form):
        raise DustbustError(
            "{path}: one of its strips became too large for its tag; save it with larger strips",
            path=page.parent.filehandle.path,
        )
    output.seek(tag.valueoffset)
    output.write(struct.pack(f"{form[0]}{len(values)}{form[1]}", *values))
