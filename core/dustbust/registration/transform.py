"""How a page lies in one picture, as seen from another one that shows it too."""

from dataclasses import dataclass, field, replace

import numpy as np

NO_DISTORTION = np.zeros((0, 1, 2), np.float32)


@dataclass
class Transform:
    """An affine transform, and a smooth distortion.

    matrix : float64 (3, 3), pixel (x, y, 1) of the first picture to pixel of the second; pixel centres are whole numbers.
    distortion : float32 (rows, columns, 2), px, what is added to the place that `matrix` gives; knots are `pitch` px (x, y) of the first picture
        apart, between them the distortion is linear. No rows where the affine `matrix` is enough.
    """

    matrix: np.ndarray
    distortion: np.ndarray = field(default_factory=lambda: NO_DISTORTION, repr=False)
    pitch: tuple = (1.0, 1.0)

    def scaled(self, factor):
        """The same for pictures that are `factor` times as large."""
        larger = np.array(
            [[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1]], float
        )
        return replace(
            self,
            matrix=larger @ self.matrix @ np.linalg.inv(larger),
            distortion=self.distortion * np.float32(factor),
            pitch=(self.pitch[0] * factor, self.pitch[1] * factor),
        )

    def distortion_at(self, x, y):
        """(2, ...) px, the distortion at points of the first picture."""
        if not len(self.distortion):
            return np.zeros((2,) + np.shape(x))
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
        return np.moveaxis(mixed, -1, 0)

    def map_points(self, x, y):
        """(2, ...) float64, pixels of the second picture that show what pixels (x, y) of the first one show."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        return np.einsum("ij,j...->i...", self.matrix, np.array([x, y, np.ones_like(x)]))[
            :2
        ] + self.distortion_at(x, y)


UNDISTORTED = (NO_DISTORTION, (1.0, 1.0))


def warp_arguments(transform):
    """A transform, as kernels take it."""
    return np.ascontiguousarray(transform.matrix, np.float64), transform.distortion, transform.pitch
