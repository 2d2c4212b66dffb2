"""Coordinate transforms and interpolation by their formulas, with 64 bits."""

from typing import Any

import numpy as np
import numpy.typing as npt


def distortion_at(knots: Any, pitch: tuple[float, float], x: Any, y: Any) -> Any:
    """A distortion (rows, columns, 2): linear between its knots, constant outside them."""
    knots = np.asarray(knots, float)
    if not len(knots):
        return np.zeros((2, *np.shape(x)))
    u, v = (
        np.clip(np.asarray(at, float) / distance, 0, count - 1)
        for at, distance, count in zip((x, y), pitch, knots.shape[1::-1], strict=True)
    )
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right, below = (
        np.minimum(before + 1, count - 1)
        for before, count in zip((left, top), knots.shape[1::-1], strict=True)
    )
    tx, ty = (u - left)[..., None], (v - top)[..., None]
    upper = (1 - tx) * knots[top, left] + tx * knots[top, right]
    lower = (1 - tx) * knots[below, left] + tx * knots[below, right]
    return np.moveaxis((1 - ty) * upper + ty * lower, -1, 0)


def source(matrix: Any, knots: Any, pitch: tuple[float, float], x: Any, y: Any) -> Any:
    """Where pixels of the result lie in the picture: x and y."""
    place = np.tensordot(matrix[:2, :2], np.stack([x, y]).astype(float), 1)
    return place + matrix[:2, 2].reshape(-1, *[1] * np.ndim(x)) + distortion_at(knots, pitch, x, y)


def inverse_source(matrix: Any, knots: Any, pitch: tuple[float, float], x: Any, y: Any) -> Any:
    """The other way: p = M (q - distortion(p)), M being that of the inverse."""
    place = np.stack([x, y]).astype(float)
    for _ in range(60):
        seen = np.stack([x, y]) - distortion_at(knots, pitch, *place)
        place = source(matrix, knots[:0], pitch, *seen)
    return place


def keys_cubic(plane: npt.NDArray[Any], x: Any, y: Any) -> npt.NDArray[np.float64]:
    """Cubic convolution by R. Keys at points; not a number where one of its pixels is missing."""

    def weights(t: Any) -> Any:
        near, far = [np.abs(t + k) for k in (0, -1)], [np.abs(t + k) for k in (1, -2)]
        inner = [1.5 * d**3 - 2.5 * d**2 + 1 for d in near]
        outer = [-0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 for d in far]
        return [outer[0], inner[0], inner[1], outer[1]]

    rows, columns = plane.shape
    known = (x >= 1) & (y >= 1) & (x < columns - 2) & (y < rows - 2)
    px, py = np.where(known, x, 1), np.where(known, y, 1)
    left, top = np.floor(px).astype(int), np.floor(py).astype(int)
    across, down = weights(px - left), weights(py - top)
    total = sum(
        down[j]
        * across[i]
        * plane[np.clip(top + j - 1, 0, rows - 1), np.clip(left + i - 1, 0, columns - 1)]
        for j in range(4)
        for i in range(4)
    )
    return np.where(known, total, np.nan)
