"""What goes into a file comes out of it: depth, metadata and coding of every format, and every pixel away from the repair."""

import io
import itertools
import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, JpegImagePlugin

from dustbust import DustbustError, _kernels
from dustbust.files.read import header_of, open_frame, read_luminance

H, W = 61, 83  # no multiple of any block
REPAIR = np.s_[20:31, 40:52]


def picture(dtype="uint8", channels=3):
    """A smooth picture with noise, so that JPEG has something to keep; values use the full depth."""
    rng = np.random.default_rng(5)
    y, x, c = np.mgrid[:H, :W, :channels]
    unit = 0.5 + 0.3 * np.sin(x / 17 + c) * np.cos(y / 11) + rng.normal(0, 0.03, (H, W, channels))
    unit = np.clip(unit, 0, 1)[..., 0] if channels == 1 else np.clip(unit, 0, 1)
    return (
        unit.astype(dtype)
        if np.dtype(dtype).kind == "f"
        else (unit * np.iinfo(dtype).max).astype(dtype)
    )


def repaired(pixels):
    """The picture with other pixels in REPAIR."""
    after = pixels.copy()
    after[REPAIR] = after[REPAIR][::-1, ::-1]
    assert (after != pixels).any()
    return after


def rewritten(path, pixels=None):
    """The path of a copy of a file with repaired pixels, written by dustbust; its notes."""
    frame = open_frame(path)
    target = path.with_name("out-" + path.name)
    notes = frame.write(repaired(frame.pixels) if pixels is None else pixels, target)
    return target, notes


def exif(orientation=6):
    data = Image.Exif()
    data[0x0112], data[0x010F], data[0x0132] = orientation, "Scanner & Söhne", "2001:02:03 04:05:06"
    data.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment"
    return data.tobytes()


XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf/></x:xmpmeta>"
ICC = b"\0\0\2\x0clcms\2\x10\0\0mntrRGB XYZ " + bytes(range(256)) * 2


# --- JPEG --------------------------------------------------------------------------------------------------------------------------


def jpeg(path, mode="RGB", **options):
    """A JPEG with every kind of metadata."""
    coded = io.BytesIO()
    Image.fromarray(picture(channels=3 if mode == "RGB" else 1)).save(
        coded,
        "JPEG",
        **{
            "quality": 88,
            "exif": exif(),
            "icc_profile": ICC,
            "comment": b"by hand",
            "dpi": (300, 300),
            "xmp": XMP,
            **options,
        },
    )
    iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x05\0\x03abc"
    segment = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
    path.write_bytes(b"\xff\xd8" + segment + coded.getvalue()[2:])
    return path


def jpeg_headers(path):
    """All of a JPEG but Huffman tables and data: (marker, content)."""
    data, at, found = path.read_bytes(), 2, []
    while data[at + 1] != 0xD9:
        (length,) = struct.unpack_from(">H", data, at + 2)
        if data[at + 1] != 0xC4:
            found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        if data[at + 1] == 0xDA:
            at += 2 + length
            while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 1
            at -= 2 + length
        at += 2 + length
    return found


JPEGS = [
    {"subsampling": 0},
    {"subsampling": 1},
    {"subsampling": 2},
    {"progressive": True},
    {"subsampling": 0, "progressive": True},
    {"optimize": True},
    {"restart_marker_blocks": 3},
    {"restart_marker_rows": 1, "progressive": True},
    {"mode": "L"},
    {"mode": "L", "progressive": True},
    {"quality": 30},
    {"quality": 100},
    {"keep_rgb": True, "subsampling": 0, "dpi": (0, 0)},
]


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_keeps_its_metadata_tables_and_scans(tmp_path, options):
    path = jpeg(tmp_path / "a.jpg", **options)
    out, notes = rewritten(path)
    assert notes == []
    assert jpeg_headers(out) == jpeg_headers(path)
    with Image.open(path) as before, Image.open(out) as after:
        assert after.info == before.info and after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == JpegImagePlugin.get_sampling(before)
        assert after.getexif()[0x0112] == 6


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_blocks_away_from_the_repair_keep_their_coefficients_and_the_repair_is_there(
    tmp_path, options
):
    path = jpeg(tmp_path / "a.jpg", **options)
    before = open_frame(path).pixels
    assert np.abs(before.astype(float) - picture(channels=before.size // (H * W))).mean() < 12
    out, _ = rewritten(path)
    after = open_frame(out).pixels
    for old, new in zip(
        _kernels.read_jpeg(path.read_bytes()), _kernels.read_jpeg(out.read_bytes())
    ):
        same = (old[4] == new[4]).all((2, 3))
        size = 8 * 2 // old[1], 8 * 2 // old[2]  # an upper bound of the pixels of a block
        rows, columns = np.nonzero(~same)
        assert len(rows)
        assert (
            (rows.min() + 1) * size[0] > 20 - 16
            and rows.max() * 8 <= 31
            and columns.max() * 8 <= 52
        )
    far = np.ones((H, W), bool)
    far[16 - 2 : 32 + 2, 32 - 2 : 64 + 2] = (
        False  # the blocks of the repair, and two pixels over which colours are interpolated
    )
    assert np.array_equal(before[far], after[far])
    wanted = repaired(before)
    error = np.abs(after[REPAIR].astype(float) - wanted[REPAIR]).mean()
    again = io.BytesIO()
    with Image.open(path) as opened:
        Image.fromarray(wanted).save(
            again,
            "JPEG",
            qtables=opened.quantization,
            subsampling=max(0, JpegImagePlugin.get_sampling(opened)),
            keep_rgb=options.get("keep_rgb", False),
        )
    with Image.open(again) as opened:
        error_of_encoding = np.abs(np.asarray(opened)[REPAIR].astype(float) - wanted[REPAIR]).mean()
    assert error < 1.15 * error_of_encoding + 0.1


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_with_its_own_coefficients_is_the_same_file(tmp_path, options):
    data = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    assert _kernels.write_jpeg(data, [blocks for *_, blocks in _kernels.read_jpeg(data)]) == data


@pytest.mark.parametrize("options", JPEGS, ids=str)
def test_jpeg_holds_any_coefficients_it_is_given(tmp_path, options):
    data = jpeg(tmp_path / "a.jpg", **options).read_bytes()
    rng = np.random.default_rng(2)
    blocks = [
        component[4]
        + rng.integers(-40, 41, component[4].shape, np.int16)
        * (rng.random(component[4].shape) < 0.2)
        for component in _kernels.read_jpeg(data)
    ]
    blocks = [np.clip(values, -900, 900).astype(np.int16) for values in blocks]
    written = _kernels.write_jpeg(data, blocks)
    for values, (_, across, down, _, read) in zip(blocks, _kernels.read_jpeg(written)):
        used = values[: -(-H // 8), : -(-W // 8)] if len(blocks) == 1 else values
        assert (
            read[: len(used)] == used
        ).mean() > 0.9  # blocks that pad a component are not in scans of their own
    with Image.open(io.BytesIO(written)) as opened:
        opened.load()


def test_jpeg_coefficients_are_those_of_the_transform():
    """Against the definition, ITU-T T.81 A.3.3, in double precision."""
    pixels = picture(channels=1)[:56, :80]
    coded = io.BytesIO()
    Image.fromarray(pixels).save(coded, "JPEG", quality=95)
    ((_, _, _, quantisation, blocks),) = _kernels.read_jpeg(coded.getvalue())
    k = np.arange(8)
    basis = np.cos((2 * k + 1) * k[:, None] * np.pi / 16) / 2
    basis[0] /= np.sqrt(2)
    expected = (
        np.einsum("ui,yixj,vj->yxuv", basis, pixels.reshape(7, 8, 10, 8) - 128.0, basis)
        / quantisation
    )
    assert (
        np.abs(blocks - expected).max() < 0.75
    )  # rounded, by an encoder that computes in integers


def test_jpeg_with_preview_pictures_says_that_they_are_left_out(tmp_path):
    first, second = Image.fromarray(picture()), Image.fromarray(picture()[::-1])
    first.save(
        tmp_path / "a.jpg", "MPO", save_all=True, append_images=[second], exif=exif(), quality=90
    )
    assert (tmp_path / "a.jpg").read_bytes().count(b"\xff\xd8\xff") == 2
    out, notes = rewritten(tmp_path / "a.jpg")
    assert len(notes) == 1 and "preview" in notes[0]
    with Image.open(out) as opened:
        assert opened.format == "JPEG" and opened.getexif()[0x0112] == 6


# --- PNG ---------------------------------------------------------------------------------------------------------------------------


def png(path, pixels, interlaced=False):
    """A PNG with text, EXIF, ICC, XMP, resolution and time, some of it after the pixels."""
    coded = imagecodecs.png_encode(pixels)
    chunk = lambda name, content: (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
    before = (
        chunk(b"iCCP", b"film\0\0" + zlib.compress(ICC))
        + chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1))
        + chunk(b"tEXt", b"Title\0roll 7")
        + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        + chunk(b"eXIf", exif()[6:])
    )
    after = chunk(b"tIME", struct.pack(">HBBBBB", 2001, 2, 3, 4, 5, 6)) + chunk(
        b"zTXt", b"Comment\0\0" + zlib.compress(b"long")
    )
    path.write_bytes(coded[:33] + before + coded[33:-12] + after + coded[-12:])
    return path


def png_chunks(path):
    data, at, found = path.read_bytes(), 8, []
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name != b"IDAT":
            found.append((name, data[at + 8 : at + 8 + length]))
        elif found[-1] != b"IDAT":
            found.append(b"IDAT")
        at += 12 + length
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_depth_and_every_chunk(tmp_path, dtype, channels):
    pixels = picture(dtype, channels)
    path = png(tmp_path / "a.png", pixels)
    assert np.array_equal(open_frame(path).pixels, pixels)
    out, notes = rewritten(path)
    assert notes == [] and png_chunks(out) == png_chunks(path)
    assert np.array_equal(imagecodecs.png_decode(out.read_bytes()), repaired(pixels))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(61, 83), (1, 1), (3, 2), (9, 5)])
def test_png_stays_interlaced(tmp_path, mode, size):
    """Adam7, read by Pillow."""
    pixels = picture("uint16" if mode == "I;16" else "uint8", {"RGB": 3, "RGBA": 4}.get(mode, 1))[
        : size[0], : size[1]
    ]
    path = png(tmp_path / "a.png", np.ascontiguousarray(pixels))
    frame = open_frame(path)
    name, header = frame.chunks[0]
    frame.chunks[0], frame.interlaced = (name, header[:12] + b"\1"), 1
    frame.write(pixels[::-1], tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as opened:
        assert opened.info["interlace"] == 1 and np.array_equal(np.asarray(opened), pixels[::-1])
    assert np.array_equal(open_frame(tmp_path / "b.png").pixels, pixels[::-1])
    out, _ = rewritten(tmp_path / "b.png", pixels)
    with Image.open(out) as opened:
        assert opened.info["interlace"] == 1 and np.array_equal(np.asarray(opened), pixels)


# --- TIFF --------------------------------------------------------------------------------------------------------------------------


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
            for offset, count in zip(file.pages[0].dataoffsets, file.pages[0].databytecounts)
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
        *itertools.product(["uint16"], [3], [None, "deflate", "packbits", "zstd", "lzma"], LAYOUTS),
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
        iccprofile=ICC,
        metadata=None,
        extratags=[
            (700, 1, len(XMP), XMP, True),
            (33723, 7, 8, b"\x1c\x02\x05\0\3abc", True),
            (274, 3, 1, 6, True),
        ],
    )
    before = open_frame(path).pixels
    assert np.array_equal(before, pixels.astype(before.dtype))
    out, notes = rewritten(path)
    assert notes == [] and tags_of(out) == tags_of(path)
    stored = tifffile.imread(out)
    stored = np.moveaxis(stored, 0, -1) if planes else stored
    assert stored.dtype == pixels.dtype and np.array_equal(
        stored.astype(before.dtype), repaired(before)
    )
    away = np.ones((H, W), bool)
    away[REPAIR] = False
    assert np.array_equal(stored[away], pixels[away])  # of float64 every bit
    same = [old == new for old, new in zip(segments_of(path), segments_of(out))]
    assert not all(same) and any(same)


def test_tiff_keeps_samples_that_are_no_picture_and_thumbnails(tmp_path):
    """Infrared as a fourth sample, a thumbnail as a second page, tags of EXIF in their own directory."""
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


# --- WebP --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_keeps_metadata_and_pixels(tmp_path, channels, lossless):
    path = tmp_path / "a.webp"
    Image.fromarray(picture(channels=channels)).save(
        path, lossless=lossless, exact=True, quality=80, exif=exif(), icc_profile=ICC, xmp=XMP
    )
    before = open_frame(path).pixels
    out, notes = rewritten(path)
    assert bool(notes) is not lossless
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    with Image.open(path) as old, Image.open(out) as new:
        assert all(new.info[key] == old.info[key] for key in ("exif", "icc_profile", "xmp"))


# --- JPEG 2000 ---------------------------------------------------------------------------------------------------------------------


def box(name, content):
    return struct.pack(">I4s", len(content) + 8, name) + content


def boxes_of(data):
    """The boxes of a JP2 file: (name, content)."""
    found, position = [], 0
    while position < len(data):
        length, name = struct.unpack_from(">I4s", data, position)
        found.append((name, data[position + 8 : position + length]))
        position += length
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("reversible", [True, False])
def test_jpeg_2000_keeps_every_box_and_the_pixels(tmp_path, dtype, channels, reversible):
    path = tmp_path / "a.jp2"
    whole = imagecodecs.jpeg2k_encode(
        picture(dtype, channels),
        level=0 if reversible else 60,
        codecformat="jp2",
        reversible=reversible,
    )
    *front, (last, codestream) = boxes_of(whole)
    assert last == b"jp2c"
    others = [*front, (b"xml ", XMP), (b"jp2c", codestream), (b"uuid", bytes(range(16)) + exif())]
    path.write_bytes(b"".join(box(*other) for other in others))
    before = open_frame(path).pixels
    assert before.dtype == dtype and before.shape == picture(dtype, channels).shape
    out, notes = rewritten(path)
    assert bool(notes) is not reversible
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    new = boxes_of(out.read_bytes())
    assert [one for one in new if one[0] != b"jp2c"] == [one for one in others if one[0] != b"jp2c"]
    assert [name for name, _ in new] == [name for name, _ in others]
    if dtype == "uint8":
        with Image.open(out) as picture_again:
            assert np.array_equal(np.asarray(picture_again), repaired(before))


def test_jpeg_2000_that_was_cut_to_a_size_is_said_to_grow(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jp2", quality_mode="rates", quality_layers=[10])
    _, notes = rewritten(tmp_path / "a.jp2")
    assert "lossy JPEG 2000" in notes[0]


def test_jpeg_2000_without_boxes(tmp_path):
    path = tmp_path / "a.j2k"
    path.write_bytes(
        imagecodecs.jpeg2k_encode(picture("uint16"), level=0, codecformat="j2k", reversible=True)
    )
    out, notes = rewritten(path)
    assert not notes and np.array_equal(
        imagecodecs.jpeg2k_decode(out.read_bytes()), repaired(picture("uint16"))
    )


def test_jpeg_2000_that_would_not_come_out_as_it_went_in(tmp_path):
    for bits in (4, 12):
        deep = (picture("uint16", 1) >> 16 - bits).astype("uint16" if bits > 8 else "uint8")
        (tmp_path / "bits.jp2").write_bytes(
            imagecodecs.jpeg2k_encode(deep, level=0, bitspersample=bits, reversible=True)
        )
        refused(tmp_path / "bits.jp2", f"{bits} bits")
    whole = imagecodecs.jpeg2k_encode(picture(), level=0, codecformat="jp2", reversible=True)
    assert whole.count(struct.pack(">4sBBBI", b"colr", 1, 0, 0, 16)) == 1
    (tmp_path / "sycc.jp2").write_bytes(
        whole.replace(
            struct.pack(">4sBBBI", b"colr", 1, 0, 0, 16),
            struct.pack(">4sBBBI", b"colr", 1, 0, 0, 18),
        )
    )
    refused(tmp_path / "sycc.jp2", "type 18")
    smaller = bytearray(whole)
    smaller[whole.index(b"\xff\x4f\xff\x51") + 46] = 2  # the second channel, across
    (tmp_path / "smaller.jp2").write_bytes(smaller)
    refused(tmp_path / "smaller.jp2", "smaller colour channels")
    (tmp_path / "two.jp2").write_bytes(whole + box(*boxes_of(whole)[-1]))
    refused(tmp_path / "two.jp2", "2 pictures")


# --- BMP ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("from_the_top", [False, True])
def test_bmp_keeps_all_bytes_but_the_pixels(tmp_path, mode, from_the_top):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).convert(mode).save(path, dpi=(2400, 2400))
    if from_the_top:
        data = bytearray(path.read_bytes())
        data[22:26] = struct.pack("<i", -H)
        path.write_bytes(data)
    with Image.open(path) as expected:
        before = np.asarray(expected.convert(mode))
    assert np.array_equal(open_frame(path).pixels, before)
    out, notes = rewritten(path)
    assert not notes
    with Image.open(out) as new:
        assert (
            np.array_equal(np.asarray(new.convert(mode)), repaired(before))
            and round(new.info["dpi"][0]) == 2400
        )
    old, new = (np.frombuffer(file.read_bytes(), np.uint8) for file in (path, out))
    assert old.shape == new.shape and (old != new).sum() <= (repaired(before) != before).sum()


def test_bmp_with_32_bits_keeps_the_fourth_byte(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture(channels=4), "RGBA").save(path)
    (begin,) = struct.unpack_from("<I", path.read_bytes(), 10)
    assert np.array_equal(open_frame(path).pixels, picture(channels=4)[..., :3])
    out, _ = rewritten(path)
    stored = np.frombuffer(out.read_bytes()[begin:], np.uint8).reshape(H, W, 4)[::-1]
    assert np.array_equal(
        stored,
        np.dstack([repaired(picture(channels=4)[..., :3])[..., ::-1], picture(channels=4)[..., 3]]),
    )


def test_bmp_with_a_palette_or_compressed_is_refused(tmp_path):
    path = tmp_path / "a.bmp"
    Image.fromarray(picture()).convert("P").save(path)
    refused(path, "indexed")
    Image.fromarray(picture(channels=1)).convert("1").save(path)
    refused(path, "indexed")
    Image.fromarray(picture(channels=4), "RGBA").save(path)
    data = bytearray(path.read_bytes())
    data[30] = 3  # its header says where in a pixel the colours are
    path.write_bytes(data)
    refused(path, "32 bits and compression 3")


# --- headers -----------------------------------------------------------------------------------------------------------------------


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


# --- what is refused, each with its sentence ---------------------------------------------------------------------------------------


def refused(path, *words):
    with pytest.raises(DustbustError) as caught:
        frame = open_frame(path)
        frame.write(repaired(frame.pixels), path.with_name("out"))
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    for word in words:
        assert word in message


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
