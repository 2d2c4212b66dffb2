"""What is read and what is refused, each with its sentence, whatever the format."""

import os
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from dustbust import DustbustError
from dustbust.files.read import header_of, open_frame, read_luminance, resolution_of
from helpers.frame_files import H, W, jpeg, picture, png, refused


def test_headers_say_size_depth_and_format(tmp_path):
    tifffile.imwrite(tmp_path / "float.tif", picture("float32"), photometric="rgb")
    tifffile.imwrite(tmp_path / "deep.tif", picture("uint16"))
    png(tmp_path / "deep.png", picture("uint16"))
    (tmp_path / "deep.jp2").write_bytes(
        imagecodecs.jpeg2k_encode(picture("uint16"), level=0, reversible=True)
    )
    for name in ("a.png", "a.jpg", "a.webp", "a.bmp", "a.jp2"):
        Image.fromarray(picture()).save(tmp_path / name)
    found = {path.name: header_of(path) for path in tmp_path.iterdir()}
    assert all(size == (W, H) for size, _, _ in found.values())
    assert {name: (bits, kind) for name, (_, bits, kind) in found.items()} == {
        "float.tif": (32, "TIFF"),
        "deep.tif": (16, "TIFF"),
        "deep.png": (16, "PNG"),
        "deep.jp2": (16, "JPEG 2000"),
        "a.jp2": (8, "JPEG 2000"),
        "a.png": (8, "PNG"),
        "a.jpg": (8, "JPEG"),
        "a.webp": (8, "WebP"),
        "a.bmp": (8, "BMP"),
    }


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
def test_the_resolution_that_a_file_states(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(picture()).save(path, dpi=(300, 200))
    assert resolution_of(path) == pytest.approx((300, 200), abs=0.02)  # PNG, BMP: dots per metre


def test_a_resolution_in_centimetres(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, picture(), resolution=(100, 50), resolutionunit="CENTIMETER")
    assert resolution_of(path) == pytest.approx((254, 127))


@pytest.mark.parametrize(
    "stated",
    [
        {"resolution": ((0, 1), (300, 1))},
        {"resolution": (300, 300), "resolutionunit": "NONE"},
    ],
)
def test_a_resolution_without_sense_is_none(tmp_path, stated):
    tifffile.imwrite(tmp_path / "a.tif", picture(), **stated)
    assert resolution_of(tmp_path / "a.tif") is None


def test_files_without_a_resolution(tmp_path):
    for name in ("a.png", "a.jpg", "a.webp", "a.jp2"):
        Image.fromarray(picture()).save(tmp_path / name)
        assert resolution_of(tmp_path / name) is None
    assert resolution_of(tmp_path / "missing.png") is None


def test_text_named_like_a_picture(tmp_path):
    for name in ("a.jpg", "a.png", "a.tif", "a.webp", "a.jp2", "a.bmp"):
        (tmp_path / name).write_text("Dear Sir, " * 40)
        refused(tmp_path / name, "whatever its name says")


def test_empty_and_missing_files(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    refused(tmp_path / "a.jpg", "is empty")
    refused(tmp_path / "b.jpg", "no such file")
    (tmp_path / "c.jpg").mkdir()
    refused(tmp_path / "c.jpg")


def test_the_content_says_what_a_file_is_not_its_name(tmp_path):
    png(tmp_path / "a.jpg", picture())
    assert open_frame(tmp_path / "a.jpg").kind == "PNG"


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_truncated_files_are_refused_not_half_decoded(tmp_path, progressive, share):
    jpeg(tmp_path / "a.jpg", progressive=progressive)
    png(tmp_path / "a.png", picture("uint16"))
    tifffile.imwrite(tmp_path / "a.tif", picture("uint16"))
    tifffile.imwrite(tmp_path / "b.tif", picture("uint16"), compression="lzw")
    for name in ("a.webp", "a.jp2", "a.bmp"):
        Image.fromarray(picture()).save(tmp_path / name)
    for path in list(tmp_path.iterdir()):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        refused(path, "damaged or incomplete")
        with pytest.raises(DustbustError):
            read_luminance(path)


def test_kinds_that_would_not_come_out_as_they_went_in(tmp_path):
    grey = Image.fromarray(picture(channels=1))
    grey.convert("CMYK").save(tmp_path / "cmyk.jpg")
    refused(tmp_path / "cmyk.jpg", "CMYK")
    grey.convert("CMYK").save(tmp_path / "cmyk.tif")
    refused(tmp_path / "cmyk.tif", "CMYK")
    grey.convert("P").save(tmp_path / "indexed.png")
    refused(tmp_path / "indexed.png", "indexed")
    grey.convert("P").save(tmp_path / "indexed.tif")
    refused(tmp_path / "indexed.tif", "indexed")
    Image.fromarray(picture()).save(tmp_path / "key.png", transparency=(1, 2, 3))
    refused(tmp_path / "key.png", "transparent")
    grey.save(tmp_path / "two.tif", save_all=True, append_images=[grey])
    refused(tmp_path / "two.tif", "2 pictures")
    grey.convert("1").save(tmp_path / "bits.png")
    refused(tmp_path / "bits.png", "1 bits")
    grey.convert("1").save(tmp_path / "bits.tif", compression="tiff_lzw")
    refused(tmp_path / "bits.tif", "1 bit")
    Image.fromarray(picture()).save(tmp_path / "jpeg.tif", compression="jpeg")
    refused(tmp_path / "jpeg.tif", "JPEG")
    tifffile.imwrite(tmp_path / "signed.tif", picture("uint16", 1).astype(np.int32))
    refused(tmp_path / "signed.tif", "32 bits")
    for name in ("anim.webp", "anim.png"):
        grey.save(tmp_path / name, save_all=True, append_images=[grey.transpose(0)])
        refused(tmp_path / name, "animated")


def of_kinds_that_are_not_read(folder):
    """Paths of whole files of kinds that are refused."""
    grey, colours = Image.fromarray(picture(channels=1)), Image.fromarray(picture())
    for name, mode in (
        ("cmyk.jpg", "CMYK"),
        ("cmyk.tif", "CMYK"),
        ("indexed.png", "P"),
        ("indexed.tif", "P"),
        ("indexed.bmp", "P"),
        ("bits.bmp", "1"),
    ):
        colours.convert(mode).save(folder / name)
    colours.save(folder / "key.png", transparency=(1, 2, 3))
    grey.save(folder / "two.tif", save_all=True, append_images=[grey])
    tifffile.imwrite(folder / "signed.tif", picture("uint16", 1).astype(np.int32))
    for name in ("anim.webp", "anim.png"):
        grey.save(folder / name, save_all=True, append_images=[grey.transpose(0)])
    even = colours.crop((0, 0, 60, 60))
    even.save(folder / "anim.avif", save_all=True, append_images=[even.transpose(0)])
    return sorted(folder.iterdir())


def test_headers_tell_the_kinds_that_are_not_read(tmp_path):
    """So that frames are counted before the work starts."""
    for path in of_kinds_that_are_not_read(tmp_path):
        with pytest.raises(DustbustError) as of_pixels:
            open_frame(path)
        with pytest.raises(DustbustError) as of_header:
            header_of(path)
        assert str(of_header.value) == str(of_pixels.value), path


def test_size_is_checked_before_memory_is_taken(tmp_path, monkeypatch):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
            for name, content in (
                (b"IHDR", header),
                (b"IDAT", zlib.compress(bytes(10**6))),
                (b"IEND", b""),
            )
        )
    )
    refused(tmp_path / "bomb.png", "60000 x 60000", "DUSTBUST_MAX_MEGAPIXELS")
    data = bytearray(jpeg(tmp_path / "bomb.jpg").read_bytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    (tmp_path / "bomb.jpg").write_bytes(data)
    assert header_of(tmp_path / "bomb.jpg") == ((65000, 65000), 8, "JPEG")
    refused(tmp_path / "bomb.jpg", "DUSTBUST_MAX_MEGAPIXELS")
    png(tmp_path / "a.png", picture())
    monkeypatch.setenv("DUSTBUST_MAX_MEGAPIXELS", "0.005")
    refused(tmp_path / "a.png", "0.005 megapixels")


@pytest.mark.parametrize("text", ["nan", "many", "-1", "0", "inf inf"])
def test_a_limit_that_is_not_a_number_is_one_sentence(tmp_path, monkeypatch, text):
    png(tmp_path / "a.png", picture())
    monkeypatch.setenv("DUSTBUST_MAX_MEGAPIXELS", text)
    with pytest.raises(DustbustError, match="DUSTBUST_MAX_MEGAPIXELS must be a number above 0"):
        open_frame(tmp_path / "a.png")


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", "/dev/zero"):
        for read in (open_frame, read_luminance, header_of):
            with pytest.raises(DustbustError, match="not a file"):
                read(path)


def test_no_memory_is_one_sentence(tmp_path, monkeypatch):
    png(tmp_path / "a.png", picture())

    def decode(data):
        raise MemoryError

    monkeypatch.setattr(imagecodecs, "png_decode", decode)
    with pytest.raises(DustbustError, match="not enough memory"):
        open_frame(tmp_path / "a.png")


def test_too_little_memory_for_the_luminance_names_the_file(tmp_path, monkeypatch):
    Image.fromarray(picture()).save(tmp_path / "a.png")

    def fail(luminance):
        raise MemoryError

    monkeypatch.setattr("dustbust.files.read.to_unit", fail)
    with pytest.raises(DustbustError, match=r"a\.png: .*memory"):
        read_luminance(tmp_path / "a.png")
    with pytest.raises(MemoryError):  # an array has no name
        read_luminance(picture())
