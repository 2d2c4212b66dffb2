"""The table of the picture formats.

Each entry of `FORMATS` is a class in a module of this folder. The classes determine the suffixes
that are searched for in folders, the formats of new files, and the names in messages, help texts
and the README. To add a format, write its module and add its class here.
"""

from collections.abc import Sequence
from pathlib import Path

from ...errors import Sentence
from .base import FrameFile
from .bmp import BmpFile
from .heif import AvifFile, HeifFile
from .jpeg import JpegFile
from .jpeg2000 import Jpeg2000File
from .jpegxl import JpegXlFile
from .png import PngFile
from .raw import RawFile
from .tiff import TiffFile
from .webp import WebpFile

FORMATS: tuple[type[FrameFile], ...] = (
    JpegFile,
    PngFile,
    RawFile,  # before TIFF, because some raw files begin like a TIFF
    TiffFile,
    WebpFile,
    Jpeg2000File,
    JpegXlFile,
    AvifFile,
    HeifFile,
    BmpFile,
)

#: Suffixes of picture files, lower case.
SUFFIXES = frozenset(suffix for form in FORMATS for suffix in form.suffixes)

#: Suffix -> format, of the formats in which new files can be made.
WRITABLE = {suffix: form for form in FORMATS if form.creates for suffix in form.suffixes}


#: Suffix -> what is added to the names of cleaned copies, of the formats that are only read.
WRITTEN_AS = {suffix: form.written_as for form in FORMATS for suffix in form.suffixes}


def output_name(frame: Path) -> str:
    """The name of a cleaned copy: that of the frame, with .tif behind it if it is only read.

    Examples
    --------
    >>> from pathlib import Path
    >>> from dustbust.files.formats import output_name
    >>> output_name(Path("1.jpg")), output_name(Path("1.nef"))
    ('1.jpg', '1.nef.tif')
    """
    return frame.name + WRITTEN_AS.get(frame.suffix.lower(), "")


def names_of_formats(formats: Sequence[type[FrameFile]] = FORMATS) -> Sentence:
    """The names of formats as messages list them.

    Parameters
    ----------
    formats : sequence of FrameFile classes
        Two or more entries of the table.

    Returns
    -------
    Sentence
        Such as "JPEG, PNG or TIFF".

    Examples
    --------
    >>> from dustbust.files.formats import FORMATS, names_of_formats
    >>> names_of_formats(FORMATS[:2])
    'JPEG or PNG'
    """
    *names, last = (form.kind for form in formats)
    return Sentence("{names} or {last}", names=", ".join(names), last=last)


def table_of_formats() -> list[tuple[str, str, str]]:
    """Name, suffixes and summary of each format, as README and help texts list them.

    Returns
    -------
    list of (str, str, str)

    Examples
    --------
    >>> from dustbust.files.formats import table_of_formats
    >>> table_of_formats()[0][:2]
    ('JPEG', '.jpg .jpeg .jpe')
    """
    return [(form.kind, " ".join(form.suffixes), form.summary) for form in FORMATS]
