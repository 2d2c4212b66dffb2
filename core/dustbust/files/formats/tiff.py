"""TIFF frames: 8 and 16 bit and float, grey or RGB, perhaps with alpha, in lossless compressions.

A cleaned file is a copy of the file in which only strips or tiles with changed pixels are encoded
again. Every tag, the byte order, the compression, other strips and other pictures (such as
thumbnails and infrared pages) stay the same, byte for byte. Bytes that two parts of the file share
are never overwritten. The layers of Photoshop are left out, because they would show the dust again.

References
----------
Adobe, "TIFF Revision 6.0"; "Adobe Photoshop TIFF Technical Notes" (layers, tag 37724).
"""

import math
import os
import shutil
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

from ...errors import DustbustError, Sentence
from ...image.arrays import Mask, Picture, alpha_channel
from .base import (
    FrameFile,
    check_megapixels,
    ends_early,
    several_pictures,
    thumbnail_note,
    unsupported,
)
from .metadata import has_thumbnail
from .tiff_structure import FORMS, OLD_JPEG, STRIPS, TILES, Directory, TiffStructure, overlaps

GREY_INVERTED, GREY, RGB = 0, 1, 2  # photometric interpretations
ALPHA = (1, 2)  # of the extra samples: associated, unassociated
RGB_SAMPLES = 3
TRANSPARENCY_MASK = 4  # photometric interpretation of a page that masks another one
OLD_REDUCED = 2  # of SubfileType, which NewSubfileType replaced

# Bits of NewSubfileType: a smaller copy of another picture; a page of several; a mask, such as
# SilverFast's infrared.
REDUCED, PAGE, MASK = 1, 2, 4

# Numbers of tags.
NEW_SUBFILE_TYPE, SUBFILE_TYPE, WIDTH, HEIGHT, BITS = 254, 255, 256, 257, 258
COMPRESSION, PHOTOMETRIC, STRIP_OFFSETS, SAMPLES, TILE_OFFSETS = 259, 262, 273, 277, 324
SAMPLE_FORMAT, XMP_TAG, IMAGE_RESOURCES, LAYERS = 339, 700, 34377, 37724

# A picture without a mark is taken for a thumbnail if its area is at most this share of the
# largest picture's: half as wide and half as high.
THUMBNAIL = 1 / 4

# The header of a cloud optimized GeoTIFF.
COG, GHOST_AREA = b"GDAL_STRUCTURAL_METADATA_SIZE=", 512
COG_UNCHANGED, COG_CHANGED = (
    b"KNOWN_INCOMPATIBLE_EDITION=NO\n ",
    b"KNOWN_INCOMPATIBLE_EDITION=YES\n",
)

BASELINE = 2**32 - 1  # the largest offset in a TIFF that is not a BigTIFF

# Lossless compressions, by their numbers in the Compression tag.
LOSSLESS = {
    1: "none",
    5: "LZW",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    34925: "LZMA",
    50000: "Zstandard",
}
PREDICTOR_NONE, PREDICTOR_HORIZONTAL, PREDICTOR_FLOAT = 1, 2, 3
LZW = 5

# Compressions for which the Predictor tag counts, as in libtiff. With others it is a remainder.
PREDICTED = (LZW, 8, 32946, 34925, 50000)

# The largest size to which a byte of data can grow, by the Compression tag.
EXPANSION = {1: 1, LZW: 1400, 8: 1040, 32946: 1040, 32773: 64}
UINT, COMPLEX_INT = 1, 5  # sample formats
SAMPLE_FORMATS = {
    UINT: "uint",
    2: "int",
    3: "float",
    COMPLEX_INT: "complex int",
    6: "complex float",
}
STORED = ("bool", "uint8", "uint16", "float16", "float32", "float64")


# Planes, rows and columns of a picture.
Region = tuple[slice, slice, slice]

# Units of a resolution (TIFF 6.0, section 8), and the factor from each to dots per inch.
INCH, CENTIMETRE = 2, 3
PER_INCH = {INCH: 1.0, CENTIMETRE: 2.54}


class TiffFile(FrameFile):
    """A TIFF file."""

    kind = "TIFF"
    suffixes = (".tif", ".tiff")
    summary = "8 and 16 bit and float, lossless compressions; all but the strips with dust stays"
    dtypes = ("uint8", "uint16", "float32")
    alpha = True
    creates = True

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

    def __init__(self, path: Path, pixels: Picture, page: tifffile.TiffPage) -> None:
        self.path, self.pixels = path, pixels
        self.inverted = page.photometric == GREY_INVERTED
        self.bilevel = page.bitspersample == 1
        self.dtype = np.dtype(page.dtype)

    @classmethod
    def refined(cls, path: Path) -> type[FrameFile]:
        from .raw import RawFile, is_raw  # a module that needs this one

        with open(path, "rb") as file:
            return RawFile if is_raw(file) else cls

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        with open(path, "rb") as file:
            _, page = _page(path, file)
            return (page.imagewidth, page.imagelength), page.bitspersample

    @classmethod
    def check_writable(cls, path: Path) -> None:
        with open(path, "rb") as file:
            _, page = _page(path, file)
        if page.dtype == bool:  # it is read anyway, since a mask may be black and white
            raise DustbustError(
                "{path}: pictures with 1 bit cannot be cleaned; convert it to 8 or 16 bit grey "
                "first",
                path=path,
            )
        if page.fillorder != 1:
            raise DustbustError(
                "{path}: TIFFs whose bits run from right to left cannot be written back; "
                "save it anew",
                path=path,
            )
        if page.compression not in LOSSLESS:
            raise DustbustError(
                "{path}: TIFFs compressed with {compression} cannot be written back; "
                "save it with LZW, deflate or no compression",
                path=path,
                compression=getattr(page.compression, "name", page.compression),
            )

    @classmethod
    def resolution(cls, path: Path) -> tuple[float, float] | None:
        with open(path, "rb") as file:
            start = _main_picture(path, TiffStructure(file)).start
            tags = _page_at(file, start).tags
            if "XResolution" not in tags or "YResolution" not in tags:
                return None
            unit = int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else INCH
            if unit not in PER_INCH:
                return None
            across, down = (Fraction(*tags[name].value) for name in ("XResolution", "YResolution"))
            return float(across) * PER_INCH[unit], float(down) * PER_INCH[unit]

    @classmethod
    def read(cls, path: Path) -> "TiffFile":
        with open(path, "rb") as file:
            _, page = _complete_page(path, file)
            return cls(path, _pixels(page), page)

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        colours = pixels.ndim == 3 and pixels.shape[2] >= 3
        tifffile.imwrite(
            path,
            pixels,
            compression="adobe_deflate",
            photometric="rgb" if colours else "minisblack",
            # Without this, the rows of grey with an alpha would become pages.
            extrasamples=["unassalpha"] if alpha_channel(pixels) is not None else None,
        )

    def _write_changed(self, pixels: Picture, target: Path, changed: Mask) -> list[str]:
        # Only the copy is used from here on, as the file itself may be replaced meanwhile.
        shutil.copyfile(self.path, target)
        with open(target, "rb") as file, open(target, "r+b") as output:
            structure, page = _complete_page(self.path, file)
            ranges = structure.ranges()
            shared = overlaps(ranges)
            offsets, counts = list(page.dataoffsets), list(page.databytecounts)
            for index, region, stored in _segments(file, page):
                if not self._replace(region, stored, pixels, changed):
                    continue
                encoded = _encode(page, stored)
                place = offsets[index], offsets[index] + counts[index]
                if len(encoded) > counts[index] or place in shared:
                    offsets[index] = _end(output)
                output.seek(offsets[index])
                output.write(encoded)
                counts[index] = len(encoded)
            tiled = TILE_OFFSETS in structure_of(structure, page).tags
            lists = zip(TILES if tiled else STRIPS, (offsets, counts), strict=True)
            for (code, values), before in zip(
                lists, (page.dataoffsets, page.databytecounts), strict=True
            ):
                if values != list(before):
                    _rewrite(self.path, structure, page, output, (code, values))
            if not structure.big and output.seek(0, os.SEEK_END) > BASELINE:
                raise DustbustError(
                    "{path}: would become larger than the 4 GB that a TIFF can have; "
                    "save it as BigTIFF",
                    path=self.path,
                )
            _break_layout(structure, output)
            return self._notes(structure, page, output)

    def _notes(
        self, structure: TiffStructure, page: tifffile.TiffPage, output: BinaryIO
    ) -> list[str]:
        """Leave out the layers, and give notes on them and on other copies of the picture."""
        notes: list[str] = []
        pictures = [each for each in structure.all() if _is_picture(each)]
        area = page.imagewidth * page.imagelength
        copies = [
            each
            for each in pictures
            if each.start != page.offset
            and not _is_mask(structure, each)
            and (_is_reduced(structure, each) or _area(structure, each) <= THUMBNAIL * area)
        ]
        # The thumbnail of EXIF is a JPEG without strips and size.
        copies += [each for each in structure.all() if OLD_JPEG[0] in each.tags]
        metadata = (
            structure.content(each.tags[code])
            for each in structure.all()
            for code in (XMP_TAG, IMAGE_RESOURCES)
            if code in each.tags
        )
        if copies or any(map(has_thumbnail, metadata)):
            notes.append(thumbnail_note())
        if any(
            each.start != page.offset
            and not _is_marked(structure, each)
            and _area(structure, each) > THUMBNAIL * area
            for each in pictures
        ):
            notes.append(
                Sentence("a grey page of the same size was taken for infrared and kept as it is")
            )
        layered = [each for each in structure.all() if LAYERS in each.tags]
        for each in layered:
            _remove(self.path, structure, each, output)
        if layered:
            notes.append(Sentence("the layers of Photoshop in it were left out"))
        return notes

    def _as_stored(self, pixels: Picture, changed: Mask) -> Picture:
        if not (self.dtype == np.float16 or (self.inverted and self.dtype.kind == "f")):
            return pixels
        rounded: Picture = pixels.copy()
        new = rounded[changed]
        if self.inverted:
            new = _invert(new)
        new = new.astype(self.dtype).astype(np.float32)
        rounded[changed] = _invert(new) if self.inverted else new
        return rounded

    def _decode_otherwise(self, target: Path) -> Picture:
        """By libtiff, which knows the pictures in the chain of directories."""
        if self.inverted or self.pixels.dtype.kind == "f":
            raise NotImplementedError
        with open(target, "rb") as file:
            structure = TiffStructure(file)
            main = _main_picture(target, structure)
            starts = [each.start for each in structure.directories]
            file.seek(0)
            return np.asarray(imagecodecs.tiff_decode(file.read(), index=starts.index(main.start)))

    def _replace(
        self, region: Region, stored: npt.NDArray[Any], pixels: Picture, changed: Mask
    ) -> bool:
        """Put changed pixels into the values of a strip or tile. Return whether there are any."""
        planes, rows, columns = region
        dirty, new = changed[rows, columns], pixels[rows, columns]
        if not dirty.any():
            return False
        new = new.reshape(*dirty.shape, -1)[..., planes]
        if self.inverted:
            new = _invert(new)
        part = stored[: dirty.shape[0], : dirty.shape[1], : new.shape[2]]
        part[dirty] = new[dirty]
        return True


def _is_picture(directory: Directory) -> bool:
    """Whether a directory describes a picture with pixels of its own."""
    tags = directory.tags
    return WIDTH in tags and HEIGHT in tags and (STRIP_OFFSETS in tags or TILE_OFFSETS in tags)


def _area(structure: TiffStructure, directory: Directory) -> int:
    return structure.value(directory, WIDTH) * structure.value(directory, HEIGHT)


def _is_reduced(structure: TiffStructure, directory: Directory) -> bool:
    return bool(
        structure.value(directory, NEW_SUBFILE_TYPE) & REDUCED
        or structure.value(directory, SUBFILE_TYPE) == OLD_REDUCED
    )


def _is_mask(structure: TiffStructure, directory: Directory) -> bool:
    """Whether a picture is a mask or an infrared page."""
    return bool(
        structure.value(directory, NEW_SUBFILE_TYPE) & MASK
        or structure.value(directory, PHOTOMETRIC) == TRANSPARENCY_MASK
    )


def _is_marked(structure: TiffStructure, directory: Directory) -> bool:
    """Whether a picture says that it is a thumbnail, a mask or infrared."""
    return _is_reduced(structure, directory) or _is_mask(structure, directory)


def _may_be_infrared(structure: TiffStructure, main: Directory, directory: Directory) -> bool:
    """Whether a picture without a mark is of the size of the main one, and grey beside colours."""
    return (
        _area(structure, directory) == _area(structure, main)
        and structure.value(directory, SAMPLES, 1) == 1
        and structure.value(main, SAMPLES, 1) >= RGB_SAMPLES
        and not all(structure.value(each, NEW_SUBFILE_TYPE) & PAGE for each in (main, directory))
    )


def _main_picture(path: Path, structure: TiffStructure) -> Directory:
    """The directory of the picture, beside which there may be thumbnails and infrared pages."""
    pictures = [each for each in structure.all() if _is_picture(each)]
    if not pictures:
        raise ValueError("it has no picture")
    unmarked = [each for each in pictures if not _is_marked(structure, each)]

    def rank(directory: Directory) -> tuple[int, int]:
        return _area(structure, directory), structure.value(directory, SAMPLES, 1)

    main = max(unmarked or pictures, key=rank)
    rivals = [
        each
        for each in unmarked or pictures
        if each is not main and _area(structure, each) > THUMBNAIL * _area(structure, main)
    ]
    infrared = unmarked and [each for each in rivals if _may_be_infrared(structure, main, each)]
    if len(rivals) > len(infrared) or len(infrared) > 1:
        raise several_pictures(path, len(rivals) + 1)
    return main


def _page(path: Path, file: BinaryIO) -> tuple[TiffStructure, tifffile.TiffPage]:
    """The structure and the picture of a file, if it is of a kind that is supported."""
    structure = TiffStructure(file)
    directory = _main_picture(path, structure)
    check_megapixels(path, structure.value(directory, WIDTH), structure.value(directory, HEIGHT))
    sample_format = structure.value(directory, SAMPLE_FORMAT, UINT)
    if sample_format == COMPLEX_INT:  # numpy has no such type
        raise _of_other_type(path, structure.value(directory, BITS, 1), sample_format)
    page = _page_at(file, directory.start)
    if page.compression not in PREDICTED:
        page.predictor = PREDICTOR_NONE
    if page.photometric not in (GREY_INVERTED, GREY, RGB):
        name = str(getattr(page.photometric, "name", page.photometric))
        kinds = {"PALETTE": Sentence("indexed pictures"), "SEPARATED": Sentence("CMYK pictures")}
        raise unsupported(path, kinds.get(name) or Sentence("pictures of type {name}", name=name))
    bits = 1 if page.dtype == bool else page.dtype.itemsize * 8 if page.dtype else 0
    known = page.dtype and page.dtype.name in STORED and page.bitspersample == bits
    if not known or page.imagedepth != 1:
        raise _of_other_type(path, page.bitspersample, sample_format)
    if page.samplesperpixel < (RGB_SAMPLES if page.photometric == RGB else 1):
        raise ValueError("too few channels for its colours")
    return structure, page


def _of_other_type(path: Path, bits: int, sample_format: int) -> DustbustError:
    """The exception for pixels of a type that is not read."""
    return DustbustError(
        "{path}: TIFFs with {bits} bits of the type {type} are not supported; "
        "convert it to 8 or 16 bit or float first",
        path=path,
        bits=bits,
        type=SAMPLE_FORMATS.get(sample_format, sample_format),
    )


def _complete_page(path: Path, file: BinaryIO) -> tuple[TiffStructure, tifffile.TiffPage]:
    """As `_page`, if the file has all of the picture's data too."""
    structure, page = _page(path, file)
    _check_data(path, structure, page)
    return structure, page


def _page_at(file: BinaryIO, start: int) -> tifffile.TiffPage:
    """tifffile's page of the directory at a place."""
    file.seek(0)
    tiff = tifffile.TiffFile(file)
    for page in tiff.pages:
        if isinstance(page, tifffile.TiffPage):
            parts = page.pages or () if page.offset != start else ()
            for each in (page, *parts):
                if isinstance(each, tifffile.TiffPage) and each.offset == start:
                    return each
    raise ValueError("its picture is in a directory of another kind")


def _check_data(path: Path, structure: TiffStructure, page: tifffile.TiffPage) -> None:
    """Refuse data that are incomplete, or too few for the claimed size."""
    _check_lists(structure, page)
    places = zip(page.dataoffsets, page.databytecounts, strict=False)  # a damaged file may differ
    for offset, count in places:
        if offset + count > structure.size:
            raise ends_early()
        # Without offset and size, a strip is left out, such as the empty ones of GDAL.
        if bool(offset) != bool(count):
            raise ValueError("one of its strips or tiles has no place or no size")
    assert page.dtype is not None
    claimed = page.imagewidth * page.imagelength * page.samplesperpixel * page.bitspersample // 8
    if len(page.dataoffsets) != len(page.databytecounts):
        raise ValueError("the list of its strips or tiles is incomplete")
    listed = len(page.dataoffsets)
    if page.compression == 1 and listed == 1 and page.databytecounts[0] >= claimed:
        page.rowsperstrip = page.imagelength  # all rows are there, also if the tag names fewer
    if listed < math.prod(page.chunked):
        raise ValueError("strips or tiles are missing")  # they would be read as black
    expansion = EXPANSION.get(int(page.compression))
    if expansion and claimed > (sum(page.databytecounts) + structure.size) * expansion:
        raise ends_early()
    if page.compression == LZW:
        for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
            structure.file.seek(offset)
            first = structure.file.read(2)
            if count >= 2 and first[0] == 0 and first[1] & 1:
                raise DustbustError(
                    "{path}: is compressed with the LZW of before 1990, which is not supported; "
                    "save it anew",
                    path=path,
                )


def _check_lists(structure: TiffStructure, page: tifffile.TiffPage) -> None:
    """Refuse a picture whose strips or tiles are listed twice, or not in full."""
    tags = structure_of(structure, page).tags
    if STRIP_OFFSETS in tags and TILE_OFFSETS in tags:
        raise ValueError("its data are listed both as strips and as tiles")
    lists = TILES if TILE_OFFSETS in tags else STRIPS
    # tifffile finds sizes of its own where a list is damaged; they could not be written back.
    for code, used in zip(lists, (page.dataoffsets, page.databytecounts), strict=True):
        if code in tags and len(structure.values(tags[code])) != len(used):
            raise ValueError("the list of its strips or tiles is incomplete")


def _channels(page: tifffile.TiffPage) -> int:
    """Number of samples of a pixel that belong to the picture: its colours and its alpha.

    Other samples, such as infrared, are not changed.
    """
    colours = 3 if page.photometric == RGB else 1
    return colours + (len(page.extrasamples) > 0 and page.extrasamples[0] in ALPHA)


def _invert(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    with np.errstate(invalid="ignore"):  # of float, a file may hold anything
        inverted: npt.NDArray[Any] = 1 - values if values.dtype.kind == "f" else ~values
    return inverted


def _pixels(page: tifffile.TiffPage) -> Picture:
    """The picture of a page, of any layout of planes, depth and polarity."""
    stored = page.asarray().reshape(page.shaped[0], page.imagelength, page.imagewidth, -1)
    stored = np.moveaxis(stored[..., 0], 0, -1) if page.planarconfig == 2 else stored[0]
    stored = stored[..., : _channels(page)]
    stored = np.ascontiguousarray(stored[..., 0] if stored.shape[-1] == 1 else stored)
    if stored.dtype.kind == "f":
        stored = stored.astype(np.float32, copy=False)
    if stored.dtype == bool:
        stored = stored * np.uint8(255)
    return _invert(stored) if page.photometric == GREY_INVERTED else stored


def _segments(
    file: BinaryIO, page: tifffile.TiffPage
) -> Iterator[tuple[int, Region, npt.NDArray[Any]]]:
    """Yield (index, region, stored values) of each strip or tile with pixels of the picture."""
    channels = _channels(page)
    for index, (offset, count) in enumerate(
        zip(page.dataoffsets, page.databytecounts, strict=True)
    ):
        file.seek(offset)
        values, (plane, _, top, left, _), shape = page.decode(
            file.read(count) if count else None, index, _fullsize=page.is_tiled
        )
        if plane >= channels:
            continue
        planes = slice(plane, plane + 1) if page.planarconfig == 2 else slice(0, channels)
        if values is None:  # a strip that is not stored
            values = np.full(shape[1:], page.nodata, page.dtype)
        values = np.array(values.reshape(shape[1:]))
        yield index, (planes, slice(top, top + shape[1]), slice(left, left + shape[2])), values


def _encode(page: tifffile.TiffPage, values: npt.NDArray[Any]) -> bytes:
    """The bytes of a strip or tile (rows, columns, channels) as they stand in the file."""
    values = np.ascontiguousarray(values)
    if page.predictor == PREDICTOR_HORIZONTAL:
        if values.dtype.kind == "f":
            values = values.view(f"u{values.dtype.itemsize}")
        values[:, 1:] -= values[:, :-1].copy()
    if page.predictor == PREDICTOR_FLOAT:
        data = tifffile.TIFF.PREDICTORS[PREDICTOR_FLOAT](
            values.astype(values.dtype.newbyteorder(page.parent.byteorder)), axis=-2
        )
    else:
        data = values.astype(values.dtype.newbyteorder(page.parent.byteorder), copy=False)
    plain: bytes = data.tobytes()
    if page.compression == 1:
        return plain
    coded: bytes = tifffile.TIFF.COMPRESSORS[page.compression](plain)
    return coded


def structure_of(structure: TiffStructure, page: tifffile.TiffPage) -> Directory:
    """The directory of a page."""
    return next(each for each in structure.all() if each.start == page.offset)


def _end(output: BinaryIO) -> int:
    """The end of a file, where something can be appended: offsets in a TIFF are even."""
    end = output.seek(0, os.SEEK_END)
    if end % 2:
        output.write(b"\0")
    return end + end % 2


def _rewrite(
    path: Path,
    structure: TiffStructure,
    page: tifffile.TiffPage,
    output: BinaryIO,
    change: tuple[int, list[int]],
) -> None:
    """Change the values of a tag, in place or, if other data share the place, at the file's end."""
    code, values = change
    tag = structure_of(structure, page).tags[code]
    form = FORMS[tag.kind]
    if max(values) >= 256 ** struct.calcsize(form):
        raise DustbustError(
            "{path}: one of its strips became too large for its tag; save it with larger strips",
            path=path,
        )
    place, inline = tag.place, structure.entry_holds(tag)
    if not inline and (place, place + tag.size) in overlaps(structure.ranges()):
        place = _end(output)
        output.seek(tag.entry + (12 if structure.big else 8))
        output.write(struct.pack(structure.order + structure.offset, place))
    output.seek(place)
    output.write(struct.pack(f"{structure.order}{len(values)}{form}", *values))


def _break_layout(structure: TiffStructure, output: BinaryIO) -> None:
    """Say in a cloud optimized GeoTIFF that it was changed: sizes before tiles are not true now.

    Readers then take the sizes of the tags. The text leaves a blank for this change (GDAL, "COG
    driver", header ghost area).
    """
    start = 16 if structure.big else 8
    output.seek(start)
    head = output.read(GHOST_AREA)
    at = head.find(COG_UNCHANGED)
    if head.startswith(COG) and at >= 0:
        output.seek(start + at)
        output.write(COG_CHANGED)


def _remove(path: Path, structure: TiffStructure, directory: Directory, output: BinaryIO) -> None:
    """Remove the tag with the layers from a directory; those behind it move up."""
    if (directory.start, directory.end) in overlaps(structure.ranges()):
        raise ValueError("its directory is also something else")
    entry = directory.tags[LAYERS].entry
    count_form, size = ("Q", 20) if structure.big else ("H", 12)
    output.seek(directory.start)
    width = struct.calcsize(count_form)
    (count,) = struct.unpack(structure.order + count_form, output.read(width))
    output.seek(entry + size)
    rest = output.read(directory.end - entry - size)
    output.seek(entry)
    output.write(rest + bytes(size))
    output.seek(directory.start)
    output.write(struct.pack(structure.order + count_form, count - 1))
