"""How a page lies in one picture, as seen from another one that shows it too."""

from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..image.arrays import Plane
from ..image.linear import inverse, product

_Self = TypeVar("_Self", bound="Transform")

NO_DISTORTION = np.zeros((0, 1, 2), np.float32)


@dataclass
class Transform:
    """An affine transform, and a smooth distortion.

    Parameters
    ----------
    matrix : ndarray of float64, shape (3, 3)
        Pixel (x, y, 1) of the first picture to pixel of the second; pixel centres are whole
        numbers.
    distortion : ndarray of float32, shape (rows, columns, 2)
        px, what is added to the place that `matrix` gives. No rows where `matrix` is enough.
    pitch : tuple of float
        Distance (x, y) of the knots of the distortion, px of the first picture. Between them it is
        linear.
    """

    matrix: npt.NDArray[np.float64]
    distortion: Plane = field(default_factory=lambda: NO_DISTORTION, repr=False)
    pitch: tuple[float, float] = (1.0, 1.0)

    def scaled(self: _Self, factor: float) -> _Self:
        """The same for pictures that are `factor` times as large."""
        larger = np.array(
            [[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]], float
        )
        return replace(
            self,
            matrix=product(larger, self.matrix, inverse(larger)),
            distortion=self.distortion * np.float32(factor),
            pitch=(self.pitch[0] * factor, self.pitch[1] * factor),
        )

    def distortion_at(self, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(2, ...) px, the distortion at points of the first picture."""
        if not len(self.distortion):
            return np.zeros((2, *np.shape(x)))
        rows, columns = self.distortion.shape[:2]
        v, u = (
            np.clip(np.asarray(y) / self.pitch[1], 0, rows - 1),
            np.clip(np.asarray(x) / self.pitch[0], 0, columns - 1),
        )
        y0, x0 = (
            np.minimum(v.astype(int), max(rows - 2, 0)),
            np.minimum(u.astype(int), max(columns - 2, 0)),
        )
        y1, x1 = np.minimum(y0 + 1, rows - 1), np.minimum(x0 + 1, columns - 1)
        tv, tu = (v - y0)[..., None], (u - x0)[..., None]
        distortion = self.distortion.astype(float)
        mixed = (1 - tv) * ((1 - tu) * distortion[y0, x0] + tu * distortion[y0, x1]) + tv * (
            (1 - tu) * distortion[y1, x0] + tu * distortion[y1, x1]
        )
        result: npt.NDArray[np.float64] = np.moveaxis(mixed, -1, 0)
        return result

    def within_box(self: _Self, left: int, top: int, width: int, height: int) -> _Self:
        """The same for the parts of both pictures inside a box that is at one place in both.

        Parameters
        ----------
        left, top, width, height : int
            The box, px.

        Examples
        --------
        >>> import numpy as np
        >>> half = Transform(np.diag([0.5, 0.5, 1.0]))
        >>> half.within_box(10, 0, 20, 20).map_points(0, 0).tolist()
        [-5.0, 0.0]
        """
        corner = np.array([[1, 0, left], [0, 1, top], [0, 0, 1]], float)
        distortion, pitch = self.distortion, self.pitch
        if len(distortion):
            # A knot at each pixel: other knots than those of the whole would change what is
            # between them. Along a direction in which nothing changes, one is enough.
            rows, columns = (length > 1 for length in distortion.shape[:2])
            x = np.arange(left, left + width + 1) if columns else np.array([left])
            y = np.arange(top, top + height + 1) if rows else np.array([top])
            values = np.moveaxis(self.distortion_at(*np.meshgrid(x, y)), 0, -1)
            distortion, pitch = np.ascontiguousarray(values, np.float32), (1.0, 1.0)
        matrix = product(inverse(corner), self.matrix, corner)
        return replace(self, matrix=matrix, distortion=distortion, pitch=pitch)

    def map_points(self, x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """(2, ...) pixels of the second picture that show what pixels of the first one show."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        points = np.array([x, y, np.ones_like(x)])
        straight: npt.NDArray[np.float64] = np.einsum("ij,j...->i...", self.matrix, points)[:2]
        return straight + self.distortion_at(x, y)


UNDISTORTED = (NO_DISTORTION, (1.0, 1.0))


WarpArguments = tuple[npt.NDArray[np.float64], Plane, tuple[float, float]]


def warp_arguments(transform: Transform) -> WarpArguments:
    """A transform, as kernels take it."""
    return np.ascontiguousarray(transform.matrix, np.float64), transform.distortion, transform.pitch
