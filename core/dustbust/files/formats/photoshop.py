"""Finds copies of the picture in Photoshop's image resources.

References
----------
Adobe, "Adobe Photoshop File Formats Specification", section "Image Resources".
"""

import struct

THUMBNAILS = (1033, 1036)  # numbers of resources

# What a resource begins with: Photoshop, ImageReady, PhotoDeluxe, Lightroom, DCS.
SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")


def has_thumbnail_resource(data: bytes) -> bool:
    """Whether a block of image resources holds a thumbnail.

    Examples
    --------
    >>> from dustbust.files.formats.photoshop import has_thumbnail_resource
    >>> has_thumbnail_resource(b"8BIM" + bytes([4, 12, 0, 0, 0, 0, 0, 1, 7]))
    True
    >>> has_thumbnail_resource(b"8BIM" + bytes([4, 4, 0, 0, 0, 0, 0, 1, 7]))
    False
    """
    position = 0
    while data.startswith(SIGNATURES, position) and position + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, position + 4)
        name = 1 + data[position + 6]
        size_at = position + 6 + name + name % 2
        if size_at + 4 > len(data):
            return False
        (size,) = struct.unpack_from(">I", data, size_at)
        if number in THUMBNAILS and size:
            return True
        position = size_at + 4 + size + size % 2
    return False
