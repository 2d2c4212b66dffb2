"""Formats that are only read: camera raw, AVIF, HEIF, JPEG XL; their cleaned copies are TIFFs."""

import builtins
import io
import sys

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

import dustbust
from dustbust import DustbustError
from dustbust.files.find import find_frames
from dustbust.files.read import header_of, open_frame, read_luminance
from helpers.frame_files import ICC, XMP_THUMBNAIL, H, W, picture, refused

XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
EVEN = np.s_[:60, :80]


def dng(path, dust=()):
    """A DNG with one plane of colour filters (Bayer) and the tags that LibRaw needs."""
    y, x = np.mgrid[:60, :80]
    sensor = (20000 + 12000 * np.sin(x / 17) * np.cos(y / 11)).astype(np.uint16)
    for place in dust:
        sensor[place] = 60000
    unit, neutral = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1), (1, 1, 1, 1, 1, 1)
    tifffile.imwrite(
        path,
        sensor,
        photometric=32803,
        metadata=None,
        extratags=[
            (271, 2, 0, "Maker", True),
            (272, 2, 0, "Model", True),
            (306, 2, 0, "2001:02:03 04:05:06", True),
            (33421, 3, 2, (2, 2), True),
            (33422, 1, 4, bytes([0, 1, 1, 2]), True),
            (50706, 1, 4, bytes([1, 4, 0, 0]), True),
            (50707, 1, 4, bytes([1, 1, 0, 0]), True),
            (50708, 2, 0, "Maker Model", True),
            (50714, 3, 1, 0, True),
            (50717, 4, 1, 65535, True),
            (50721, 10, 9, unit, True),
            (50728, 5, 3, neutral, True),
            (50778, 3, 1, 21, True),
        ],
    )
    return path


def mask():
    grey = np.zeros((60, 80), np.float32)
    grey[20:24, 30:34] = 1
    return dustbust.DustMask(grey, 0.5)


def test_camera_raw_is_developed_and_cleaned_to_a_tiff(tmp_path):
    pytest.importorskip("rawpy")
    for name in ("a.dng", "b.tif"):  # the content tells the format
        path = dng(tmp_path / name, dust=[np.s_[20:24, 30:34]])
        frame = open_frame(path)
        assert (frame.kind, frame.pixels.shape, frame.pixels.dtype) == (
            "camera raw",
            (60, 80, 3),
            np.uint16,
        )
        assert header_of(path) == ((80, 60), 16, "camera raw")
        assert read_luminance(path).shape == (60, 80)
    report = dustbust.clean_frames(tmp_path, mask())
    assert not report.failed
    assert [path.name for path in report.written] == ["a.dng.tif", "b.tif"]
    clean, before = open_frame(report.written[0]).pixels, open_frame(tmp_path / "a.dng").pixels
    assert np.array_equal(clean[:10], before[:10])
    assert clean[21, 31, 1] < before[21, 31, 1]
    with tifffile.TiffFile(report.written[0]) as file:
        tags = file.pages[0].tags
        assert [tags[code].value for code in (271, 272, 306)] == [
            "Maker",
            "Model",
            "2001:02:03 04:05:06",
        ]
    assert "TIFF" in next(iter(report.notes.values()))[0]
    assert len(dustbust.clean_frames(tmp_path, mask()).skipped) == 2


def test_a_frame_that_is_only_read_becomes_a_tiff_even_without_dust_in_it(tmp_path):
    Image.fromarray(picture()[EVEN]).save(tmp_path / "a.avif", quality=90)
    clear = dustbust.DustMask(np.zeros((60, 80), np.float32), 0.5)
    report = dustbust.clean_frames(tmp_path, clear)
    assert open_frame(report.written[0]).kind == "TIFF"


def test_a_raw_file_beside_its_jpeg_is_left_out(tmp_path):
    for name in ("1.jpg", "1.dng", "2.dng", "3.JPG", "3.DNG"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in find_frames(tmp_path)] == ["1.jpg", "2.dng", "3.JPG"]


@pytest.mark.parametrize(
    ("package", "name", "head"),
    [("rawpy", "a.raf", b"FUJIFILMCCD-RAW"), ("pillow_heif", "a.heic", b"\0\0\0\x18ftypheic")],
)
def test_without_its_library_the_sentence_names_it(tmp_path, monkeypatch, package, name, head):
    (tmp_path / name).write_bytes(head + bytes(100))
    monkeypatch.delitem(sys.modules, package, raising=False)
    real = builtins.__import__

    def missing(wanted, *rest):
        if wanted == package:
            raise ImportError(wanted)
        return real(wanted, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(DustbustError, match=f"pip install {package.replace('_', '-')}"):
        open_frame(tmp_path / name)


def test_avif_keeps_its_profile_and_xmp_in_the_tiff(tmp_path):
    path = tmp_path / "a.avif"
    Image.fromarray(picture()[EVEN]).save(path, quality=90, icc_profile=ICC, xmp=XMP)
    before = open_frame(path).pixels
    assert header_of(path) == ((80, 60), 8, "AVIF")
    with Image.open(path) as opened:
        assert np.array_equal(np.asarray(opened), before)
    report = dustbust.clean_frames(path, mask())
    with tifffile.TiffFile(report.written[0]) as file:
        assert file.pages[0].tags[34675].value == ICC
        assert bytes(file.pages[0].tags[700].value) == XMP


def test_avif_films_and_deep_avifs_are_refused(tmp_path):
    one = Image.fromarray(picture()[EVEN])
    one.save(tmp_path / "a.avif", save_all=True, append_images=[one.transpose(0)])
    refused(tmp_path / "a.avif", "animated")
    deep = (picture("uint16")[EVEN] >> 6).copy()
    (tmp_path / "b.avif").write_bytes(imagecodecs.avif_encode(deep, bitspersample=10))
    refused(tmp_path / "b.avif", "more than 8 bits")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_jpeg_xl_at_every_depth(tmp_path, dtype, channels):
    pixels = picture(dtype, channels)
    path = tmp_path / "a.jxl"
    path.write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=True))
    assert np.array_equal(open_frame(path).pixels, pixels)
    assert header_of(path) == ((W, H), pixels.itemsize * 8, "JPEG XL")
    out = tmp_path / "out.tif"
    after = pixels.copy()
    after[20:30, 20:30] = after[:10, :10]
    open_frame(path).write(after, out)
    assert np.array_equal(open_frame(out).pixels, after)


@pytest.mark.parametrize("size", [(64, 64), (8, 256), (40, 30), (1000, 3), (300, 513)])
def test_the_size_of_a_jpeg_xl_is_known_before_it_is_decoded(tmp_path, monkeypatch, size):
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(np.zeros(size, np.uint8)))
    assert header_of(tmp_path / "a.jxl")[0] == size[::-1]
    monkeypatch.setenv("DUSTBUST_MAX_MEGAPIXELS", "0.0001")
    with pytest.raises(DustbustError, match=f"{size[1]} x {size[0]}"):
        open_frame(tmp_path / "a.jxl")


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_heif_as_phones_write_it(tmp_path, dtype):
    heif = pytest.importorskip("pillow_heif")
    pixels = picture(dtype)[EVEN].copy()
    coded = io.BytesIO()
    made = heif.from_bytes("RGB" if dtype == "uint8" else "RGB;16", (80, 60), pixels.tobytes())
    made.save(coded, quality=95)
    path = tmp_path / "a.heic"
    path.write_bytes(coded.getvalue())
    frame = open_frame(path)
    assert frame.pixels.dtype == dtype
    assert header_of(path) == ((80, 60), pixels.itemsize * 8, "HEIF")
    share = np.abs(frame.pixels.astype(float) - pixels).mean() / np.iinfo(dtype).max
    assert share < 0.05
    report = dustbust.clean_frames(path, mask())
    assert [path.name for path in report.written] == ["a.heic.tif"]


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated_files_are_one_sentence(tmp_path, share):
    Image.fromarray(picture()[EVEN]).save(tmp_path / "a.avif")
    (tmp_path / "a.jxl").write_bytes(imagecodecs.jpegxl_encode(picture()))
    dng(tmp_path / "a.dng")
    for path in list(tmp_path.iterdir()):
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        with pytest.raises(DustbustError):
            open_frame(path)


def test_a_folder_of_other_kinds_is_told_so(tmp_path):
    for name in ("1.psd", "2.psd", "3.gif", ".hidden.xcf"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DustbustError, match=r"only 2 \.psd, 1 \.gif"):
        find_frames(tmp_path)


def test_other_pictures_of_a_heif_are_said_to_be_left_out(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    made = heif.HeifFile()
    for _ in range(3):
        made.add_from_pillow(Image.fromarray(picture()[EVEN]))
    path = tmp_path / "a.heic"
    made.save(path, quality=90)
    frame = open_frame(path)
    notes = frame.write(frame.pixels[::-1].copy(), tmp_path / "out.tif")
    assert "2 other pictures in it were left out" in notes


def test_a_thumbnail_in_the_xmp_of_an_avif_is_said(tmp_path):
    path = tmp_path / "a.avif"
    Image.fromarray(picture()[EVEN]).save(path, quality=90, xmp=XMP_THUMBNAIL)
    frame = open_frame(path)
    notes = frame.write(frame.pixels[::-1].copy(), tmp_path / "out.tif")
    assert "the thumbnail in it still shows the dust" in notes
