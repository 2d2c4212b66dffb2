"""Strips of scans, as they are or aligned, so that memory does not grow with their number."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

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

NONE: Mapping[int, Picture] = MappingProxyType({})


def go_over_strips(
    scans: Scans,
    work: Work,
    *,
    margin: int = 0,
    aligned: Mapping[int, Picture] = NONE,
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
    aligned : mapping of int to ndarray, shape (H, W, colours + 1)
        Scans that are aligned already. The work may write its rows over those of its strip there.
    as_they_are : bool
        The strips are rows of the scans, neither aligned nor with an alpha added; without a margin.
    progress : callable, optional
        `progress(fraction)`.
    """
    alone = scans.alone
    ready = {k: _Aligned(scans, k, picture, margin) for k, picture in aligned.items()}

    def done(step: tuple[int, int]) -> int:
        top, rows = step
        if as_they_are:
            strips = [alone.rows(k, top, rows) for k in range(len(scans))]
        else:
            box = (0, top - margin, scans.width, rows + 2 * margin)
            strips = [
                ready[k].strip(top, rows) if k in ready else alone.aligned(k, box)
                for k in range(len(scans))
            ]
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


class _Aligned:
    """Strips of a scan that is aligned already, with their margins.

    The margins are copied in the beginning: while a strip is worked on, the strips beside it may
    have been written over.
    """

    def __init__(self, scans: Scans, k: int, picture: Picture, margin: int) -> None:
        self._picture, self._margin, self._rows = picture, margin, {}
        for top, rows in _steps(scans):
            for y in (*self._above(top), *self._below(top + rows)):
                self._rows[y] = (
                    picture[y : y + 1].copy()
                    if 0 <= y < len(picture)
                    else scans.aligned(k, (0, y, scans.width, 1))
                )

    def _above(self, top: int) -> range:
        return range(top - self._margin, top)

    def _below(self, end: int) -> range:
        return range(end, end + self._margin)

    def strip(self, top: int, rows: int) -> Picture:
        return np.concatenate(
            [
                *(self._rows[y] for y in self._above(top)),
                self._picture[top : top + rows],
                *(self._rows[y] for y in self._below(top + rows)),
            ]
        )
