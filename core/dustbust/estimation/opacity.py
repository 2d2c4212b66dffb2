"""Opacity of the dust of a run: the share of the light that it takes, pixel by pixel.

A dust pixel that takes the share `a` of the light reads about `b + a * (w - b)`. Here `b` is the
value of the picture without dust (a smooth background without details) and `w` is the value of
opaque dust: white for light dust, black for dark dust. So `(frame - b) / (w - b)` is one noisy
reading of `a`, and the mean over the frames is the opacity. A reading is good where the picture is
smooth and far from `w`, and poor where it is busy or nearly as light as the dust, so each is
weighted by one over its variance.

The sums are whole numbers. Sums over parts of a run can be added in any order and give the same
bytes.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..dust.placement import Shape
from ..image.arrays import Grey, Mask, Plane
from ..image.block_grid import block_side, grid_shape
from ..runtime.threads import count
from .background import Surroundings
from .candidates import GRAIN_DEVIATIONS, deviation_of_tiles, tile_of

# Part of the deviation of a reading that remains in a perfectly smooth picture, in opacity: frames
# are converted differently, and particles come and go. It keeps a single smooth dark frame from
# outweighing all others. Chosen on runs of simulated film.
READING_DEVIATION = 0.03

# Readings are not lower than this, for the picture may be far darker than its background.
LOWEST_READING = -0.3

# The weight of a perfect reading, in whole steps.
WHOLE_WEIGHT = _kernels.WHOLE_WEIGHT

Sums = npt.NDArray[Any]  # (H, W), int32 or int64


class _FrameToRead(NamedTuple):
    """A frame whose readings are to be added, see `OpacitySums.add`; of its surroundings, what the
    kernel needs."""

    plane: Grey
    has_data: Mask | None
    background: Plane
    gain: Plane
    weight: Plane
    sign: int


class OpacitySums:
    """Sums of the readings of one kind of dust over the frames of a run.

    Parameters
    ----------
    shape : tuple of int
        (H, W) of the frames.
    polarity : {"light", "dark"}
        Kind of dust.

    Examples
    --------
    >>> import numpy as np
    >>> from dustbust.estimation.background import Surroundings
    >>> from dustbust.estimation.opacity import OpacitySums
    >>> sums = OpacitySums((60, 80), "light")
    >>> plane = np.full((60, 80), 0.5, np.float32)
    >>> plane[30, 40] = 0.75
    >>> sums.add(plane, Surroundings.of(plane))
    >>> float(sums.opacity()[30, 40].round(3))
    0.5
    """

    def __init__(self, shape: Shape, polarity: str) -> None:
        self.shape, self.polarity, self.side = shape, polarity, block_side(shape)
        self.frames = 0  # number of frames that were added or taken out
        self.readings: Sums = np.zeros(self.shape, np.int32)
        self.weights = np.zeros(grid_shape(shape), np.int64)
        # (H, W): weights of the frames without data at a pixel; None while all have data.
        self.unseen: Sums | None = None
        self._waiting: list[_FrameToRead] = []
        self._threads: int | None = None  # those with which frames were added

    def add(
        self,
        plane: Grey,
        surroundings: Surroundings,
        has_data: Mask | None = None,
        *,
        sign: int = 1,
        threads: int | None = None,
    ) -> None:
        """Add the readings of a frame.

        Parameters
        ----------
        plane : ndarray of uint8, uint16 or float32, shape (H, W)
            The frame's luminance, in the range of its dtype.
        surroundings : Surroundings
            Those of the plane.
        has_data : ndarray of bool, shape (H, W), or None
            False where the frame has no data. None: it has data everywhere.
        sign : {1, -1}
            -1 takes the readings out again.
        threads : int or None
            Number of threads.
        """
        gain = surroundings.gain(self.polarity)
        weight = np.rint(
            WHOLE_WEIGHT / (surroundings.variance * gain**2 / np.float32(READING_DEVIATION**2) + 1)
        )
        self._threads = threads
        if self._waiting and self._waiting[0].plane.dtype != plane.dtype:
            self._read_waiting()
        self._make_room(1)
        if has_data is not None and self.unseen is None:
            self.unseen = np.zeros_like(self.readings)
        self._waiting.append(
            _FrameToRead(plane, has_data, surroundings.background, gain, weight, sign)
        )
        if len(self._waiting) * plane.itemsize >= self.readings.itemsize:
            self._read_waiting()
        self.weights += sign * weight.astype(np.int64)

    def _read_waiting(self) -> None:
        """Add the frames that wait. They wait until they take as much memory as the sums.

        Together they are read faster than one by one.
        """
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            planes, has_data, backgrounds, gains, weights, signs = zip(*waiting, strict=True)
            _kernels.add_readings(
                planes,
                has_data,
                backgrounds,
                gains,
                weights,
                signs,
                self.side,
                LOWEST_READING,
                self.readings,
                self.unseen,
                count(self._threads),
            )

    def __getstate__(self) -> dict[str, Any]:
        self._read_waiting()  # frames are not sent to another process
        return vars(self)

    def merge(self, other: "OpacitySums") -> None:
        """Add the sums of another part of the run."""
        for each in (self, other):
            each._read_waiting()
        self._make_room(other.frames)
        self.readings += other.readings
        self.weights += other.weights
        if other.unseen is not None:
            unseen = other.unseen.astype(self.readings.dtype)
            self.unseen = unseen if self.unseen is None else self.unseen + unseen

    def _make_room(self, frames: int) -> None:
        """Count more frames; sums that no longer hold them in 32 bits get 64."""
        self.frames += frames
        if self.frames > _kernels.FRAMES_IN_32_BIT and self.readings.dtype == np.int32:
            self.readings = self.readings.astype(np.int64)
            if self.unseen is not None:
                self.unseen = self.unseen.astype(np.int64)

    def opacity(self, threads: int | None = None) -> Plane:
        """Mean reading of each pixel.

        Returns
        -------
        ndarray of float32, shape (H, W)
            About 0 where there is no dust.
        """
        return _kernels.mean_readings(*self._sums, count(threads))

    def denoised(self, threads: int | None = None) -> Plane:
        """Mean reading of each pixel, with the grain smoothed: see `candidates.denoise`.

        The map with the grain is not made as a whole.

        Returns
        -------
        ndarray of float32, shape (H, W)
        """
        tile, every = tile_of(self.shape)
        medians = _kernels.detail_medians_of_sums(*self._sums, tile, every, count(threads))
        floor = np.float32(GRAIN_DEVIATIONS) * deviation_of_tiles(medians)
        return _kernels.denoise_sums(*self._sums, floor, tile, count(threads))

    @property
    def _sums(self) -> tuple[Sums, Plane, int, Sums | None]:
        """The sums as the kernels take them."""
        self._read_waiting()
        return self.readings, self.weights.astype(np.float32), self.side, self.unseen
