"""Strips of scans, as they are or aligned, so that memory does not grow with their number."""

from collections.abc import Iterator

from ..image.arrays import Picture
from .scans import Scans

# Bytes of all scans together that are resampled at a time, so that they are still in the
# processor's caches when they are combined. For a pair of 24 MP, 2 to 8 MB take the same time, and
# 64 MB a tenth more.
STRIP_BYTES = 4 << 20

# Strips have at least this many rows, so that the fixed cost of a strip does not matter.
LEAST_ROWS = 16

Strip = tuple[int, int, list[Picture]]


def rows_of(scans: Scans) -> Iterator[Strip]:
    """Rows of all scans as they are.

    Yields
    ------
    top, rows : int
    strips : list of ndarray
        These rows of each scan.
    """
    for top, rows in _steps(scans):
        yield top, rows, [scans.rows(k, top, rows) for k in range(len(scans))]


def aligned_strips(scans: Scans, margin: int = 0) -> Iterator[Strip]:
    """Rows of scan 0, and from each scan these rows of the page.

    Parameters
    ----------
    scans : Scans
    margin : int
        The strips have this number of rows more above and below.

    Yields
    ------
    top, rows : int
    strips : list of ndarray, shape (rows + 2 margin, W, colours + 1)
        Alpha is the last channel.
    """
    for top, rows in _steps(scans):
        box = (0, top - margin, scans.width, rows + 2 * margin)
        yield top, rows, [scans.aligned(k, box) for k in range(len(scans))]


def _steps(scans: Scans) -> Iterator[tuple[int, int]]:
    """(top, rows) of strips that together take `STRIP_BYTES`."""
    row = scans.width * scans.dtype.itemsize * (scans.colours + 1) * len(scans)
    step = max(LEAST_ROWS, STRIP_BYTES // row)
    for top in range(0, scans.height, step):
        yield top, min(step, scans.height - top)
