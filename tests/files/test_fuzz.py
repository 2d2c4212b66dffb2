"""Damaged and hostile files: each is a picture or one sentence.

No crash, no hang, no more memory than the size of the file allows. In a process of its own, whose
memory is limited:  python tests/files/test_fuzz.py FOLDER COUNT [SEED [PARSER]]
Without COUNT, only the sound files are written. With PARSER, only its files are damaged.
"""

import struct
import subprocess
import sys
import time
import warnings
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

import dustbust
from dustbust.batch.receipt import Receipt
from dustbust.files.read import open_frame, read_luminance

FILES = 1000
MEMORY = 1500 * 2**20  # bytes of address space beyond what the program itself takes
SECONDS = 10  # of processor time for one file; they take milliseconds

# What reads the files, by how their names end.
PARSERS = {
    "mask.png": "masks",
    "receipt.json": "receipts",
    ".jpg": "jpeg",
    ".tif": "tiff",
    ".png": "png",
    ".jp2": "jpeg2000",
    ".j2k": "jpeg2000",
    ".webp": "webp",
    ".bmp": "bmp",
}

# Tags of TIFF.
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTE_COUNTS, TILE_BYTE_COUNTS = 273, 278, 279, 325


def seeds(folder):
    """One sound file of each kind, and masks and receipts: name -> bytes."""
    rng = np.random.default_rng(1)
    colours = (
        (np.linspace(0, 255, 50 * 70 * 3).reshape(50, 70, 3) + rng.normal(0, 9, (50, 70, 3)))
        .clip(0, 255)
        .astype(np.uint8)
    )
    deep = colours.astype(np.uint16) * 257
    for name, options in {
        "base.jpg": {},
        "prog.jpg": {"progressive": True},
        "444.jpg": {"subsampling": 0, "restart_marker_rows": 1},
    }.items():
        Image.fromarray(colours).save(folder / name, quality=85, **options)
    Image.fromarray(colours[..., 0]).save(folder / "grey.jpg")
    (folder / "rgb16.png").write_bytes(imagecodecs.png_encode(deep))
    (folder / "rgba8.png").write_bytes(
        imagecodecs.png_encode(np.dstack([colours, colours[..., 0]]))
    )
    for name, options in {
        "plain.tif": {},
        "lzw.tif": {"compression": "lzw", "predictor": True},
        "tiles.tif": {"compression": "deflate", "tile": (16, 32)},
        "big.tif": {"bigtiff": True, "byteorder": ">"},
    }.items():
        tifffile.imwrite(folder / name, deep, photometric="rgb", metadata=None, **options)
    for name, options in {
        "bytes.tif": {"compression": "lzw", "predictor": True, "rowsperstrip": 16},
        "packbits.tif": {"compression": "packbits"},
    }.items():
        tifffile.imwrite(folder / name, colours, photometric="rgb", metadata=None, **options)
    Image.fromarray(colours).quantize(64).save(folder / "palette.tif", compression="tiff_deflate")
    tifffile.imwrite(
        folder / "float.tif",
        (deep[..., 0] / 65535).astype(np.float32),
        compression="zstd",
        predictor=True,
        metadata=None,
    )
    Image.fromarray(colours).save(folder / "lossy.webp")
    Image.fromarray(colours).save(
        folder / "lossless.webp", lossless=True, exif=Image.Exif().tobytes()
    )
    (folder / "deep.jp2").write_bytes(
        imagecodecs.jpeg2k_encode(deep, level=0, codecformat="jp2", reversible=True)
    )
    (folder / "grey.j2k").write_bytes(
        imagecodecs.jpeg2k_encode(colours[..., 0], level=40, codecformat="j2k")
    )
    with tifffile.TiffWriter(folder / "pages.tif") as file:
        layers = [(37724, 7, 300, bytes(300), True)]
        file.write(deep[::4, ::4].copy(), photometric="rgb", subfiletype=1, subifds=1)
        file.write(deep, photometric="rgb", compression="lzw", extratags=layers, rowsperstrip=9)
        file.write(deep[..., 0].copy(), photometric="minisblack")
    plain = (folder / "base.jpg").read_bytes()
    (folder / "tail.jpg").write_bytes(plain + rng.bytes(5000))
    (folder / "noend.jpg").write_bytes(plain[:-2] + b"SEFT" + rng.bytes(100))
    small = Image.fromarray(colours[::2, ::2].copy())
    Image.fromarray(colours).save(
        folder / "previews.jpg", "MPO", save_all=True, append_images=[small]
    )
    Image.fromarray(colours).save(folder / "colours.bmp")
    Image.fromarray(colours[..., 0]).save(folder / "grey.bmp")
    dust = dustbust.DustMask(
        rng.random((50, 70)) > 0.95,
        0.5,
        "dark",
        "opacity",
        ("a.jpg",),
        {"where": rng.integers(0, 255, 438, np.uint8)},
        {"x": 1},
    )
    dust.save(folder / "mask.png")
    receipt = Receipt(
        [{"version": "1"}], {"a.jpg": {"frame": "/a.jpg", "size": 1, "sha256": "0", "batch": 0}}
    )
    receipt.save(folder / "receipt.json")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def damaged(data, rng):
    """A file with one kind of damage."""
    data = bytearray(data)
    kind = rng.integers(7)
    if kind == 0:  # cut short
        return bytes(data[: rng.integers(0, len(data))])
    if kind == 1:  # a few bits
        for at in rng.integers(0, len(data), rng.integers(1, 9)):
            data[at] ^= 1 << rng.integers(8)
    if kind == 2:  # bytes of the header
        for at in rng.integers(0, min(len(data), 200), 3):
            data[at] = rng.integers(256)
    if kind == 3:  # zero bytes
        at = rng.integers(0, len(data))
        data[at : at + rng.integers(1, 400)] = bytes(min(len(data) - at, 400))
    if kind == 4:  # another file's beginning
        data[:4] = (b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"\x89PNG", b"RIFF")[rng.integers(5)]
    if kind == 5:  # huge numbers, such as sizes
        at = rng.integers(0, min(len(data) - 4, 400))
        data[at : at + 4] = (
            b"\xff\xff\xff\xff",
            b"\x7f\xff\xff\xff",
            b"\0\0\xff\xff",
            b"\xff\xff\xff\x7f",
        )[rng.integers(4)]
    if kind == 6:  # a part twice, or another order
        a, b = sorted(rng.integers(0, len(data), 2))
        data[b:b] = data[a:b]
    return bytes(data)


def with_valid_checksums(data):
    """A damaged PNG whose chunks' checksums are right, so that the damage gets further."""
    at, out = 8, data[:8]
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        out += data[at : at + 4] + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return out


def with_damaged_pixels(data, rng):
    """A PNG whose pixels and filters are damaged before they are compressed."""
    at, packed, before, after = 8, b"", data[:8], b""
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        whole = data[at : at + 12 + length]
        at += len(whole)
        if whole[4:8] == b"IDAT":
            packed += whole[8:-4]
        elif packed:
            after += whole
        else:
            before += whole
    body = b"IDAT" + zlib.compress(damaged(zlib.decompress(packed), rng))
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return before + chunk + after


def compare_with_pillow(path, pixels):
    """What Pillow reads without a word must be the same picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(path) as opened:
                theirs = np.asarray(opened)
                tags = getattr(opened, "tag_v2", {STRIP_BYTE_COUNTS: 0})
    except Exception:
        return
    if not {STRIP_BYTE_COUNTS, TILE_BYTE_COUNTS} & {*tags}:
        return  # Pillow leaves black what the other tags do not reach
    listed = tags.get(ROWS_PER_STRIP, len(pixels)) * len(tags.get(STRIP_OFFSETS, [0]))
    if listed < len(pixels):
        return  # and rows that lie in the file, but in no strip of the list
    # Pillow takes the high byte of 16 bits, but rounds in JPEG 2000. Of several pages it reads the
    # first one.
    if theirs.dtype == np.uint8 and theirs.shape == pixels.shape and path.suffix != ".jp2":
        ours = pixels >> 8 if pixels.dtype == np.uint16 else pixels
        differs = (ours != theirs).reshape(-1, pixels[0, 0].size).any(axis=1)
        if getattr(opened, "info", {}).get("compression") == "tiff_lzw":
            differs[-1] = False  # decoders end a damaged stream at different bits
        assert not differs.any(), f"{path}: Pillow reads another picture"


def parser_of(name):
    return next(parser for ending, parser in PARSERS.items() if name.endswith(ending))


def try_all(folder, count, seed=7, parser=None):
    """Read and write `count` damaged files, of all parsers or of one.

    -> how many were pictures, how many a sentence; anything else is raised.
    """
    import resource

    with open("/proc/self/statm") as statm:
        taken = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    sound = {
        name: data for name, data in seeds(folder).items() if parser in (None, parser_of(name))
    }
    rng = np.random.default_rng(seed)
    pictures = sentences = 0
    for index in range(count):
        name = sorted(sound)[index % len(sound)]
        data = damaged(sound[name], rng)
        if name.endswith(".png"):
            kind = rng.integers(3)
            if kind == 1:
                data = with_valid_checksums(data)
            if kind == 2:
                data = with_damaged_pixels(sound[name], rng)
        path = folder / f"{index}-{name}"
        path.write_bytes(data)
        begin = time.process_time()
        for action in actions(name):
            try:
                action(path)
                pictures += 1
            except dustbust.DustbustError as error:
                if "\n" in str(error) or str(path) not in str(error):
                    raise AssertionError(str(error)) from error
                sentences += 1
            except BaseException as error:
                raise AssertionError(f"{path}: {type(error).__name__}: {error}") from error
        assert time.process_time() - begin < SECONDS, path
        path.unlink()
    return pictures, sentences


def actions(name):
    def write(path):
        frame = open_frame(path)
        compare_with_pillow(path, frame.pixels)
        after = frame.pixels.copy()
        after[5:9, 5:9] = after[5:9, 5:9][::-1, ::-1]
        try:
            frame.write(after, path.with_name("out"))
        except dustbust.DustbustError as error:  # clean_frames adds the name
            raise dustbust.DustbustError(f"{path}: {error}") from error

    def mask(path):
        dustbust.DustMask.load(path).binary()

    return {"mask.png": [mask], "receipt.json": [Receipt.load]}.get(name, [read_luminance, write])


@pytest.mark.skipif(
    sys.platform != "linux", reason="the memory of a process is limited as Linux does"
)
def test_a_thousand_damaged_files_are_pictures_or_sentences(tmp_path):
    done = subprocess.run(
        [sys.executable, __file__, tmp_path, str(FILES)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pictures, sentences = map(int, done.stdout.split())
    assert sentences > FILES / 2
    assert pictures > FILES / 20


if __name__ == "__main__":
    if len(sys.argv) == 2:
        seeds(Path(sys.argv[1]))
    else:
        print(*try_all(Path(sys.argv[1]), *map(int, sys.argv[2:4]), *sys.argv[4:]))
