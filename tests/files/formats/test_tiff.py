"""TIFF: tags, coding and other pictures stay, and so do all pixels away from the repair."""

import itertools
import struct

import numpy as np
import pytest
import tifffile
from PIL import Image

from dustbust import DustbustError
from dustbust.files.read import open_frame
from helpers.frame_files import ICC, REPAIR, XMP, H, W, picture, refused, repaired, rewritten


def tags_of(path):
    """Every tag of every page but where the pixels are, and the header."""
    with tifffile.TiffFile(path) as file:
        return (
            file.byteorder,
            file.is_bigtiff,
            [
                {tag.code: tag.value for tag in page.tags if tag.code not in (273, 279, 324, 325)}
                for page in file.pages
            ],
        )


def segments_of(path):
    """The bytes of each strip or tile of the first picture."""
    data = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        return [
            data[offset : offset + count]
            for offset, count in zip(
                file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True
            )
        ]


LAYOUTS = [
    "strips",
    "tiles",
    "planes",
    "big",
    "Motorola",
    "predictor",
    "tiled planes, Motorola, predictor",
]


@pytest.mark.parametrize(
    ("dtype", "channels", "compression", "layout"),
    [
        *itertools.product(
            ["uint8", "uint16", "float16", "float32", "float64"], [1, 2, 3, 4], ["lzw"], LAYOUTS
        ),
        *itertools.product(
            ["uint16"],
            [3],
            [None, "deflate", "adobe_deflate", "packbits", "zstd", "lzma"],
            LAYOUTS,
        ),
    ],
)
def test_tiff_keeps_every_tag_its_coding_and_all_else(
    tmp_path, dtype, channels, compression, layout
):
    if "predictor" in layout and compression in (None, "packbits"):
        compression = "lzw"
    if "predictor" in layout and dtype == "float64":
        dtype = "float32"  # tifffile writes no such file
    pixels = picture(dtype, channels)
    planes = "planes" in layout and channels > 1
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        np.moveaxis(pixels, -1, 0).copy() if planes else pixels,
        photometric="rgb" if channels > 2 else "minisblack",
        planarconfig=("separate" if planes else "contig") if channels > 1 else None,
        compression=compression,
        predictor="predictor" in layout,
        tile=(32, 16) if "tile" in layout else None,
        rowsperstrip=None if "tile" in layout else 7,
        byteorder=">" if "Motorola" in layout else "<",
        bigtiff=layout == "big",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        resolution=(1200, 1200),
        resolutionunit="inch",
        software="scanner",
        datetime="2001:02:03 04:05:06",
        description="roll 7",
        metadata=None,
        extratags=[
            (700, 1, len(XMP), XMP, True),
            (33723, 7, 8, b"\x1c\x02\x05\0\3abc", True),
            (274, 3, 1, 6, True),
            (34675, 7, len(ICC), ICC, True),
        ],
    )
    before = open_frame(path).pixels
    assert np.array_equal(before, pixels.astype(before.dtype))
    out, notes = rewritten(path)
    assert notes == []
    assert tags_of(out) == tags_of(path)
    stored = tifffile.imread(out)
    stored = np.moveaxis(stored, 0, -1) if planes else stored
    assert stored.dtype == pixels.dtype
    assert np.array_equal(stored.astype(before.dtype), repaired(before))
    away = np.ones((H, W), bool)
    away[REPAIR] = False
    assert np.array_equal(stored[away], pixels[away])  # of float64 every bit
    same = [old == new for old, new in zip(segments_of(path), segments_of(out), strict=True)]
    assert not all(same)
    assert any(same)


def test_tiff_keeps_thumbnails_and_samples_that_are_not_picture(tmp_path):
    """Infrared as a fourth sample, a thumbnail as a second page."""
    rng = np.random.default_rng(3)
    four = np.concatenate([picture("uint16"), rng.integers(0, 65536, (H, W, 1), np.uint16)], 2)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(
            four,
            photometric="rgb",
            extrasamples=["unspecified"],
            compression="lzw",
            rowsperstrip=16,
            metadata=None,
        )
        file.write(four[::8, ::8, :3].copy(), photometric="rgb", subfiletype=1, metadata=None)
    assert open_frame(tmp_path / "a.tif").pixels.shape == (H, W, 3)
    out, _ = rewritten(tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(out, key=0)[..., 3], four[..., 3])
    assert np.array_equal(tifffile.imread(out, key=0)[..., :3], repaired(four[..., :3]))
    assert np.array_equal(tifffile.imread(out, key=1), four[::8, ::8, :3])


def test_infrared_as_a_second_sample_of_grey_is_not_picture(tmp_path):
    grey, infrared = picture("uint16", 1), picture("uint16", 1)[::-1]
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.stack([grey, infrared], axis=2),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified"],
        metadata=None,
    )
    assert np.array_equal(open_frame(tmp_path / "a.tif").pixels, grey)
    stored = tifffile.imread(rewritten(tmp_path / "a.tif")[0])
    assert np.array_equal(stored, np.stack([repaired(grey), infrared], axis=2))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiff_whose_white_is_zero_is_read_the_right_way_round(tmp_path, dtype):
    pixels = picture(dtype, 1)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="miniswhite", metadata=None)
    before = open_frame(tmp_path / "a.tif").pixels
    assert np.allclose(
        before.astype(float),
        (1 if dtype == "float32" else np.iinfo(dtype).max) - pixels.astype(float),
    )
    out, _ = rewritten(tmp_path / "a.tif")
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    assert tags_of(out) == tags_of(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_floats_whose_bits_are_predicted_as_whole_numbers_keep_every_bit(
    tmp_path, dtype, byteorder
):
    """Predictor 2 of numbers that are not whole: libtiff writes it, tifffile only reads it."""
    pixels = picture(dtype, 3)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        pixels.view(f"int{8 * pixels.itemsize}"),
        photometric="rgb",
        compression="lzw",
        predictor=2,
        rowsperstrip=7,
        byteorder=byteorder,
        metadata=None,
    )
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["SampleFormat"].overwrite((3, 3, 3))
    before = open_frame(path).pixels
    assert np.array_equal(before, pixels.astype(before.dtype))
    out, _ = rewritten(path)
    assert np.array_equal(tifffile.imread(out).astype(before.dtype), repaired(before))
    assert tags_of(out) == tags_of(path)


def test_bits_in_reverse_order_are_refused(tmp_path):
    Image.fromarray(picture("uint8", 1)).save(tmp_path / "a.tif", tiffinfo={266: 2})
    with pytest.raises(DustbustError, match=r"a\.tif: .*from right to left.* save it"):
        rewritten(tmp_path / "a.tif")


@pytest.mark.parametrize("compression", [None, "packbits"])
def test_a_predictor_that_does_not_count_is_passed_over(tmp_path, compression):
    """As libtiff does: it knows predictors with LZW, deflate, LZMA and Zstandard only."""
    pixels = picture("uint8", 3)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        compression=compression,
        rowsperstrip=7,
        metadata=None,
        extratags=[(316, 3, 1, 2, True)],  # tifffile writes no Predictor here
    )
    entry = struct.Struct("<HHIH")
    data = path.read_bytes()
    assert data.count(entry.pack(316, 3, 1, 2)) == 1
    path.write_bytes(data.replace(entry.pack(316, 3, 1, 2), entry.pack(317, 3, 1, 2)))
    with Image.open(path) as opened:
        assert opened.tag_v2[317] == 2
        assert np.array_equal(np.asarray(opened), pixels)
    assert np.array_equal(open_frame(path).pixels, pixels)
    out, _ = rewritten(path)
    with Image.open(out) as opened:
        assert opened.tag_v2[317] == 2
        assert np.array_equal(np.asarray(opened), repaired(pixels))


@pytest.mark.parametrize("layout", ["strips", "tiles", "planes"])
@pytest.mark.parametrize("compression", [None, "lzw", "deflate", "packbits", "zstd"])
def test_missing_strips_are_refused_and_not_black(tmp_path, compression, layout):
    """The file claims twice the rows of its strips or tiles."""
    pixels = picture("uint8", 3)
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        np.moveaxis(pixels, -1, 0).copy() if layout == "planes" else pixels,
        photometric="rgb",
        planarconfig="separate" if layout == "planes" else "contig",
        compression=compression,
        tile=(16, 16) if layout == "tiles" else None,
        rowsperstrip=None if layout == "tiles" else 10,
        metadata=None,
    )
    assert np.array_equal(open_frame(path).pixels, pixels)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageLength"].overwrite(2 * H)
    with pytest.raises(DustbustError, match="damaged or incomplete"):
        open_frame(path)


@pytest.mark.parametrize(
    ("dtype", "sample_format", "kind"),
    [
        (np.uint32, 1, "32 bits of the type uint "),
        (np.int16, 2, "16 bits of the type int "),
        (np.int16, 5, "16 bits of the type complex int "),
        (np.complex64, 6, "64 bits of the type complex float "),
        (np.int16, 7, "16 bits of the type 7 "),
    ],
)
def test_samples_that_are_not_read_are_named(tmp_path, dtype, sample_format, kind):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((H, W), dtype), photometric="minisblack")
    with tifffile.TiffFile(path, mode="r+") as file:
        if sample_format != 1:  # which need not be said
            file.pages[0].tags["SampleFormat"].overwrite(sample_format)
    refused(path, kind)
