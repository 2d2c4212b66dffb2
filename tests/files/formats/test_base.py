"""What all formats share: limits of size, and what is left when a file cannot be written."""

import imagecodecs
import pytest

from dustbust import DustbustError
from dustbust.files.formats.base import check_megapixels
from dustbust.files.read import open_frame
from helpers.frame_files import picture, png, repaired


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5)])
def test_a_picture_has_pixels(tmp_path, width, height):
    with pytest.raises(DustbustError, match="has no pixels"):
        check_megapixels(tmp_path / "a.png", width, height)
    check_megapixels(tmp_path / "a.png", 1, 1)


@pytest.mark.parametrize(
    ("size", "most"),
    [
        (1, 2**25),  # small pictures may claim anything
        (8192, 2**25),
        (10_000, 40_960_000),  # else 4096 pixels for each byte
    ],
)
def test_the_pixels_that_a_number_of_bytes_may_claim(tmp_path, size, most):
    check_megapixels(tmp_path / "a.webp", most // 2, 2, size)
    with pytest.raises(ValueError, match="ends before its end"):
        check_megapixels(tmp_path / "a.webp", most // 2 + 1, 2, size)
    check_megapixels(tmp_path / "a.webp", most // 2 + 1, 2)


def test_the_limit_of_megapixels_is_allowed(tmp_path, monkeypatch):
    check_megapixels(tmp_path / "a.png", 500_000_000, 1)
    with pytest.raises(DustbustError, match="limit of 500 megapixels"):
        check_megapixels(tmp_path / "a.png", 500_000_001, 1)
    monkeypatch.setenv("DUSTBUST_MAX_MEGAPIXELS", "0.5")
    check_megapixels(tmp_path / "a.png", 1000, 500)
    with pytest.raises(DustbustError, match=r"limit of 0\.5 megapixels"):
        check_megapixels(tmp_path / "a.png", 1000, 501)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("an odd filter"), "an odd filter"),
        (DustbustError("no {what}", what="chunk"), "no chunk"),
    ],
)
def test_what_prevents_the_first_byte_is_one_sentence(tmp_path, monkeypatch, error, words):
    def encode(*_, **__):
        raise error

    frame, target = open_frame(png(tmp_path / "a.png", picture())), tmp_path / "out.png"
    monkeypatch.setattr(imagecodecs, "png_encode", encode)
    with pytest.raises(DustbustError, match=words):
        frame.write(repaired(frame.pixels), target)
    assert not target.exists()
