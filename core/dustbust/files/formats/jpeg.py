"""JPEG frames.

A cleaned file is a copy of the file with new coefficients in those 8 x 8 blocks in which pixels
changed. Tables, subsampling, scans and metadata stay as they are. Decoding and encoding the whole
picture again would change most of it a little, even with the same tables.

References
----------
ITU-T T.81 (markers, coefficients); ITU-T T.871 (JFIF, colours); CIPA DC-007 (MPF).
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import JpegImagePlugin

from ... import _kernels
from ...errors import DustbustError, Sentence
from ...image.arrays import Grey, Mask, Picture
from .base import (
    FrameFile,
    check_megapixels,
    not_as_written,
    thumbnail_note,
    unsupported,
)
from .metadata import has_thumbnail
from .tiff_structure import TiffStructure

EOI, SOS, DQT, DNL = 0xD9, 0xDA, 0xDB, 0xDC
APP0, APP1, APP2, APP11, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
USUAL = {BASELINE, EXTENDED, PROGRESSIVE}
STANDALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length: TEM, and restarts
FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ARITHMETIC = {0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
START, END = b"\xff\xd8", bytes((0xFF, EOI))
TOO_LONG = "it has more data than its size needs"  # a message of the codec
PHOTOSHOP = b"Photoshop 3.0\0"

# In MPF: the tag of the list of pictures, the bits of a kind, and the kinds of previews.
MP_ENTRIES, MP_KIND, MP_PREVIEWS = 0xB002, 0xFFFFFF, {0, 0x010001, 0x010002}

# In the data of a scan, a marker that is neither a stuffed byte nor a restart nor a fill byte.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

# A block of 64 pixels takes at least 2 bits in a sequential file: one for its mean, one for its
# end. Progressive files need half of that.
PIXELS_PER_BYTE = 256
MIDDLE_GREY = 128  # of the blocks that libjpeg makes up where data are missing

# The written file is compared with the original beyond this distance from repairs, px. A repair
# changes whole blocks, of up to 32 x 32 px with the largest subsampling, and two more px where
# colours are interpolated.
REACH = 34

# Where all blocks without a repair were copied bit by bit, their bits are compared, and those of
# the repairs are read back. One such file in DECODED_AGAIN is decoded by libjpeg too, which takes a
# third of the time of cleaning; which one, the checksum of its last bytes decides.
DECODED_AGAIN, CHECKED_BYTES = 16, 1024

# A list of the edits of a file, shape (N, 8): see cpp/files/jpeg_repair.hpp.
Edits: TypeAlias = npt.NDArray[np.int64]

# A file with more scans is refused, because even a scan of a few bytes takes a pass over the whole
# picture. Encoders make about ten.
SCANS = _kernels.MOST_SCANS

# RGB to the YCbCr of JFIF (ITU-T T.871, section 7), less the offset 128 of Cb and Cr.
YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]],
    np.float32,
)

# Quality of a new JPEG on libjpeg's scale to 100. Its loss is below the grain of film.
QUALITY = 95


class JpegFile(FrameFile):
    """A JPEG file."""

    kind = "JPEG"
    suffixes = (".jpg", ".jpeg", ".jpe")
    summary = "8 bit; only the 8 x 8 blocks with dust change, all else stays as it is"
    dtypes = ("uint8",)
    creates = True
    opener = JpegImagePlugin.JpegImageFile

    @staticmethod
    def recognises(head: bytes) -> bool:
        return head.startswith(b"\xff\xd8\xff")

    def __init__(self, path: Path, data: bytes) -> None:
        self.path, self.parts = path, _parts(path, data)
        self.pixels = _decode(self.parts)
        _check_complete(path, self.parts, self.pixels)

    @classmethod
    def header(cls, path: Path) -> tuple[tuple[int, int], int]:
        parts = _parts(path, path.read_bytes(), only_header=True)
        return (parts.width, parts.height), 8

    @classmethod
    def read_luminance_and_data(cls, path: Path) -> tuple[Grey, Mask | None]:
        parts = _parts(path, path.read_bytes())
        pixels = _decode_luminance(parts.picture)
        _check_complete(path, parts, pixels)
        return pixels, None

    @classmethod
    def create(cls, path: Path, pixels: Picture) -> None:
        path.write_bytes(imagecodecs.jpeg_encode(pixels, level=QUALITY))

    def _write_changed(self, pixels: Picture, target: Path, changed: Mask) -> list[str]:
        data, tail, notes = _safe_to_copy(self.parts)
        data = _with_first_tables(data)
        written, edits = _repaired(data, pixels, changed)
        with open(target, "wb") as file:
            file.write(written)
            file.write(tail)
        self._check(data, written, changed, edits)
        return notes

    def _read_back(self, target: Path) -> None:
        return None  # `_check` has compared it

    def _check(self, data: bytes, written: bytes, changed: Mask, edits: Edits | None) -> None:
        """Check the picture that is written, before its file gets its name."""
        if edits is not None and not _is_repaired_copy(data, written, changed, edits):
            raise not_as_written(self.path)
        if edits is None or zlib.crc32(written[-CHECKED_BYTES:]) % DECODED_AGAIN == 0:
            self._check_pixels(written, changed)

    def _check_pixels(self, written: bytes, changed: Mask) -> None:
        """Check, by decoding with libjpeg, that the written file differs only near repairs."""
        with suppress(Exception):
            # This takes a third of the time that Pillow needs. If its libjpeg is another version,
            # whose pixels may differ by one level, Pillow decides.
            if self._is_as_wanted(imagecodecs.jpeg8_decode(written), changed):
                return
        if not self._is_as_wanted(np.asarray(_open(written)), changed):
            raise not_as_written(self.path)

    def _is_as_wanted(self, found: Picture, changed: Mask) -> bool:
        """Whether decoded pixels equal those of the file, except near repaired pixels."""
        return found.shape == self.pixels.shape and _kernels.equal_away_from(
            np.ascontiguousarray(found), self.pixels, changed, REACH
        )


@dataclass(frozen=True)
class Parts:
    """A JPEG file, taken apart.

    Attributes
    ----------
    picture : bytes
        The picture from its first marker to its last, in a form that every decoder reads.
    tail : bytes
        What follows it in the file.
    width, height : int
        In pixels.
    tail_at : int
        Where that was in the file.
    notes : list of str
        Defects that were repaired.
    """

    picture: bytes
    tail: bytes
    tail_at: int
    width: int
    height: int
    notes: list[str]


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment of a JPEG up to its first scan.

    `start` is the position of the marker's 0xFF.

    >>> list(segments(bytes.fromhex("ffd8 fffe0003aa ffda0002")))
    [(254, 2, 7), (218, 7, 11)]
    """
    position = 2
    while True:
        while data[position : position + 2] == b"\xff\xff":  # fill bytes
            position += 1
        if data[position] != 0xFF:
            raise ValueError("there is no marker where one must be")
        marker, end = data[position + 1], _end_of_segment(data, position)
        yield marker, position, end
        if marker == SOS:
            return
        position = end


def _end_of_segment(data: bytes, start: int) -> int:
    """Where a segment ends; it may be behind the end of the file."""
    if data[start + 1] in STANDALONE:
        return start + 2
    return start + 2 + int(struct.unpack_from(">H", data, start + 2)[0])


def _parts(path: Path, data: bytes, only_header: bool = False) -> Parts:
    """Take a file apart, if it is of a kind that is supported."""
    frame = next(
        ((marker, start) for marker, start, _ in segments(data) if marker in FRAME_HEADERS), None
    )
    if frame is None:
        raise ValueError("it has no frame header")
    marker, at = frame
    precision, height, width, channels = struct.unpack_from(">BHHB", data, at + 4)
    _check_kind(path, marker, precision, data[at + 9 : at + 10 + 3 * channels])
    if only_header and height:
        return Parts(b"", b"", 0, width, height, [])
    picture, tail = data, b""
    notes: list[str] = []
    end, later_height = _end_of_picture(data)
    if end is None:
        end = _end_of_data(data)
        picture, tail = data[:end] + END, data[end:]
        notes.append(Sentence("its missing end marker was added"))
    else:
        picture, tail = data[:end], data[end:]
    if not height and later_height:
        height = later_height[1]
        picture = _with_height(picture, at, later_height)
        notes.append(Sentence("its height, which was behind the data, was moved to the header"))
    check_megapixels(path, width, height)
    if width * height > len(picture) * (PIXELS_PER_BYTE << (marker == PROGRESSIVE)):
        raise _too_high(path, height)
    return Parts(picture, tail, end, width, height, notes)


def _end_of_picture(data: bytes) -> tuple[int | None, tuple[int, int] | None]:
    """Where the end marker ends, None without one; and place and value of a height in a DNL."""
    position = next(end for marker, _, end in segments(data) if marker == SOS)
    scans, height = 1, None
    while found := NEXT_MARKER.search(data, position):
        position = found.start()
        marker = data[position + 1]
        if marker == EOI:
            return position + 2, height
        if position + 4 > len(data):
            return None, height
        if marker == SOS:
            scans += 1
            if scans > SCANS:
                raise ValueError("it has too many scans")
        if marker == DNL and height is None and position + 6 <= len(data):
            height = position, struct.unpack_from(">H", data, position + 4)[0]
        position = _end_of_segment(data, position)
    return None, height


def _end_of_data(data: bytes) -> int:
    """Where the data of the last scan end in a file without an end marker.

    libjpeg stops when it has all blocks, and any data may follow. The end is searched for by
    decoding: the codec reports both too few and too many bytes.

    Raises
    ------
    RuntimeError
        If the data end early.
    """
    start = max(end for marker, _, end in _all_segments(data) if marker == SOS)
    found = NEXT_MARKER.search(data, start)
    low, high = start, found.start() if found else len(data)
    _decode_enough(data[:high])  # raises if all of it is too short
    while low < high:
        middle = (low + high) // 2
        try:
            _decode_enough(data[:middle])
        except RuntimeError:
            low = middle + 1
        else:
            high = middle
    return low


def _decode_enough(data: bytes) -> None:
    """Decode data without an end marker; they may be more than needed, but not fewer."""
    try:
        _kernels.read_jpeg(data + END)
    except RuntimeError as error:
        if str(error) != TOO_LONG:
            raise


def _all_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of each segment, also between and behind scans."""
    position = 2
    for segment in segments(data):
        yield segment
        position = segment[2]
    while found := NEXT_MARKER.search(data, position):
        start = found.start()
        marker = data[start + 1]
        if marker == EOI or start + 4 > len(data):
            return
        position = _end_of_segment(data, start)
        yield marker, start, position


def _with_first_tables(data: bytes) -> bytes:
    """The picture without quantisation tables between its scans.

    A component keeps the table of its first scan (as in libjpeg). A table that comes after the
    first scans of all components is therefore never used.
    """
    components = next(data[start + 9] for marker, start, _ in segments(data) if marker in USUAL)
    seen: set[int] = set()
    unused = []
    for marker, start, end in _all_segments(data):
        if marker == SOS:
            seen |= set(data[start + 5 : start + 5 + 2 * data[start + 4] : 2])
        elif marker == DQT and len(seen) >= components:
            unused.append((start, end))
    for start, end in reversed(unused):
        data = data[:start] + data[end:]
    return data


def _with_height(picture: bytes, frame: int, height: tuple[int, int]) -> bytes:
    """The picture with its height in the frame header instead of in a DNL segment."""
    place, rows = height
    at = frame + 5
    return picture[:at] + struct.pack(">H", rows) + picture[at + 2 : place] + picture[place + 6 :]


def _open(data: bytes) -> JpegImagePlugin.JpegImageFile:
    """The picture, not yet decoded."""
    # Not Image.open, which has a limit of its own and would try other formats.
    return JpegImagePlugin.JpegImageFile(io.BytesIO(data))


def _decode(parts: Parts) -> Picture:
    """The pixels, by libjpeg in a third of the time that Pillow needs; else by Pillow."""
    with suppress(Exception):
        pixels = np.asarray(imagecodecs.jpeg8_decode(parts.picture))
        if pixels.dtype == np.uint8 and pixels.shape[:2] == (parts.height, parts.width):
            return pixels
    return np.array(_open(parts.picture))


def _decode_luminance(data: bytes) -> Grey:
    """The luminance alone, 2.5 times faster than with the colours; else as `_decode` does it."""
    with suppress(Exception):
        pixels: Grey = imagecodecs.jpeg8_decode(data, outcolorspace="GRAYSCALE")
        if pixels.dtype == np.uint8 and pixels.ndim == 2:
            return pixels
    picture = _open(data)
    if picture.mode == "RGB":
        picture.draft("L", picture.size)
    return np.asarray(picture.convert("L"))


def _check_kind(path: Path, marker: int, precision: int, components: bytes) -> None:
    """Refuse a kind of picture that could not be written back.

    `components` begins with their number; each has an identifier, sampling factors, and a table.
    """
    channels = components[0] if components else 0
    if marker not in USUAL:
        coding = Sentence(
            "JPEGs with arithmetic coding"
            if marker in ARITHMETIC
            else "lossless or hierarchical JPEGs"
        )
        raise unsupported(path, coding)
    if precision != 8 or channels not in (1, 3):
        raise unsupported(path, _kind_of(precision, channels))
    factors = components[2::3]
    for across in ([each >> 4 for each in factors], [each & 15 for each in factors]):
        if any(each and max(across) % each for each in across):
            raise DustbustError(
                "{path}: its chroma subsampling by a fraction is not supported; "
                "convert it to TIFF or PNG first",
                path=path,
            )


def _check_complete(path: Path, parts: Parts, pixels: Picture) -> None:
    """Refuse a picture that ends before its claimed height, as document feeders write them.

    libjpeg fills missing blocks with grey and does not report them. If the last pixel is grey,
    every block is decoded to find missing ones.
    """
    if (pixels[-1, -1] == MIDDLE_GREY).all():
        try:
            _kernels.read_jpeg(parts.picture)
        except RuntimeError as error:
            raise _too_high(path, parts.height) from error


def _too_high(path: Path, height: int) -> DustbustError:
    return DustbustError(
        "{path}: claims a height of {height} rows, but its data end before that; "
        "open it and save it anew, or scan it again",
        path=path,
        height=height,
    )


def _kind_of(precision: int, channels: int) -> Sentence:
    if channels == 4:
        return Sentence("CMYK pictures")
    return Sentence(
        "JPEGs with {bits} bits and {channels} channels", bits=precision, channels=channels
    )


def _is_rgb(data: bytes, identifiers: bytes) -> bool:
    """Whether the three components are RGB instead of YCbCr, by the rules of libjpeg."""
    marked = {
        marker: data[start + 4 : end]
        for marker, start, end in segments(data)
        if marker in (APP0, APP14)
    }
    if marked.get(APP0, b"").startswith(b"JFIF\0"):
        return False
    if marked.get(APP14, b"").startswith(b"Adobe") and len(marked[APP14]) >= 12:
        return marked[APP14][11] == 0
    return identifiers == b"RGB"


def _safe_to_copy(parts: Parts) -> tuple[bytes, bytes, list[str]]:
    """The picture and what follows it, without copies of the picture; and notes on them.

    The previews that cameras append are left out, with the list of their places (MPF). Boxes with
    content credentials or residues of the picture (JUMBF, JPEG XT) are left out, too. Thumbnails
    stay.
    """
    data, tail, notes = parts.picture, parts.tail, list(parts.notes)
    listed, boxes, heights, thumbnail = [], [], [], False
    for marker, start, end in _all_segments(data):
        content = data[start + 4 : end]
        if marker == APP2 and content.startswith(b"MPF\0"):
            listed.append((start, end))
        elif marker == DNL:
            heights.append((start, end))
        elif marker == APP11 and content.startswith(b"JP"):
            boxes.append((start, end))
        elif _has_thumbnail(marker, content):
            thumbnail = True
    if listed:
        tail, note = _without_listed(parts, listed)
        notes.append(note)
    if heights:
        notes.append(Sentence("a second height, which programs pass over, was left out"))
    if boxes:
        notes.append(
            Sentence(
                "content credentials and other boxes that belong to its old pixels were left out"
            )
        )
    if thumbnail:
        notes.append(thumbnail_note())
    if tail.startswith(START + b"\xff"):
        notes.append(Sentence("another picture behind it in the file was kept as it is"))
    for start, end in sorted(listed + boxes + heights, reverse=True):
        data = data[:start] + data[end:]
    return data, tail, notes


def _without_listed(parts: Parts, listed: list[tuple[int, int]]) -> tuple[bytes, Sentence]:
    """What follows the picture, without the pictures in its list (CIPA DC-007), and the note."""
    keep = np.ones(len(parts.tail), np.bool_)
    kinds: set[int] = set()
    for start, end in listed:
        base = start + 8
        try:
            structure = TiffStructure(io.BytesIO(parts.picture[base:end]))
            entries = structure.content(structure.directories[0].tags[MP_ENTRIES])
        except (ValueError, KeyError, IndexError, struct.error):
            return b"", _list_is_damaged()
        for at in range(0, len(entries) - 15, 16):
            kind, size, offset = struct.unpack_from(structure.order + "3I", entries, at)
            first = base + offset - parts.tail_at
            if not offset or not size:  # the picture itself, or none
                continue
            inside = 0 <= first <= len(parts.tail) - size
            if not inside or not parts.tail.startswith(START, first):
                return b"", _list_is_damaged()
            keep[first : first + size] = False
            kinds.add(kind & MP_KIND)
    note = Sentence("the preview pictures appended to it were left out")
    if not kinds <= MP_PREVIEWS:
        note = Sentence(
            "the pictures appended to it, such as previews and other views, were left out"
        )
    return np.frombuffer(parts.tail, np.uint8)[keep].tobytes(), note


def _list_is_damaged() -> Sentence:
    return Sentence(
        "what follows it in the file was left out, as the list of the pictures there is damaged"
    )


def _has_thumbnail(marker: int, content: bytes) -> bool:
    """Whether a segment holds a thumbnail: of JFIF and its extension, EXIF, XMP or Photoshop."""
    if marker == APP0 and content.startswith(b"JFIF\0"):
        return len(content) > 14 and content[12] * content[13] > 0
    if marker == APP0:
        return content.startswith(b"JFXX\0")
    return marker in (APP1, APP13) and has_thumbnail(content.removeprefix(PHOTOSHOP))


def _is_repaired_copy(data: bytes, written: bytes, changed: Mask, edits: Edits) -> bool:
    """Whether a written file differs from the picture only in its edits, which are as meant."""
    try:
        return _kernels.is_repaired_copy(data, written, changed, edits)
    except RuntimeError:  # the codec cannot read what is written
        return False


def _repaired(data: bytes, pixels: Picture, changed: Mask) -> tuple[bytes, Edits | None]:
    """The picture with other coefficients in the blocks in which pixels changed, and the edits.

    There are no edits if not all other blocks were copied bit by bit.
    """
    start = next(start for marker, start, _ in segments(data) if marker in USUAL)
    colours = data[start + 9]
    identifiers = data[start + 10 : start + 10 + 3 * colours : 3]
    plain = colours == 1 or _is_rgb(data, identifiers)
    of_colours = np.eye(colours, dtype=np.float32) if plain else YCBCR
    levels = np.full(colours, 128, np.float32) if plain else np.array([128, 0, 0], np.float32)
    return _kernels.repair_jpeg(data, pixels, changed, of_colours, levels)
