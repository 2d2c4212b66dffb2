"""Strips of scans, as they are or aligned, so that memory does not grow with their number."""

from collections.abc import Callable, Iterator, Sequence

from ..image.arrays import Picture
from ..runtime.read_ahead import read_ahead
from .scans import Scans

# Bytes of all scans together that all threads resample at a time, so that they are still in the
# processor's caches when they are combined. For a pair of 24 MP, 2 to 8 MB take the same time, and
# 64 MB a tenth more.
STRIP_BYTES = 4 << 20

# Strips have at least this many rows, so that the fixed cost of a strip does not matter.
LEAST_ROWS = 16

Work = Callable[[int, int, Sequence[Picture]], None]


def go_over_strips(
    scans: Scans,
    work: Work,
    *,
    margin: int = 0,
    as_they_are: bool = False,
    progress: Callable[[float], object] | None = None,
) -> None:
    """Work on strips that together make the page, on several at the same time.

    Parameters
    ----------
    scans : Scans
    work : callable
        Called as work(top, rows, strips) for these rows of the page, in a thread of its own. Each
        of the strips, (rows + 2 margin, W, colours + 1), shows them in one scan; alpha is the last
        channel.
    margin : int
        The strips have this number of rows more above and below.
    as_they_are : bool
        The strips are rows of the scans, neither aligned nor with an alpha added; without a margin.
    progress : callable, optional
        `progress(fraction)`.
    """
    alone = scans.alone

    def done(step: tuple[int, int]) -> int:
        top, rows = step
        if as_they_are:
            strips = [alone.rows(k, top, rows) for k in range(len(scans))]
        else:
            box = (0, top - margin, scans.width, rows + 2 * margin)
            strips = [alone.aligned(k, box) for k in range(len(scans))]
        work(top, rows, strips)
        return top + rows

    for end in read_ahead(_steps(scans), done, scans.threads):
        if progress:
            progress(end / scans.height)


def _steps(scans: Scans) -> Iterator[tuple[int, int]]:
    """(top, rows) of strips; those of all threads together take `STRIP_BYTES`."""
    row = scans.width * scans.dtype.itemsize * (scans.colours + 1) * len(scans)
    step = max(LEAST_ROWS, STRIP_BYTES // (row * scans.threads))
    for top in range(0, scans.height, step):
        yield top, min(step, scans.height - top)
