"""The mode "dust-free": the mean of the scans without those in which dust lies on the page.

Dust stays with the scanner while the page moves. So where a scan differs from the page that the other scans show, and another scan,
which has another part of the page at this place of the scanner, differs there in the same way, there is dust on the scanner.
"""

import numpy as np

from .. import _kernels
from ..image.arrays import colour_channels, largest
from ..restoration.inpaint import fill_pixels
from .scanner_dust import MISALIGNED

# Outcome of cpp/clean_mean.hpp: dusty in all scans.
FILLED = 1


def clean_page(images, report, dust, strips, threads, progress=None):
    """The page without the dust. strips: as `aligned_strips` yields them, with one row more above and below.

    Returns
    -------
    page : (H, W, colours + 1), alpha last
    filled : bool (H, W), where all scans were dusty
    """
    height, width = images[0].shape[:2]
    page = np.empty((height, width, colour_channels(images[0]).shape[2] + 1), images[0].dtype)
    outcome = np.empty((height, width), np.uint8)
    tolerance = (4 * 2**0.5 * dust.noise, 2 * MISALIGNED)
    for top, rows, strip in strips:
        marks = [
            r.resample(dust.marks, (0, top - 1, width, rows + 2), threads=threads)
            for r in report.registrations
        ]
        page[top : top + rows], outcome[top : top + rows] = _kernels.clean_mean(
            strip, marks, 1, tolerance, dust.polarity, largest(page.dtype), threads
        )
        if progress:
            progress((top + rows) / height)
    filled = outcome == FILLED
    if filled.any():
        page = fill_pixels(page, filled, threads=threads)
    return page, filled
