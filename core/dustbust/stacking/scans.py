"""The scans of a page as they are stacked: pictures, registrations, brightness corrections."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..files.spool import Spool
from ..image.arrays import Mask, Picture, alpha_channel, colour_channels, largest
from ..registration.register import Registration
from ..runtime.read_ahead import over_rows
from .samples import Box
from .tone import Curve, Evening, apply_curves, evened

# If the page moved less than this between two scans, px, most particles cover the same place of
# the page in both.
LEAST_MOVE = 3.0


@dataclass
class Scans:
    """The scans of a page.

    Parameters
    ----------
    pictures : Spool
        Of one dtype and one number of colours; they may differ in size.
    names : list of str
        What messages call the scans.
    registrations : list of Registration
        How the page lies in each scan, as seen from scan 0.
    gain, offset : ndarray of float64, shape (scans, colours)
        gain * value + offset makes a scan as bright as scan 0.
    curves : list of ndarray of float64, shape (colours, KNOTS), or None
        The tone curves of a scan, after gain and offset, where these are not enough: see
        `dustbust.stacking.tone`.
    threads : int
    noise : float, optional
        Standard deviation of the luminance of one scan, 0..1, if it is known. For parts of scans,
        that of the whole scans.
    """

    pictures: Spool
    names: list[str]
    registrations: list[Registration]
    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    curves: list[Curve | None]
    threads: int
    noise: float | None = None

    @classmethod
    def of(
        cls,
        pictures: Spool,
        names: list[str],
        registrations: list[Registration],
        evening: Sequence[Evening],
        threads: int,
    ) -> "Scans":
        """Scans with the corrections that make each as bright as scan 0."""
        return cls(
            pictures,
            names,
            registrations,
            np.array([even.gain for even in evening]),
            np.array([even.offset for even in evening]),
            [even.curves for even in evening],
            threads,
        )

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def alone(self) -> "Scans":
        """The same scans for work in one thread, while others work on other parts of them."""
        return replace(self, threads=1)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of scan 0, which is that of the page."""
        return self.pictures.shapes[0]

    @property
    def width(self) -> int:
        """Width of the page, px."""
        return self.shape[1]

    @property
    def height(self) -> int:
        """Height of the page, px."""
        return self.shape[0]

    @property
    def scanner_shape(self) -> tuple[int, int]:
        """Height and width of the scanner, px: those of the largest scan."""
        height, width = np.max([shape[:2] for shape in self.pictures.shapes], axis=0)
        return int(height), int(width)

    @property
    def colours(self) -> int:
        """1 or 3, without alpha."""
        return int(colour_channels(self.pictures[0]).shape[2])

    @property
    def has_alpha(self) -> bool:
        """Whether scan 0 has an alpha channel."""
        return alpha_channel(self.pictures[0]) is not None

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """Of the pictures."""
        return self.pictures[0].dtype

    @property
    def white(self) -> float:
        """The number that stands for 1.0."""
        return float(largest(self.dtype))

    @property
    def moved(self) -> float:
        """The largest distance by which the page moved on the scanner, px."""
        return max(registration.moved for registration in self.registrations)

    @property
    def lie_on_each_other(self) -> bool:
        """Whether nothing has to be resampled: scans lie pixel on pixel and equally bright."""
        return all(
            shape == self.shape and self._is_untouched(k)
            for k, shape in enumerate(self.pictures.shapes)
        )

    def _is_untouched(self, k: int) -> bool:
        registration = self.registrations[k]
        return bool(
            np.array_equal(registration.matrix, np.eye(3))
            and not len(registration.distortion)
            and (self.gain[k] == 1).all()
            and (self.offset[k] == 0).all()
            and self.curves[k] is None
        )

    def empty_page(self) -> Picture:
        """Memory for the page, (H, W, colours + 1), with alpha as the last channel."""
        return np.empty((self.height, self.width, self.colours + 1), self.dtype)

    def rows(self, k: int, top: int, rows: int) -> Picture:
        """Rows of a scan, as it is."""
        part: Picture = self.pictures[k][top : top + rows]
        return part

    def part(self, k: int, box: Box) -> Picture:
        """Part of a scan on its own grid; with tone curves applied if the scan has some."""
        left, top, width, height = box
        picture = self.pictures[k]
        part: Picture = np.ascontiguousarray(picture[top : top + height, left : left + width])
        curves = self.curves[k]
        return part if curves is None else evened(part, self.gain[k], self.offset[k], curves)

    def aligned(self, k: int, box: Box) -> Picture:
        """Part of a scan on the grid of scan 0, as bright as it, with alpha as the last channel.

        Parameters
        ----------
        k : int
        box : tuple of int
            Left, top, width, height of the part, px of scan 0.
        """
        part = self.registrations[k].resample(
            self.pictures[k],
            box,
            gain=self.gain[k],
            offset=self.offset[k],
            threads=self.threads,
        )
        curves = self.curves[k]
        if curves is not None:
            apply_curves(part, curves)
        return part

    def seen_from(self, k: int, picture: Picture, box: Box) -> Picture:
        """Part of a picture that lies on the grid of scan 0, seen on that of scan k."""
        return self.registrations[k].resample(picture, box, inverse=True, threads=self.threads)

    def marks_on_page(
        self, k: int, marks: npt.NDArray[np.uint8], box: Box
    ) -> npt.NDArray[np.uint8]:
        """Part of a plane of marks that lies on the grid of scan k, seen on that of scan 0."""
        return self.registrations[k].resample_marks(marks, box, threads=self.threads)

    def moved_mask(self, k: int, mask: Mask, *, inverse: bool = False) -> Mask:
        """A mask on the grid of scan k, seen on that of scan 0; with `inverse` the other way round.

        Strip by strip, so that little memory is needed besides that of the result.
        """
        result = np.empty_like(mask)

        def move(rows: slice) -> None:
            box = (0, rows.start, mask.shape[1], rows.stop - rows.start)
            moved = self.registrations[k].resample_marks(
                mask.view(np.uint8), box, inverse=inverse, threads=1
            )
            np.greater(moved, 0, out=result[rows])

        over_rows(move, len(mask), self.threads)
        return result

    def without_added_alpha(self, page: Picture) -> Picture:
        """A page (H, W, colours + 1) in the shape that scan 0 has."""
        return (page if self.has_alpha else page[..., :-1]).reshape(self.shape)
