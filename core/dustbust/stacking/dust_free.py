"""The mode "dust-free": at each pixel, the mean of the scans in which no dust lies there.

Dust stays with the scanner while the page moves. A scan may differ from the page that the other
scans show. If a second scan, with another part of the page at this place of the scanner, differs in
the same way, there is dust on the scanner.
"""

from collections.abc import Callable, Sequence

import numpy as np

from .. import _kernels
from ..image.arrays import Mask, Picture
from ..restoration.inpaint import fill_pixels
from .evidence import MISALIGNED
from .scanner_dust import ScannerDust
from .scans import Scans
from .strips import go_over_strips

# The kernel's outcome for a pixel that is dusty in all scans.
FILLED = 1

# Noise makes two clean scans differ by less than this number of standard deviations.
AGREEING = 4.0


def clean_page(
    scans: Scans,
    dust: ScannerDust,
    progress: Callable[[float], object] | None = None,
    aligned: Picture | None = None,
) -> tuple[Picture, Mask]:
    """The page without the dust.

    Parameters
    ----------
    scans : Scans
    dust : ScannerDust
    progress : callable, optional
        `progress(fraction)`.
    aligned : ndarray or None
        The second scan, if it is aligned already, see `Evidence`. It becomes the page.

    Returns
    -------
    page : ndarray, shape (H, W, colours + 1)
        Alpha is the last channel.
    filled : ndarray of bool, shape (H, W)
        Where all scans were dusty.
    """
    height, width = scans.height, scans.width
    page = scans.empty_page() if aligned is None else aligned
    outcome = np.empty((height, width), np.uint8)
    tolerance = (AGREEING * 2**0.5 * dust.noise, 2 * MISALIGNED)
    alone = scans.alone

    def clean(top: int, rows: int, strips: Sequence[Picture]) -> None:
        box = (0, top - 1, width, rows + 2)
        marks = [alone.marks_on_page(k, dust.of_scan(k), box) for k in range(len(scans))]
        page[top : top + rows], outcome[top : top + rows] = _kernels.dust_free_mean(
            list(strips), marks, 1, tolerance, dust.polarity.sign, scans.white, 1
        )

    ready = {} if aligned is None else {1: aligned}
    go_over_strips(scans, clean, margin=1, aligned=ready, progress=progress)
    filled = outcome == FILLED
    if filled.any():
        page = fill_pixels(page, filled, threads=scans.threads)
    return page, filled
