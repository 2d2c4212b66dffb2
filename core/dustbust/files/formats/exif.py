"""Finds a copy of the picture in EXIF data.

References
----------
JEITA CP-3451 (EXIF), section 4.5.5: the first directory after the main one is the thumbnail's.
"""

import io
import struct

from .tiff_structure import TiffStructure


def has_exif_thumbnail(data: bytes) -> bool:
    """Whether EXIF data, which begin like a TIFF, hold a thumbnail.

    Examples
    --------
    >>> from dustbust.files.formats.exif import has_exif_thumbnail
    >>> has_exif_thumbnail(b"II*" + bytes([0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
    False
    """
    try:
        return len(TiffStructure(io.BytesIO(data)).directories) > 1
    except (ValueError, struct.error):
        return False
