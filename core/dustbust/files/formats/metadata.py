"""Finds a copy of the picture in metadata, whichever of the usual kinds they are."""

from .exif import has_exif_thumbnail
from .photoshop import SIGNATURES, has_thumbnail_resource
from .xmp import has_xmp_thumbnail

EXIF = b"Exif\0\0"  # before EXIF data, in most formats
TIFF = (b"II*\0", b"MM\0*")  # EXIF data begin like a TIFF


def has_thumbnail(data: bytes) -> bool:
    """Whether metadata hold a thumbnail.

    Parameters
    ----------
    data : bytes
        EXIF data, image resources of Photoshop, XMP, or anything else.

    Examples
    --------
    >>> from dustbust.files.formats.metadata import has_thumbnail
    >>> has_thumbnail(b"8BIM" + bytes([4, 12, 0, 0, 0, 0, 0, 1, 7])), has_thumbnail(b"text")
    (True, False)
    """
    data = data.removeprefix(EXIF)
    if data.startswith(TIFF):
        return has_exif_thumbnail(data)
    if data.startswith(SIGNATURES):
        return has_thumbnail_resource(data)
    return has_xmp_thumbnail(data)
