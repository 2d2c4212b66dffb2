"""Dust masks in files: a 16-bit grey PNG with a chunk that carries all but the grey values."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from ..errors import DustbustError
from ..files.formats.base import check_megapixels
from ..files.formats.png import EXPANSION, MASK_CHUNK, SIGNATURE, chunk, chunk_in, chunks
from ..files.paths import as_path
from ..files.read import read_luminance
from ..files.write import check_target, new_file
from ..image.arrays import Plane
from ..image.fixed_point import STEPS_OF_16_BIT, to_steps
from ..runtime.read_ahead import over_rows
from .mask import DustMask
from .placement import VERSION, placements_of, rows_of

MASK_SUFFIXES = (".png",)

# IHDR of PNG: width, height, bits, colour type, compression, filter and interlace method.
PNG_HEADER = ">IIBBBBB"
GREY_OF_16_BIT = (16, 0, 0, 0, 0)

# Compression level of the grey values (libdeflate) and of the arrays (zlib). Higher levels take
# at least twice the time and save 3 % of the bytes, as the grey of a mask is mostly noise.
COMPRESSION = 1

# Largest size of the data in a mask's file beside the grey, in bytes: of the header, and for each
# pixel of the mask.
LARGEST_HEADER = 64 << 20
LARGEST_MODEL = 64
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
MODEL_DTYPES = ("uint8", "uint16", "uint32", "float16")

# A picture is taken for a photograph, not a mask, if the channels of more than this share of its
# pixels differ by more than this many steps of 255. Those of a black and white JPEG differ by a
# few, along edges.
COLOURED, COLOURED_SHARE = 32, 0.01


def _entries_of(mask: DustMask) -> list[tuple[str, bytes]]:
    """Names and contents of all but the grey values: the header, and arrays as .npy files."""
    header = {
        "threshold": mask.threshold,
        "polarity": mask.polarity,
        "method": mask.method,
        "frames": list(mask.frames),
        "report": mask.report,
        "shape": list(mask.grey.shape),
    }
    if mask.scale != DustMask.scale:
        header["scale"] = mask.scale
    if mask.placements:
        header["placements"] = {"version": VERSION, "frames": rows_of(mask.placements)}
    entries = [("header.json", json.dumps(header).encode())]
    for name, array in sorted(mask.model.items()):
        raw = io.BytesIO()
        np.lib.format.write_array(raw, np.ascontiguousarray(array), allow_pickle=False)
        entries.append((name + ".npy", raw.getvalue()))
    return entries


def extra_of(mask: DustMask) -> bytes:
    """See `DustMask.extra`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries_of(mask):
            # A ZipInfo has no time of its own: the bytes are the same each time.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, COMPRESSION)
    return packed.getvalue()


def mask_of_extra(grey: npt.NDArray[Any], extra: bytes) -> DustMask:
    """See `DustMask.from_extra`."""
    try:
        with zipfile.ZipFile(io.BytesIO(extra)) as archive:
            entries = archive.infolist()
            limit = LARGEST_HEADER + LARGEST_MODEL * grey.size
            if sum(entry.file_size for entry in entries) > limit:
                raise ValueError("it is larger than a mask of this size can be")
            if any(entry.flag_bits & 1 or entry.compress_type not in PACKED for entry in entries):
                raise ValueError("it is packed in a way that masks are not")
            header = json.loads(archive.read("header.json"))
            model = {
                entry.filename[:-4]: _array(archive.read(entry))
                for entry in entries
                if entry.filename.endswith(".npy")
            }
        return _checked(grey, header, model)
    except (
        ValueError,
        KeyError,
        TypeError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RecursionError,
        NotImplementedError,
    ) as error:
        raise DustbustError(
            "what the mask carries beside its picture is damaged ({error}); estimate it again",
            error=error,
        ) from error


def _checked(
    grey: npt.NDArray[Any], header: dict[str, Any], model: dict[str, npt.NDArray[Any]]
) -> DustMask:
    """A mask from its header, if the entries are those of a mask of this size."""
    if tuple(header["shape"]) != grey.shape:
        size = " x ".join(map(str, header["shape"][::-1]))
        raise ValueError(f"it belongs to a mask of {size}")
    threshold, frames, report = header["threshold"], header["frames"], header["report"]
    scale = header.get("scale", DustMask.scale)  # masks of older versions have none
    if (
        type(threshold) not in (int, float)
        or not 0 <= threshold <= 1
        or type(scale) not in (int, float)
        or not 0 < scale < 1
        or not _is_report(report)
        or not isinstance(frames, list)
        or not all(isinstance(name, str) for name in (header["method"], *frames))
        or any(b"\0" in os.fsencode(name) for name in frames)
    ):
        raise ValueError("its entries are not those of a mask")
    placements = header.get("placements", {"version": VERSION, "frames": []})
    if placements["version"] != VERSION:
        raise ValueError("its placements are those of a later version of Dustbust")
    return DustMask(
        grey,
        threshold,
        header["polarity"],
        header["method"],
        tuple(frames),
        model,
        report,
        placements_of(placements["frames"], len(frames)),
        scale,
    )


def _is_report(report: object) -> bool:
    """Whether the parts of a report that `DustMask` reads have the right types."""
    if not isinstance(report, dict):
        return False
    warnings, particles = (report.get(name, []) for name in ("warnings", "particles"))
    return (
        isinstance(warnings, list)
        and all(isinstance(warning, str) for warning in warnings)
        and isinstance(particles, list)
        and all(
            isinstance(particle, list) and all(type(value) in (int, float) for value in particle)
            for particle in particles
        )
    )


def _array(content: bytes) -> npt.NDArray[Any]:
    """The array in the bytes of a .npy file; takes no memory for bytes that are missing."""
    raw = io.BytesIO(content)
    if np.lib.format.read_magic(raw) != (1, 0):
        raise ValueError("an array has another format")
    try:
        shape, transposed, dtype = np.lib.format.read_array_header_1_0(raw)
    except (MemoryError, RecursionError) as error:  # it is nested too deep to be parsed
        raise ValueError("an array has another type") from error
    if transposed or dtype.name not in MODEL_DTYPES or min(shape, default=0) < 0:
        raise ValueError("an array has another type")
    return np.frombuffer(content[raw.tell() :], dtype).reshape(shape)


def checksum_of(dust: DustMask | npt.ArrayLike) -> str:
    """SHA-256 of all data of a mask that influence cleaning.

    Parameters
    ----------
    dust : DustMask or ndarray, shape (H, W)

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if not isinstance(dust, DustMask):
        return hashlib.sha256(np.ascontiguousarray(dust).data).hexdigest()
    digest = hashlib.sha256(np.ascontiguousarray(dust.grey).data)
    for name, content in _entries_of(dust):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def save_mask(mask: DustMask, path: str | Path) -> None:
    """See `DustMask.save`."""
    path = as_path(path)
    check_target(path, mask.frames, MASK_SUFFIXES)
    header = struct.pack(PNG_HEADER, *mask.grey.shape[::-1], *GREY_OF_16_BIT)
    with new_file(path) as part, open(part, "wb") as file:
        file.write(SIGNATURE + chunk(b"IHDR", header))
        file.write(chunk(MASK_CHUNK, extra_of(mask)))
        file.write(chunk(b"IDAT", _deflated(mask.grey)))
        file.write(chunk(b"IEND", b""))


def load_mask(path: str | Path) -> DustMask:
    """See `DustMask.load`."""
    path = as_path(path)
    extra = _extra_in(path)
    if extra is None:
        return DustMask(_picture(path), 0.5)
    try:
        mask = mask_of_extra(_grey_values(path), extra)
    except DustbustError as error:
        raise DustbustError("{path}: {error}", path=path, error=error) from error
    mask.frames = _where_they_are(mask.frames, path.absolute().parent)
    return mask


def _deflated(grey: Plane) -> bytes:
    """The pixels of a 16-bit PNG: rows in big endian behind a byte 0, as they are not filtered."""
    height, width = grey.shape
    filtered = bytearray(height * (1 + 2 * width))
    rows = np.frombuffer(filtered, np.uint8).reshape(height, -1)

    def convert(some: slice) -> None:
        rows[some, 1:] = to_steps(grey[some]).astype(">u2").view(np.uint8)

    over_rows(convert, height)
    return bytes(imagecodecs.deflate_encode(filtered, level=COMPRESSION))


def _grey_values(path: Path) -> npt.NDArray[Any]:
    """The picture of a mask's file: uint16 steps if it is as `save_mask` writes it."""
    steps = _inflated(path, path.read_bytes())
    return read_luminance(path) if steps is None else steps


def _inflated(path: Path, data: bytes) -> npt.NDArray[np.uint16] | None:
    """The pixels of a PNG as `save_mask` writes it; None for any other.

    This takes a third of the time of libpng.
    """
    try:
        found = dict(chunks(data))
        header, coded = found[b"IHDR"], found[b"IDAT"]
        width, height, *kind = struct.unpack(PNG_HEADER, header)
        if tuple(kind) != GREY_OF_16_BIT or found.keys() != {b"IHDR", MASK_CHUNK, b"IDAT", b"IEND"}:
            return None
        check_megapixels(path, width, height)
        if 2 * width * height > EXPANSION * len(coded):
            return None
        filtered = bytearray(height * (1 + 2 * width))
        if len(imagecodecs.deflate_decode(coded, out=filtered)) != len(filtered):
            return None
        rows = np.frombuffer(filtered, np.uint8).reshape(height, -1)
        if rows[:, 0].any():
            return None
    except (ValueError, KeyError, struct.error, imagecodecs.DeflateError):
        return None  # errors are reported when it is read as any other PNG
    steps = np.empty((height, width), np.uint16)

    def convert(some: slice) -> None:
        steps[some] = np.ascontiguousarray(rows[some, 1:]).view(">u2")

    over_rows(convert, height)
    return steps


def _where_they_are(frames: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """The present paths of a mask's frames: the old ones, or new ones if they moved with the mask.

    Frames that moved are looked for beside the mask and in the folder above.
    """
    if not any(map(os.path.exists, frames)):
        for place in (folder, folder.parent):
            moved = tuple(str(place / Path(frame).name) for frame in frames)
            if all(map(os.path.exists, moved)):
                return moved
    return frames


def _extra_in(path: Path) -> bytes | None:
    """The data that `save_mask` put into a file besides the picture, or None."""
    try:
        return chunk_in(path, MASK_CHUNK)
    except FileNotFoundError as error:
        raise DustbustError("{path}: there is no such file", path=path) from error
    except OSError as error:
        raise DustbustError("{path}: cannot be read ({error})", path=path, error=error) from error


def _picture(path: Path) -> Plane:
    """The luminance of any picture without colours that Pillow reads, 0..1."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes: they are checked here
            with Image.open(path) as picture:
                check_megapixels(path, *picture.size)
                return _grey(path, picture)
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise DustbustError(
            "{path}: cannot be read as a picture ({error}); give a mask from Estimate, "
            "or a black and white picture",
            path=path,
            error=error,
        ) from error


def _grey(path: Path, picture: Image.Image) -> Plane:
    if picture.mode.startswith("I;16"):
        deep: Plane = np.asarray(picture).astype(np.float32) / np.float32(STEPS_OF_16_BIT)
        return deep
    if picture.mode in ("I", "F"):
        raise DustbustError(
            "{path}: masks with 32 bits are not supported; save it with 8 or 16 bits", path=path
        )
    grey, colours = (np.asarray(picture.convert(mode)) for mode in ("L", "RGBA"))
    opaque = colours[..., 3]
    coloured = (np.ptp(colours[..., :3], axis=2) > COLOURED) & (opaque > 0)
    if coloured.mean() > COLOURED_SHARE:
        raise DustbustError(
            "{path}: has colours, but a mask is black and white (white is dust); "
            "take the colours out, or give a mask from Estimate",
            path=path,
        )
    plane: Plane = grey * (opaque / np.float32(255 * 255))
    return plane
