"""Thumbnails among Photoshop's image resources, made up as its specification describes them."""

import struct

import pytest

from dustbust.files.formats.photoshop import has_thumbnail_resource


def resource(number, content, name=b"", signature=b"8BIM"):
    """One resource; its name with its length, and its content, are padded to an even size."""
    text = bytes([len(name)]) + name
    text += bytes(len(text) % 2)
    return (
        signature
        + struct.pack(">H", number)
        + text
        + struct.pack(">I", len(content))
        + content
        + bytes(len(content) % 2)
    )


CAPTION = 1028


@pytest.mark.parametrize("number", [1033, 1036])
@pytest.mark.parametrize("content", [b"", b"odd", b"even"])
@pytest.mark.parametrize("name", [b"", b"a", b"ab"])
def test_a_thumbnail_behind_other_resources_is_found(number, content, name):
    before = resource(CAPTION, content, name) + resource(1060, 50 * content, signature=b"MeSa")
    assert has_thumbnail_resource(before + resource(number, b"picture", name))
    assert has_thumbnail_resource(resource(number, b"p", name) + before)
    assert not has_thumbnail_resource(before)
    assert not has_thumbnail_resource(before + resource(number, b""))


def test_resources_that_are_cut_off_hold_none():
    whole = resource(CAPTION, b"odd") + resource(1036, b"p")
    begin = len(resource(CAPTION, b"odd"))
    assert has_thumbnail_resource(whole[: begin + 12])  # its size is there
    for end in range(begin + 12):
        assert not has_thumbnail_resource(whole[:end])
    assert not has_thumbnail_resource(resource(CAPTION, b"odd") + b"junk" + resource(1036, b"p"))
