"""Finds a copy of the picture in XMP.

References
----------
Adobe, "XMP Specification Part 1", section 8.2.2.4 (Thumbnail): JPEG data in base64.
"""

IMAGES = b"http://ns.adobe.com/xap/1.0/g/img/"  # namespace of thumbnails
IMAGE = b":image"


def has_xmp_thumbnail(data: bytes) -> bool:
    """Whether XMP, or a part of it, holds a thumbnail.

    Examples
    --------
    >>> from dustbust.files.formats.xmp import has_xmp_thumbnail
    >>> has_xmp_thumbnail(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    False
    """
    if IMAGES[:1] + b"\0" in data:  # UTF-16 or UTF-32
        data = data.replace(b"\0", b"")
    return IMAGES in data and IMAGE in data
