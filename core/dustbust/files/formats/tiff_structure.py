"""The directories of a TIFF, and the place of everything in the file.

The structure is read with limits, before any library that might follow circular links forever.

References
----------
Adobe, "TIFF Revision 6.0", section 2; "TIFF Tech Note 1: TIFF Trees" (SubIFDs); BigTIFF design.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

SUB_IFDS, EXIF_IFD, GPS_IFD = 330, 34665, 34853
STRIPS, TILES, OLD_JPEG = (273, 279), (324, 325), (513, 514)  # tags of offsets, of byte counts

# Bytes of a value by the number of its type; types 16 to 18 are BigTIFF's.
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
SIZES |= {16: 8, 17: 8, 18: 8}
FORMS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}

# A file with more directories or entries is refused. Scanners and cameras write fewer than ten.
DIRECTORIES = 10_000
ENTRIES = 4_096


@dataclass(frozen=True)
class Tag:
    """An entry of a directory.

    Attributes
    ----------
    code, kind, count : int
        The tag's number, the number of its type, the number of its values.
    entry : int
        Where the entry is in the file.
    place, size : int
        Where its values are, and how many bytes they take.
    """

    code: int
    kind: int
    count: int
    entry: int
    place: int
    size: int


@dataclass
class Directory:
    """A directory with the tags of one picture.

    Attributes
    ----------
    start, end : int
        Where it is in the file, with the offset of the next one.
    tags : dict of int to Tag
    parts : list of Directory
        Its SubIFDs.
    """

    start: int
    end: int
    tags: dict[int, Tag]
    parts: list["Directory"] = field(default_factory=list)


class TiffStructure:
    """The directories of an open TIFF.

    Parameters
    ----------
    file : binary file
        Open for reading.

    Raises
    ------
    ValueError
        If the chain of directories comes back to an earlier one, or a directory is not one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        head = self._read(0, 16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = struct.unpack_from(self.order + "H", head, 2)[0] == 43
        self.offset = "Q" if self.big else "I"
        self._seen: set[int] = set()
        first = struct.unpack_from(self.order + self.offset, head, 8 if self.big else 4)[0]
        self.directories = list(self._chain(first, 0))

    def values(self, tag: Tag) -> list[int]:
        """The whole numbers of a tag; empty if it has other values, or is incomplete."""
        form = FORMS.get(tag.kind)
        if form is None or tag.place + tag.size > self.size:
            return []
        data = self._read(tag.place, tag.size)
        return list(struct.unpack(f"{self.order}{tag.count}{form}", data))

    def value(self, directory: Directory, code: int, default: int = 0) -> int:
        """The first number of a directory's tag."""
        tag = directory.tags.get(code)
        return next(iter(self.values(tag)), default) if tag else default

    def content(self, tag: Tag) -> bytes:
        """The bytes of a tag, as far as they are in the file."""
        return self._read(tag.place, min(tag.size, max(0, self.size - tag.place)))

    def entry_holds(self, tag: Tag) -> bool:
        """Whether a tag's values are in its entry."""
        return tag.size <= struct.calcsize(self.offset)

    def all(self) -> Iterator[Directory]:
        """Yield every directory, those of the chain with their parts."""
        waiting = self.directories[::-1]
        while waiting:
            directory = waiting.pop()
            yield directory
            waiting += directory.parts[::-1]

    def ranges(self) -> list[tuple[int, int]]:
        """(start, end) of the directories, and of the values and pixels that they refer to."""
        found = [(0, 16 if self.big else 8)]
        for directory in self.all():
            found.append((directory.start, directory.end))
            for tag in directory.tags.values():
                if not directory.start <= tag.place < directory.end:
                    found.append((tag.place, tag.place + tag.size))
            for offsets, counts in (STRIPS, TILES, OLD_JPEG):
                if offsets in directory.tags and counts in directory.tags:
                    places = self.values(directory.tags[offsets])
                    sizes = self.values(directory.tags[counts])
                    found += [
                        (place, place + size) for place, size in zip(places, sizes, strict=False)
                    ]
        return found

    def _read(self, place: int, size: int) -> bytes:
        self.file.seek(place)
        return self.file.read(size)

    def _chain(self, place: int, depth: int) -> Iterator[Directory]:
        """Yield a directory and those that follow it; one that lies outside the file ends it."""
        while 0 < place < self.size:
            if place in self._seen:
                raise ValueError("its directories lead back to an earlier one")
            if len(self._seen) >= DIRECTORIES:
                raise ValueError("it has too many directories")
            self._seen.add(place)
            directory, place = self._directory(place)
            if directory is None:
                return
            if depth < 4:
                for code in (SUB_IFDS, EXIF_IFD, GPS_IFD):
                    if code in directory.tags:
                        known = {each.start for each in directory.parts}
                        for part in self.values(directory.tags[code])[:DIRECTORIES]:
                            # The levels of a pyramid may be listed and be a chain as well.
                            if part not in known:
                                chain = list(self._chain(part, depth + 1))
                                known.update(each.start for each in chain)
                                directory.parts += chain
            yield directory

    def _directory(self, place: int) -> tuple[Directory | None, int]:
        """The directory at a place and the place of the next one; None if it is cut short."""
        count_form, entry_size, width = ("Q", 20, 8) if self.big else ("H", 12, 4)
        start = place + struct.calcsize(self.order + count_form)
        head = self._read(place, start - place)
        if len(head) < start - place:
            return None, 0
        (count,) = struct.unpack(self.order + count_form, head)
        if count > ENTRIES:
            return None, 0
        end = start + count * entry_size
        data = self._read(start, count * entry_size + width)
        tags: dict[int, Tag] = {}
        for index in range(min(count, len(data) // entry_size)):
            code, kind, number = struct.unpack_from(
                f"{self.order}HH{self.offset}", data, index * entry_size
            )
            entry = start + index * entry_size
            inline = entry + entry_size - width
            size = SIZES.get(kind, 1) * number
            at = inline
            if size > width:
                (at,) = struct.unpack_from(
                    self.order + self.offset, data, index * entry_size + entry_size - width
                )
            tags.setdefault(code, Tag(code, kind, number, entry, at, size))
        following = 0
        if len(data) == count * entry_size + width:
            (following,) = struct.unpack_from(self.order + self.offset, data, count * entry_size)
        return Directory(place, end + width, tags), following


def overlaps(ranges: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of some ranges of bytes that share a byte with another one.

    Examples
    --------
    >>> from dustbust.files.formats.tiff_structure import overlaps
    >>> sorted(overlaps([(0, 8), (8, 20), (10, 12), (30, 40)]))
    [(8, 20), (10, 12)]
    """
    shared: set[tuple[int, int]] = set()
    widest = (0, 0)
    for one in sorted(ranges):
        if one[0] == one[1]:
            continue
        if one[0] < widest[1]:
            shared |= {one, widest}
        if one[1] > widest[1]:
            widest = one
    return shared
