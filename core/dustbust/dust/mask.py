"""The dust mask: what Estimate gives and Apply takes."""

import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from ..errors import DustbustError
from ..files.formats.base import check_size
from ..files.formats.png import MASK_CHUNK, chunk_in
from ..files.paths import as_path
from ..files.read import read_luminance
from ..files.write import check_target, new_file, write_picture
from ..image.fixed_point import to_steps
from .polarity import POLARITIES

MASK_SUFFIXES = (".png",)  # of a mask's file
COMPRESSION = 4  # of PNG, 1 to 9: half the time of the usual 6 for one hundredth more bytes, as the grey of a mask is mostly noise

# What travels with a mask is not larger than this: bytes for the header, and for each pixel of the mask.
LARGEST_HEADER = 64 << 20
LARGEST_EFFECT = 64
EFFECT_DTYPES = ("uint8", "uint16", "uint32", "float16")

# A picture is taken for a photograph, not a mask, when a larger share of its pixels has channels that differ by more steps of 255:
# those of a black and white JPEG differ by a few, along edges.
COLOURED, COLOURED_SHARE = 32, 0.01


@dataclass
class DustMask:
    """Where the dust of a run is, how strong, and what is needed to bring back what is under it.

    Parameters
    ----------
    grey : float32 (H, W) in 0..1, kept in steps of 1/65535, so that a saved mask is the same mask.
    threshold : pixels of `grey` at or above it are dust.
    polarity : "light" (dust is brighter than the picture), "dark" or "both".
    method : the method of `estimate_mask` that made it; "" for a mask from elsewhere.
    frames : names of the frames it was made from.
    effect : name -> array (uint8, uint16, uint32 or float16, any shape): what the dust does to a frame, for "restore".
        Written by `dustbust.effect`; empty when nothing but the place of the dust is known.
    report : plain JSON data: how far the mask can be trusted.
    """

    grey: np.ndarray
    threshold: float
    polarity: str = "light"
    method: str = ""
    frames: tuple = ()
    effect: dict = field(default_factory=dict)
    report: dict = field(default_factory=dict)

    def __post_init__(self):
        self.grey = to_steps(np.asarray(self.grey, np.float32)).astype(np.float32) / np.float32(
            65535
        )
        self.threshold = round(float(self.threshold) * 65535) / 65535
        self.frames = tuple(self.frames)
        if self.polarity not in POLARITIES:
            raise ValueError(
                f"polarity must be one of {', '.join(POLARITIES)}, not {self.polarity!r}"
            )

    def binary(self, threshold=None):
        """bool (H, W), True = dust: where `grey` is at or above the threshold.

        >>> DustMask(np.array([[0.2, 0.6]], np.float32), 0.5).binary()
        array([[False,  True]])
        """
        # In steps of the mask, so that a mask that went through a file gives the same pixels.
        limit = self.threshold if threshold is None else threshold
        return to_steps(self.grey) >= round(float(limit) * 65535)

    @property
    def coverage(self):
        """Share of the picture that is dust at the threshold."""
        return float(self.binary().mean())

    @property
    def particles(self):
        """The particles that were found: dicts of x, y and area in px, opacity, and share of the frames that each was in."""
        return [
            dict(zip(("x", "y", "area", "opacity", "share"), particle))
            for particle in self.report.get("particles", [])
        ]

    @property
    def warnings(self):
        """What is to be known before the mask is trusted: sentences."""
        return tuple(self.report.get("warnings", ()))

    def summary(self):
        """What the mask is made of and how far it can be trusted, in a line or two.

        >>> DustMask(np.array([[0.2, 0.6]], np.float32), 0.5, frames=("a.jpg", "b.jpg")).summary()
        '2 frames, 50.00 % of the picture is dust at the threshold 0.500.'
        """
        used, found = self.report.get("frames", len(self.frames)), self.report.get("particles")
        first = (
            f"{used} frames, "
            + ("" if found is None else f"{len(found)} particles of {self.polarity} dust, ")
            + f"{100 * self.coverage:.2f} % of the picture is dust at the threshold {self.threshold:.3f}."
        )
        return "\n".join([first, *self.warnings])

    def plot(self, path=None):
        """A plot of how much is marked at each threshold, with the mask's own: written to `path`, or given back as a `PIL.Image`.

        Raises
        ------
        DustbustError
            when it cannot be written, or would be written over a frame.
        """
        from ..figures import plot_of_thresholds

        picture = plot_of_thresholds(self.grey, self.threshold)
        if path is None:
            return picture
        write_picture(path, np.asarray(picture), inputs=self.frames)
        return picture

    def extra(self):
        """All but `grey` as bytes: what travels in the mask's file or in the GIMP image. `from_extra` reads it."""
        header = {
            "threshold": self.threshold,
            "polarity": self.polarity,
            "method": self.method,
            "frames": list(self.frames),
            "report": self.report,
            "shape": list(self.grey.shape),
        }
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            entries = {"header.json": json.dumps(header).encode()}
            for name, array in sorted(self.effect.items()):
                raw = io.BytesIO()
                np.lib.format.write_array(raw, np.ascontiguousarray(array), allow_pickle=False)
                entries[name + ".npy"] = raw.getvalue()
            for name, content in entries.items():
                archive.writestr(
                    zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED
                )  # ZipInfo: no time, same bytes each time
        return packed.getvalue()

    @classmethod
    def from_extra(cls, grey, extra):
        """A mask from its grey values and the bytes of `extra`.

        Raises
        ------
        DustbustError
            when the bytes are not such, or not for a mask of this size. They may come from a stranger:
            nothing in them is executed, and no more memory is taken than a mask of this size can need.
        """
        grey = np.asarray(grey, np.float32)
        try:
            with zipfile.ZipFile(io.BytesIO(extra)) as archive:
                entries = archive.infolist()
                if (
                    sum(entry.file_size for entry in entries)
                    > LARGEST_HEADER + LARGEST_EFFECT * grey.size
                ):
                    raise ValueError("it is larger than a mask of this size can be")
                header = json.loads(archive.read("header.json"))
                effect = {
                    entry.filename[:-4]: _array(archive.read(entry))
                    for entry in entries
                    if entry.filename.endswith(".npy")
                }
            if tuple(header["shape"]) != grey.shape:
                raise ValueError(
                    f"it belongs to a mask of {' x '.join(map(str, header['shape'][::-1]))}"
                )
            threshold, frames, report = header["threshold"], header["frames"], header["report"]
            if (
                type(threshold) not in (int, float)
                or not 0 <= threshold <= 1
                or not isinstance(report, dict)
                or not isinstance(frames, list)
                or not all(isinstance(name, str) for name in (header["method"], *frames))
            ):
                raise ValueError("its entries are not those of a mask")
            return cls(
                grey, threshold, header["polarity"], header["method"], tuple(frames), effect, report
            )
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

    def save(self, path):
        """Write the mask as a 16-bit grey PNG that any program shows; all that Apply needs travels in it.

        Raises
        ------
        DustbustError
            when it cannot be written, or would be written over a frame.
        """
        path = as_path(path)
        check_target(path, self.frames, MASK_SUFFIXES)
        info = PngImagePlugin.PngInfo()
        info.add(MASK_CHUNK, self.extra())
        with new_file(path) as part:
            Image.fromarray(to_steps(self.grey)).save(
                part, "PNG", pnginfo=info, compress_level=COMPRESSION
            )

    @classmethod
    def load(cls, path):
        """The mask in a file.

        One that `save` wrote; or any picture without colours, where white is dust and the threshold 0.5, with transparent pixels as black.

        Raises
        ------
        DustbustError
            when it cannot be read as a picture, has colours, as a photograph that was taken for a mask, or what `save` put into it is damaged.
        """
        path = as_path(path)
        extra = _extra_of(path)
        if extra is None:
            return cls(_picture(path), 0.5)
        try:
            mask = cls.from_extra(read_luminance(path), extra)
        except DustbustError as error:
            raise DustbustError("{path}: {error}", path=path, error=error) from error
        mask.frames = _where_they_are(mask.frames, path.absolute().parent)
        return mask


def _where_they_are(frames, folder):
    """The frames of a mask in this folder: where they were, or beside the mask or a folder above, if they have moved with it."""
    if not any(map(os.path.exists, frames)):
        for place in (folder, folder.parent):
            moved = tuple(str(place / Path(frame).name) for frame in frames)
            if all(map(os.path.exists, moved)):
                return moved
    return frames


def _array(content):
    """The array in the bytes of a .npy file, without taking memory for what is not there."""
    raw = io.BytesIO(content)
    if np.lib.format.read_magic(raw) != (1, 0):
        raise ValueError("an array has another format")
    shape, transposed, dtype = np.lib.format.read_array_header_1_0(raw)
    if transposed or dtype.name not in EFFECT_DTYPES or min(shape, default=0) < 0:
        raise ValueError("an array has another type")
    return np.frombuffer(content[raw.tell() :], dtype).reshape(shape)


def _extra_of(path):
    """What `DustMask.save` put into a file beside the picture, or None."""
    try:
        return chunk_in(path, MASK_CHUNK)
    except FileNotFoundError as error:
        raise DustbustError("{path}: there is no such file", path=path) from error
    except OSError as error:
        raise DustbustError("{path}: cannot be read ({error})", path=path, error=error) from error


def _picture(path):
    """The luminance of any picture that Pillow reads, float32 (H, W) in 0..1."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about sizes: they are checked here
            with Image.open(path) as picture:
                check_size(path, *picture.size)
                if picture.mode.startswith("I;16"):
                    return np.asarray(picture).astype(np.float32) / np.float32(65535)
                if picture.mode in ("I", "F"):
                    raise DustbustError(
                        "{path}: masks with 32 bits are not supported; save it with 8 or 16 bits",
                        path=path,
                    )
                grey, colours = (np.asarray(picture.convert(mode)) for mode in ("L", "RGBA"))
                opaque = colours[..., 3]
                if (
                    (np.ptp(colours[..., :3], axis=2) > COLOURED) & (opaque > 0)
                ).mean() > COLOURED_SHARE:
                    raise DustbustError(
                        "{path}: has colours, but a mask is black and white (white is dust); take the colours out, "
                        "or give a mask from Estimate",
                        path=path,
                    )
                return grey * (opaque / np.float32(255 * 255))
    except (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        raise DustbustError(
            "{path}: cannot be read as a picture ({error}); give a mask from Estimate, or a black and white picture",
            path=path,
            error=error,
        ) from error
