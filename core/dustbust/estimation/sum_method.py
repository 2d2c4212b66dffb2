"""The method "sum", the original: the sum of the frames, less a heavy blur."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.mask import DustMask
from ..image.arrays import Grey, Mask, Plane
from ..image.filters import gaussian_blur
from ..runtime.threads import count
from .passes import Runner

# The threshold of a mask whose largest value is near 1.
THRESHOLD = 0.5

Sums = npt.NDArray[Any]  # (H, W), int32 or int64


def estimate_sum(runner: Runner, polarity: str, *, blur: float, trim: int) -> DustMask:
    """The mask of a run by the method "sum".

    Parameters
    ----------
    runner : Runner
        Shows the frames of the run.
    polarity : {"light", "dark", "both", "auto"}
        Kept in the mask; "auto" is taken for "light". The sum does not depend on it.
    blur : float
        Standard deviation of the blur, px.
    trim : int
        Width of the margin at the edges in which nothing is marked, px.
    """
    runner.frames.keep_commonest()
    total = SumPass(runner.threads)
    runner.go_over([total], range(len(runner.frames)), to_come=0)
    frames = runner.frames
    return DustMask(
        total.grey(blur, trim, runner.threads),
        THRESHOLD,
        "light" if polarity == "auto" else polarity,
        "sum",
        frames.used,
        report={"left_out": frames.reasons, "warnings": frames.warnings()},
    )


class SumPass:
    """The sum of the frames: a pass over a run, see `passes.Pass`.

    Parameters
    ----------
    threads : int or None
        Number of threads.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.threads = threads
        self.total: Sums | None = None  # (H, W), in steps: sum of the pixels that have data
        self.added = 0  # number of frames
        self.whole = 0  # of these, number of frames that have data everywhere
        # int32 (H, W): number of the other frames that have data at a pixel.
        self.others: npt.NDArray[np.int32] | None = None

    @property
    def start(self) -> "Callable[[], SumPass]":
        """See `passes.Pass`."""
        return partial(SumPass, self.threads)

    def look(self, plane: Grey, has_data: Mask | None) -> tuple[Grey, Mask | None]:
        """See `passes.Pass`."""
        return plane, has_data

    def take(self, number: int, observed: tuple[Grey, Mask | None]) -> None:
        """See `passes.Pass`."""
        plane, has_data = observed
        total = self._with_room(plane.shape, 1, plane.dtype == np.float32)
        if has_data is None:
            self.whole += 1
        elif self.others is None:
            self.others = np.zeros(plane.shape, np.int32)
        _kernels.add_frame(plane, has_data, total, self.others, count(self.threads))

    def merge(self, other: "SumPass") -> None:
        """See `passes.Pass`."""
        if other.total is None:
            return
        total = self._with_room(other.total.shape, other.added, other.total.dtype == np.int64)
        total += other.total
        self.whole += other.whole
        if other.others is not None:
            self.others = other.others if self.others is None else self.others + other.others

    def _with_room(self, shape: tuple[int, ...], frames: int, large: bool) -> Sums:
        """The total, with room for more frames; `large`: whose values may be of any size."""
        self.added += frames
        if self.total is None:
            self.total = np.zeros(shape, np.int32)
        if self.total.dtype == np.int32 and (large or self.added > _kernels.FRAMES_IN_SUM):
            self.total = self.total.astype(np.int64)
        return self.total

    def grey(self, blur: float, trim: int, threads: int | None = None) -> Plane:
        """The mean, scaled to a maximum of 1, less its blur; absolute values, edges trimmed.

        Returns
        -------
        ndarray of float32, shape (H, W)
        """
        assert self.total is not None
        scaled: Plane = self.total.astype(np.float32)
        if self.others is None:
            scaled /= np.float32(max(self.whole, 1))
        else:
            scaled /= np.maximum(self.others + self.whole, 1)
        scaled /= max(scaled.max(), np.float32(1))
        grey = gaussian_blur(scaled, blur, threads)
        np.abs(np.subtract(scaled, grey, out=grey), out=grey)
        if trim:
            grey[:trim] = grey[-trim:] = grey[:, :trim] = grey[:, -trim:] = 0
        return grey
