"""A frame's file: its pixels, and the rest of it, which stays when other pixels take their place.

One module per format derives its class from `FrameFile`; `dustbust.frames.open_frame` picks the one that fits the file's content.
"""

import logging
import os

from ...errors import DustbustError, Sentence
from ...image.arrays import luminance_and_data

# What they log about odd files would go to the terminal of programs that set up no logging.
for library in ("imagecodecs", "tifffile"):
    logging.getLogger(library).addHandler(logging.NullHandler())

# A frame with more pixels is refused before memory is taken for it: a small file may claim any size.
# 500 million are an A4 page at 2400 dpi.
MEGAPIXELS = 500
MEGAPIXELS_VARIABLE = "DUSTBUST_MAX_MEGAPIXELS"


def check_size(path, width, height):
    """Refuse a picture that is empty or larger than the limit."""
    limit = float(os.environ.get(MEGAPIXELS_VARIABLE) or MEGAPIXELS)
    if width < 1 or height < 1:
        raise DustbustError(
            "{path}: has no pixels: it says it is {width} x {height}; leave it out or scan it again",
            path=path,
            width=width,
            height=height,
        )
    if width * height > limit * 1e6:
        raise DustbustError(
            "{path}: says it is {width} x {height}, more than the limit of {limit:g} megapixels; "
            "if that is right, set {variable} to a larger number",
            path=path,
            width=width,
            height=height,
            limit=limit,
            variable=MEGAPIXELS_VARIABLE,
        )


class FrameFile:
    """A file that was read.

    Attributes
    ----------
    path : pathlib.Path
    pixels : uint8, uint16 or float32, (H, W) or (H, W, C): what is stored, at its depth, in the orientation in which it is stored.
    """

    #: How messages call the format.
    kind = ""

    #: Pillow's class for the format, if `header` is to ask it. (Image.open has a limit of its own.)
    opener = None

    def __init__(self, path, pixels):
        self.path = path
        self.pixels = pixels

    @classmethod
    def read_luminance_and_data(cls, path):
        """As `frames.read_luminance_and_data`; for formats that can give it faster than the pixels."""
        return luminance_and_data(cls.read(path).pixels)

    @classmethod
    def header(cls, path):
        """As `frames.header_of`, of a file of this format: size and bits."""
        with cls.opener(path) as picture:
            return picture.size, 8

    @classmethod
    def read(cls, path):
        """Open a file of this format."""
        return cls(path, path.read_bytes())

    def write(self, pixels, target):
        """Write this file with other pixels to `target`.

        Parameters
        ----------
        pixels : like `self.pixels`.
        target : path of a new file.

        Returns
        -------
        list of str : what could not be kept, a short sentence each.

        Raises
        ------
        DustbustError
            when the file is damaged, or of a kind that is only read.
        OSError
            when `target` cannot be written.
        """
        try:
            return self._write(pixels, target)
        except (DustbustError, OSError):
            raise
        except Exception as error:
            raise damaged(self.kind, self.path, error) from error

    def _write(self, pixels, target):
        raise NotImplementedError


def written_without_loss(kind):
    """What is said of a file of a lossy format that had to become larger."""
    return Sentence(
        "lossy {kind} was written without loss, so that the picture away from the dust stays as it is",
        kind=kind,
    )


def damaged(kind, path, error):
    """The exception for a file that its decoder complains about; decoders raise anything."""
    return DustbustError(
        "{path}: is a damaged or incomplete {kind} ({error}); leave it out, or copy or scan it again",
        path=path,
        kind=kind,
        error=error,
    )
