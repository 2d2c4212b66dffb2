"""Uneven film transport: a distortion that aligns two scans where a straight transform cannot."""

from dataclasses import replace

import numpy as np

from .. import _kernels
from ..image.arrays import Mask
from ..image.linear import inverse, product, solved
from .patches import Doubles, Match, compare
from .pyramid import Level, centres
from .transform import NO_DISTORTION

# Distance of the knots, px of a level, in a distortion that goes along or across the film, and in
# one that goes both ways.
LINE_PITCH, MESH_PITCH = 8, 64

# How smooth a distortion may be: weights of its squared second differences, in px between knots,
# against the cells' chi square.
STIFFNESS = (1e2, 3e3, 1e5)

# Band, vector, mixed, matrix and vector: see `Knots.equations`.
Equations = tuple[Doubles, Doubles, Doubles, Doubles, Doubles]

# A distortion is used if it lowers chi square, in the cells that were not used to find it, by this
# much for each of its unknowns (dust, which stays where it is in both halves of the cells, makes
# several; uneven transport hundreds),
LEAST_GAIN = 20.0

# and if it is at least this large (px of a level, rms).
LEAST_DISTORTION = 0.03

# Side, px, of the squares whose cells are used together.
FOLD = 32


def refine_distortion(a: Level, b: Level, match: Match, rounds: int = 3) -> Match:
    """A match with the distortion that uneven film transport makes; the same match without one.

    Lines of the scan (rows or columns, whichever run across the film) moved each by its own amount
    and all of them were turned and stretched alike, or a mesh moved. Which, and how smoothly, is
    decided by how well a distortion found in one half of the cells explains the other half.
    """
    x, y = centres(a.corners)
    model: Knots | None = None
    stiffness = STIFFNESS[0]
    straight = replace(match.transform, distortion=NO_DISTORTION)
    for _ in range(rounds):
        if match.sums is None:
            return match
        transform = match.transform
        normal, right = match.equations()
        # The remaining displacements are a step from the distortion so far. The distortion itself
        # must be smooth, not the step.
        so_far = -product(inverse(transform.matrix[:2, :2]), transform.distortion_at(x, y))
        right = right + np.einsum("abm,bm->am", normal, so_far)
        if model is None:
            best = _best_model((normal, right), (x, y), a.shape, transform.distortion.shape[:2])
            if best is not None:
                model, stiffness = best
        if model is None:
            return compare(a, b, straight, match.part) if len(transform.distortion) else match
        knots, slope = model.solve(model.equations(normal, right), stiffness)
        bent = product(knots.reshape(-1, 2), transform.matrix[:2, :2].T).reshape(knots.shape)
        distortion = np.ascontiguousarray(-bent, np.float32)
        matrix = transform.matrix.copy()
        matrix[:2] -= np.outer(product(matrix[:2, :2], slope), model.along)
        match = compare(
            a,
            b,
            replace(
                transform,
                matrix=matrix,
                distortion=distortion,
                pitch=(float(model.pitch), float(model.pitch)),
            ),
            match.part,
        )
        if (
            np.abs(match.transform.distortion_at(x, y) - transform.distortion_at(x, y)).max()
            < LEAST_DISTORTION
        ):
            break
    if (
        np.sqrt(np.mean(np.sum(match.transform.distortion_at(x, y) ** 2, axis=0)))
        < LEAST_DISTORTION
    ):
        return compare(a, b, straight, match.part)
    return match


def _best_model(
    equations: tuple[Doubles, Doubles],
    points: tuple[Doubles, Doubles],
    shape: tuple[int, int],
    so_far: tuple[int, ...],
) -> tuple["Knots", float] | None:
    """The model and the stiffness that fit the data best, or None.

    so_far : number of knots of a distortion of the same kind, (0, 1) of none.
    """
    (normal, right), (x, y), (height, width) = equations, points, shape

    def knots(length: int, pitch: int) -> int:
        return int(np.ceil((length - 1) / pitch)) + 1

    kinds = [
        (knots(height, LINE_PITCH), 1, LINE_PITCH),
        (1, knots(width, LINE_PITCH), LINE_PITCH),
        (knots(height, MESH_PITCH), knots(width, MESH_PITCH), MESH_PITCH),
    ]
    if so_far[0]:
        kinds = [
            kind for kind in kinds if (kind[0] > 1, kind[1] > 1) == (so_far[0] > 1, so_far[1] > 1)
        ]
    fold = (y // FOLD + x // FOLD) % 2
    least: float = 0.0
    chosen: tuple[Knots, float] | None = None
    for rows, columns, pitch in kinds:
        model = Knots(rows, columns, pitch, x, y)
        halves = [model.equations(normal, right, fold == k) for k in (0, 1)]
        for stiffness in STIFFNESS:
            cost = sum(
                model.chi_square(halves[1 - k], *model.solve(halves[k], stiffness)) for k in (0, 1)
            )
            if cost < min(least, -LEAST_GAIN * model.number):
                least, chosen = cost, (model, stiffness)
    return chosen


class Knots:
    """A displacement that is linear between knots: the unknowns of a least squares problem.

    Over lines it grows alike along each of them. The unknowns are x and y of each knot side by
    side, and a slope (x, y). The normal equations of the knots are kept as a band: element (i, k)
    is that of unknowns i and i + k.

    Attributes
    ----------
    along : ndarray of float64, shape (3,)
        The factors of x, y and 1 in the distance of a point from the middle of its line; 0 for a
        mesh.
    """

    def __init__(self, rows: int, columns: int, pitch: int, x: Doubles, y: Doubles) -> None:
        self.rows, self.columns, self.pitch = rows, columns, pitch
        self.number = 2 * rows * columns
        self.width = 4 * (columns if rows > 1 else 1) + 2
        v, u = y / pitch, x / pitch
        y0, x0 = (
            np.minimum(v.astype(int), max(rows - 2, 0)),
            np.minimum(u.astype(int), max(columns - 2, 0)),
        )
        down = ((0, 1 - (v - y0)), (1, v - y0)) if rows > 1 else ((0, np.ones_like(v)),)
        across = ((0, 1 - (u - x0)), (1, u - x0)) if columns > 1 else ((0, np.ones_like(u)),)
        self.corners = [
            ((y0 + j) * columns + x0 + i, tv * tu) for j, tv in down for i, tu in across
        ]
        line = np.array([columns == 1, rows == 1], float)
        half = max(float((line * (np.ptp(x), np.ptp(y))).sum()) / 2, 1)
        self.along = np.append(line, -(line * (x.mean(), y.mean())).sum()) / half
        self.distance = self.along[0] * x + self.along[1] * y + self.along[2]
        self.smoothness = self._second_differences()

    def _second_differences(self) -> Doubles:
        """The band of the sum of squared second differences, down and across."""
        band = np.zeros((self.number, self.width))
        knot = np.arange(self.rows * self.columns).reshape(self.rows, self.columns)
        for first, stride in ((knot[:-2].ravel(), self.columns), (knot[:, :-2].ravel(), 1)):
            for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)) if len(first) else ():
                for c in (0, 1):
                    np.add.at(
                        band,
                        (2 * (first + i * stride) + c, np.full(first.shape, 2 * (j - i) * stride)),
                        (1, -2, 1)[i] * (1, -2, 1)[j],
                    )
        return band

    def equations(
        self, normal: Doubles, right: Doubles, where: Mask | slice = slice(None)
    ) -> Equations:
        """The normal equations over the cells `where`.

        Band and vector of the knots, (number, 2) between knots and slope, matrix and vector of the
        slope.
        """
        band, vector, mixed = (
            np.zeros(self.number * self.width),
            np.zeros(self.number),
            np.zeros((self.number, 2)),
        )
        corners = [(knot[where], weight[where]) for knot, weight in self.corners]
        normal, right, distance = normal[:, :, where], right[:, where], self.distance[where]
        for knot, weight in corners:
            for c in (0, 1):
                vector += np.bincount(2 * knot + c, weight * right[c], self.number)
                for d in (0, 1):
                    mixed[:, d] += np.bincount(
                        2 * knot + c, weight * distance * normal[c, d], self.number
                    )
        for i, (one, weight) in enumerate(corners):
            for other, factor in corners[i:]:
                for c in (0, 1):
                    for d in range(c if one is other else 0, 2):
                        first, second = 2 * one + c, 2 * other + d
                        band += np.bincount(
                            first * self.width + second - first,
                            weight * factor * normal[c, d],
                            band.size,
                        )
        return (
            band.reshape(self.number, self.width),
            vector,
            mixed,
            (normal * distance**2).sum(axis=-1),
            (right * distance).sum(axis=-1),
        )

    def solve(self, equations: Equations, stiffness: float) -> tuple[Doubles, Doubles]:
        """Knots, float64 (rows, columns, 2), and slope, (2,), px."""
        band, vector, mixed, matrix, right = equations
        band = band + stiffness * self.smoothness
        band[:, 0] += 1e-3
        still, *slopes = np.ascontiguousarray(
            _kernels.solve_band(band, np.column_stack([vector, mixed])).T
        )
        answer = np.stack(slopes, axis=1)
        slope = solved(
            matrix - product(mixed.T, answer) + 1e-3 * np.eye(2), right - product(mixed.T, still)
        )
        return (still - product(answer, slope)).reshape(self.rows, self.columns, 2), slope

    def chi_square(self, equations: Equations, knots: Doubles, slope: Doubles) -> float:
        """The change of chi square by the displacement."""
        band, vector, mixed, matrix, right = equations
        u = knots.ravel()
        apart = 2.0 * sum(
            float((band[: len(u) - k, k] * u[k:] * u[: len(u) - k]).sum())
            for k in range(1, min(self.width, len(u)))
        )
        return float(
            apart
            + (band[:, 0] * u * u).sum()
            - 2 * (vector * u).sum()
            + 2 * (u * product(mixed, slope)).sum()
            + (slope * product(matrix, slope)).sum()
            - 2 * (right * slope).sum()
        )
