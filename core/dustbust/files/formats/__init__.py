"""The table of the picture formats.

Each entry of `FORMATS` is a class in a module of this folder. Which suffixes a folder is searched
for, which formats new files can have, and the names in messages, help texts and the README follow
from the classes. To add a format, write its module and add its class here.
"""

from collections.abc import Sequence

from ...errors import Sentence
from .base import FrameFile
from .bmp import BmpFile
from .jpeg import JpegFile
from .jpeg2000 import Jpeg2000File
from .png import PngFile
from .tiff import TiffFile
from .webp import WebpFile

FORMATS: tuple[type[FrameFile], ...] = (
    JpegFile,
    PngFile,
    TiffFile,
    WebpFile,
    Jpeg2000File,
    BmpFile,
)

#: Suffixes of picture files, lower case.
SUFFIXES = frozenset(suffix for form in FORMATS for suffix in form.suffixes)

#: Suffix -> format, of the formats in which new files can be made.
WRITABLE = {suffix: form for form in FORMATS if form.creates for suffix in form.suffixes}


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
    >>> names_of_formats(FORMATS[:3])
    'JPEG, PNG or TIFF'
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
