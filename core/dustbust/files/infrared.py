"""The infrared plane of a scan, in which dust is dark and film is clear.

VueScan keeps it as the fourth channel of a TIFF, marked as neither colour nor alpha; SilverFast
(HDRi) as a second picture of the frame's size.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from .formats.tiff_structure import TiffStructure
from .paths import check_regular

# Extra samples that are alpha (TIFF 6.0, section 18): associated and unassociated.
ALPHA = (1, 2)
REDUCED = 1  # bit of NewSubfileType: a smaller copy of another picture
COLOURS = {"RGB": 3, "MINISBLACK": 1}
PLANAR = 2  # of PlanarConfiguration: each sample has a plane of its own


def infrared_in(path: Path) -> npt.NDArray[Any] | None:
    """The infrared plane in a file.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    ndarray of uint8, uint16 or float32, shape (H, W), or None
        None if the file is not a TIFF or has no such plane.
    """
    try:
        check_regular(path)
        with tifffile.TiffFile(path) as file:
            TiffStructure(file.filehandle)  # refuses circular directories
            pages = list(file.pages)
            main = max(pages, key=lambda page: (page.size, page.samplesperpixel))
            plane = _channel(main)
            return _page(pages, main) if plane is None else plane
    except (OSError, ValueError, KeyError, IndexError, RuntimeError, tifffile.TiffFileError):
        return None  # an error in the file is reported when the picture is read


def _channel(page: Any) -> npt.NDArray[Any] | None:
    """The channel after the colours, if it is not alpha."""
    colours = COLOURS.get(getattr(page.photometric, "name", ""), 0)
    extra = tuple(int(sample) for sample in page.extrasamples)
    if not colours or page.samplesperpixel != colours + 1 or extra[:1] in [(a,) for a in ALPHA]:
        return None
    values = page.asarray()
    return _usable(values[-1] if page.planarconfig == PLANAR else values[..., -1])


def _page(pages: list[Any], main: Any) -> npt.NDArray[Any] | None:
    """A grey picture of the same size as the main one, before or behind it."""
    for page in pages:
        same = (page.imagewidth, page.imagelength) == (main.imagewidth, main.imagelength)
        if (
            same
            and page is not main
            and page.samplesperpixel == 1
            and not int(page.subfiletype) & REDUCED
        ):
            return _usable(page.asarray())
    return None


def _usable(plane: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    return plane if plane.dtype in (np.uint8, np.uint16, np.float32) else None
