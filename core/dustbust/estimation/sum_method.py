"""The method "sum", the original: the sum of the frames, less a heavy blur."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..dust.mask import DustMask
from ..image.arrays import Mask, Plane
from ..image.filters import gaussian_blur
from .passes import Runner

# The threshold of a mask whose largest value is near 1.
THRESHOLD = 0.5

# The sum is made in steps of this size, so small that rounding does not show.
STEP = 2.0**-24

Counts = npt.NDArray[np.int64] | npt.NDArray[np.int32] | int


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
    total = SumPass()
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
    """The sum of the frames: a pass over a run, see `passes.Pass`."""

    def __init__(self) -> None:
        self.total: Counts = 0  # sum of the pixels that have data, in steps
        self.frames: Counts = 0  # number of frames that have data at a pixel

    @property
    def start(self) -> "Callable[[], SumPass]":
        """See `passes.Pass`."""
        return SumPass

    def look(self, plane: Plane, has_data: Mask | None) -> tuple[Counts, Counts]:
        """Values of the pixels in whole steps, and 1 where the frame has data."""
        steps = np.rint(plane / np.float64(STEP)).astype(np.int64)
        return (steps, 1) if has_data is None else (steps * has_data, has_data.astype(np.int32))

    def take(self, number: int, observed: tuple[Counts, Counts]) -> None:
        """See `passes.Pass`."""
        self.add(observed)

    def add(self, observed: tuple[Counts, Counts], *, sign: int = 1) -> None:
        """See `passes.SummingPass`."""
        steps, frames = observed
        self.total = self.total + sign * steps
        self.frames = self.frames + sign * frames

    def merge(self, other: "SumPass") -> None:
        """See `passes.Pass`."""
        self.add((other.total, other.frames))

    def grey(self, blur: float, trim: int, threads: int | None = None) -> Plane:
        """The mean, scaled to a maximum of 1, less its blur; absolute values, edges trimmed.

        Returns
        -------
        ndarray of float32, shape (H, W)
        """
        mean = self.total / np.maximum(self.frames, 1)
        scaled = (mean / max(mean.max(), STEP)).astype(np.float32)
        grey = np.abs(scaled - gaussian_blur(scaled, blur, threads))
        if trim:
            inner = np.zeros_like(grey)
            inner[trim:-trim, trim:-trim] = grey[trim:-trim, trim:-trim]
            grey = inner
        return np.asarray(grey, np.float32)
