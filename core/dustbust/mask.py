"""The dust mask: what Estimate gives and Apply takes."""
import io
import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from .errors import DustbustError

POLARITIES = ("light", "dark", "both")

# Private, ancillary, safe to copy: see "Chunk naming conventions" in the PNG specification.
CHUNK = b"duSt"


def _to_steps(values):
    return (np.clip(values, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


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
        self.grey = _to_steps(np.asarray(self.grey, np.float32)).astype(np.float32) / np.float32(65535)
        self.threshold = round(float(self.threshold) * 65535) / 65535
        self.frames = tuple(self.frames)
        if self.polarity not in POLARITIES:
            raise ValueError(f"polarity must be one of {', '.join(POLARITIES)}, not {self.polarity!r}")

    def binary(self, threshold=None):
        """bool (H, W), True = dust: where `grey` is at or above the threshold.

        >>> DustMask(np.array([[0.2, 0.6]], np.float32), 0.5).binary()
        array([[False,  True]])
        """
        # In steps of the mask, so that a mask that went through a file gives the same pixels.
        limit = self.threshold if threshold is None else threshold
        return _to_steps(self.grey) >= round(float(limit) * 65535)

    def extra(self):
        """All but `grey` as bytes: what travels in the mask's file or in the GIMP image. `from_extra` reads it."""
        header = {"threshold": self.threshold, "polarity": self.polarity, "method": self.method, "frames": list(self.frames),
                  "report": self.report, "shape": list(self.grey.shape)}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            entries = {"header.json": json.dumps(header).encode()}
            for name, array in sorted(self.effect.items()):
                raw = io.BytesIO()
                np.lib.format.write_array(raw, np.ascontiguousarray(array), allow_pickle=False)
                entries[name + ".npy"] = raw.getvalue()
            for name, content in entries.items():
                archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)   # ZipInfo: no time, same bytes each time
        return packed.getvalue()

    @classmethod
    def from_extra(cls, grey, extra):
        """A mask from its grey values and the bytes of `extra`."""
        with zipfile.ZipFile(io.BytesIO(extra)) as archive:
            header = json.loads(archive.read("header.json"))
            effect = {name[:-4]: np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)
                      for name in archive.namelist() if name.endswith(".npy")}
        return cls(grey, header["threshold"], header["polarity"], header["method"], tuple(header["frames"]), effect, header["report"])

    def save(self, path):
        """Write the mask as a 16-bit grey PNG that any program shows; all that Apply needs travels in it."""
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise DustbustError(f"{path}: a dust mask is saved as a PNG; give it a name that ends in .png")
        info = PngImagePlugin.PngInfo()
        info.add(CHUNK, self.extra())
        part = path.with_name(path.name + ".part")
        try:
            Image.fromarray(_to_steps(self.grey)).save(part, "PNG", pnginfo=info)
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise DustbustError(f"{path}: cannot be written ({error.strerror or error})") from error

    @classmethod
    def load(cls, path):
        """The mask in a file: one that `save` wrote, or any grey or black and white picture (white = dust, threshold 0.5)."""
        from .frames import read_luminance
        grey = read_luminance(path)
        if Path(path).suffix.lower() == ".png":
            with Image.open(path) as picture:
                picture.load()
                for name, content, *_ in getattr(picture, "private_chunks", []):
                    if name == CHUNK:
                        return cls.from_extra(grey, content)
        return cls(grey, 0.5)
