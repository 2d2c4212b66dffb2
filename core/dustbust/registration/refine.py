"""Gauss-Newton refinement of a transform between two levels."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..image.linear import inverse, product, solved
from ..image.robust import TUKEY
from .patches import AGREEING, UNSURE, Doubles, Match, compare, what_stays
from .pyramid import CELLS, PATCH, Level, centres, of_patches
from .transform import Transform

# The last step of the refinement moves nothing by more than PRECISION, px; in reduced scans, from
# which finer ones go on, by ROUGHLY.
PRECISION, ROUGHLY = 0.008, 0.1

# A part of a step that so small a share of the equations determines is left out: a hundred times
# what rounding leaves of single precision, squared.
SMALLEST_PART = 1e-10


def _solve(basis: Doubles, normal: Doubles, right: Doubles) -> Doubles:
    """The step, (parameters,), that explains most of the displacements of the cells.

    Patches in which it does not explain them do not count.
    """
    weight: Any = 1.0
    for _ in range(2):
        weighted = np.einsum("iam,abm->ibm", basis, normal * weight)
        step = _solved(
            np.einsum("ibm,jbm->ij", weighted, basis), np.einsum("ibm,bm->i", basis, right * weight)
        )
        rest = of_patches(right - np.einsum("abm,ibm,i->am", normal, basis, step))
        (xx, xy), (_, yy) = of_patches(normal)
        # What is not explained, as chi square of each patch; 1.386 is the median of that with two
        # degrees of freedom.
        determinant = np.maximum(xx * yy - xy**2, 1e-12 + 1e-3 * (xx + yy) ** 2)
        chi_square = (
            yy * rest[0] ** 2 - 2 * xy * rest[0] * rest[1] + xx * rest[1] ** 2
        ) / determinant
        known = chi_square[xx + yy > 0]
        scale = np.median(known) / 1.386 if known.size else 0.0
        weight = np.repeat(np.maximum(1 - chi_square / max(TUKEY**2 * scale, 1e-12), 0) ** 2, CELLS)
    return step


def _solved(normal: Doubles, right: Doubles) -> Doubles:
    """The solution of normal equations; what nothing determines stays near 0."""
    ridge = SMALLEST_PART * float(np.trace(normal)) / len(normal) + np.finfo(float).tiny
    return solved(normal + ridge * np.eye(len(normal)), right)


# The columns of a step (u, v) = J p in px, at a point (x, y) relative to the centre, in units of
# the half size.
_BASES: dict[str, Callable[[Doubles, Doubles], Doubles]] = {
    "shift": lambda x, y: _columns(x),
    "similarity": lambda x, y: np.array([*_columns(x), [x, y], [-y, x]]),
    "affine": lambda x, y: np.array([*_columns(x), *_columns(x) * x, *_columns(x) * y]),
}


def _columns(x: Doubles) -> Doubles:
    """(2, 2, points), a step to the right and one down.

    >>> _columns(np.zeros(1)).tolist()
    [[[1.0], [0.0]], [[0.0], [1.0]]]
    """
    return np.multiply.outer(np.eye(2), np.ones_like(x))


def refine(
    a: Level,
    b: Level,
    transform: Transform,
    models: Sequence[str],
    still: Doubles,
    *,
    iterations: int = 6,
    precision: float = 0.02,
) -> Match:
    """Gauss-Newton steps from a start, with one model after the other.

    Parameters
    ----------
    a, b : Level
    transform : Transform
        The start.
    models : sequence of {"shift", "similarity", "affine"}
    still : ndarray of float, shape (patches,)
        Correlation of the patches of `a` without any movement, see `patches.what_stays`. A patch
        that fits better without movement than by the start is dust and is left out.
    iterations : int
        At most this number of steps with each model.
    precision : float
        px; with each model until a step moves nothing by more.
    """
    height, width = a.shape
    half = max(height, width) / 2
    match = compare(a, b, transform)
    if match.sums is None:
        return match
    at = transform.map_points(*(a.corners.T + (PATCH - 1) / 2)) - (PATCH - 1) / 2
    still = np.maximum(still, what_stays(a, b, np.ascontiguousarray(np.rint(at).T, np.int32)))
    page = (still <= AGREEING) | (still <= match.alike + UNSURE)
    if not page.all():
        match.part, match.detailed = a.part(page), match.detailed & page
        match.sums[~np.repeat(page, CELLS)] = 0
    x, y = centres(a.corners)
    x, y = (x - width / 2) / half, (y - height / 2) / half
    for model in models:
        basis = _BASES[model](x, y)
        for _ in range(iterations):
            step = _solve(basis, *match.equations())
            matrix = product(
                match.transform.matrix, inverse(_step_matrix(model, step, width, height, half))
            )
            match = compare(a, b, replace(match.transform, matrix=matrix), match.part)
            if match.sums is None or np.abs(step).max() < precision:
                break
        if match.sums is None:
            break
    return match


def _step_matrix(model: str, step: Doubles, width: int, height: int, half: float) -> Doubles:
    """The matrix I + U of a step."""
    linear = np.zeros((2, 2))
    if model == "similarity":
        linear = np.array([[step[2], -step[3]], [step[3], step[2]]])
    elif model == "affine":
        linear = np.array([[step[2], step[4]], [step[3], step[5]]])
    linear /= half
    update = np.eye(3)
    update[:2, :2] += linear
    update[:2, 2] = step[:2] - product(linear, (width / 2, height / 2))
    return update
