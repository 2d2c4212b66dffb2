"""Finds a copy of the picture in XMP.

References
----------
Adobe, "XMP Specification Part 1", section 8.2.2.4 (Thumbnail): JPEG data in base64; Google, "VR
Photos", GImage:Data: the picture before an effect, in base64.
"""

# Namespace of each kind of picture, and the name of its data.
PICTURES = (
    (b"http://ns.adobe.com/xap/1.0/g/img/", b":image"),
    (b"http://ns.google.com/photos/1.0/image/", b":Data"),
)


def has_xmp_thumbnail(data: bytes) -> bool:
    """Whether XMP, or a part of it, holds a thumbnail.

    Examples
    --------
    >>> from dustbust.files.formats.xmp import has_xmp_thumbnail
    >>> has_xmp_thumbnail(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    False
    """
    if b"h\0t\0t\0p" in data:  # UTF-16
        data = data.replace(b"\0", b"")
    return any(space in data and name in data for space, name in PICTURES)
