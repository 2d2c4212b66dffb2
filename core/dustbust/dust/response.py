"""How a frame responds to dust: the value a pixel gets when dust of some density lies over it.

Dust of density d lets the share exp(-d) of the light pass. The values of a positive are a curve of
the logarithm of that light. Every layer of dust thus moves a pixel along this curve, with a speed
that depends only on the value. For slides and for linear, gamma-encoded and density positives this
speed is a straight line, `lift - fade * value`. Usual levels and gammas hardly bend this line.
Integrated over the density it gives

    observed = clean * exp(-fade * d) + lift * (1 - exp(-fade * d)) / fade

which covers all of them with two numbers: fade = lift is dust that pulls towards white, fade = 0
adds the same everywhere (density). Dust that is darker than the picture is the same with black and
white exchanged (`value -> 1 - value`).
"""

from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import Mask, Values
from ..image.elementary import exponential, logarithm

# Values nearer to black or white than this may be clipped: they show dust, but not its density.
BLACK, WHITE, VALUE_NOISE = _kernels.BLACK, _kernels.WHITE, _kernels.VALUE_NOISE

# Frames differ in black point, white point and gamma: standard deviation of `lift` and `fade` of a
# frame from those of its run, as a share of `lift`.
SPREAD_OF_RESPONSES = (0.3, 0.4)

# A smaller fade counts as this: divisions by zero are avoided.
SMALLEST_FADE = _kernels.SMALLEST_FADE

# The errors of a fill are correlated in neighbouring pixels: this many pixels count as one
# independent reading.
PIXELS_PER_READING = 20.0


@dataclass(frozen=True)
class Response:
    """The effect of dust on the values of a frame.

    Parameters
    ----------
    lift : float or ndarray of float32, shape (N,)
        Speed at which black rises with the density of the dust.
    fade : float or ndarray of float32, shape (N,)
        Amount by which white rises more slowly than black.

    Examples
    --------
    >>> import numpy as np
    >>> towards_white = Response(1.0, 1.0)
    >>> half = np.float32(np.log(2))  # lets half of the light pass
    >>> round(float(towards_white.observed(0.2, half)), 3)
    0.6
    >>> round(float(towards_white.restored(0.6, half)), 3)
    0.2
    """

    lift: Any = 1.03
    fade: Any = 1.0

    def speed(self, value: Any) -> Any:
        """Change of the value per density, with a small lower limit."""
        return np.maximum(self.lift - self.fade * value, np.float32(_kernels.SLOWEST) * self.lift)

    def slope(self, density: Any) -> Any:
        """Change of the observed value with the clean value."""
        return exponential(np.float32(-self.fade) * density)

    def offset(self, density: Any) -> Any:
        """The observed value of black."""
        x = np.float32(self.fade) * density
        near = np.abs(x) < 0.01  # there 1 - exp(-x) would lose digits
        return (
            np.float32(self.lift)
            * density
            * np.where(near, 1 - x / 2 + x * x / 6, (1 - exponential(-x)) / np.where(near, 1, x))
        )

    def observed(self, clean: Any, density: Any) -> Any:
        """The value that dust of a density makes of a clean value."""
        return self.offset(density) + self.slope(density) * clean

    def restored(self, observed: Any, density: Any) -> Any:
        """The clean value under dust of a density."""
        return (observed - self.offset(density)) / self.slope(density)

    def density(self, observed: Any, clean: Any) -> Any:
        """The density that makes `observed` out of `clean`."""
        fade = np.float32(np.where(np.abs(self.fade) < SMALLEST_FADE, SMALLEST_FADE, self.fade))
        passing = 1 - fade * (observed - clean) / self.speed(clean)
        return -logarithm(np.maximum(passing, np.float32(_kernels.LEAST_PASSING))) / fade


# The response that is expected before anything is known of a run.
USUAL = Response()


class Responses(NamedTuple):
    """Responses of a frame to light and to dark dust; an index of False is light, True is dark."""

    light: Response = USUAL
    dark: Response = USUAL

    def for_each(self, dark: Mask) -> Response:
        """One `Response` for N pixels; its numbers are float32 (N,) if both kinds of dust occur.

        Parameters
        ----------
        dark : ndarray of bool, shape (N,)
            Which pixels belong to dark dust.
        """
        if not dark.any() or dark.all():
            return self[bool(dark.any())]
        light, heavy = (np.asarray(astuple(response), np.float32) for response in self)
        return Response(*(np.where(dark, d, b) for d, b in zip(heavy, light, strict=True)))


class DustSample(NamedTuple):
    """Pixels under dust that tell how a frame responds to it, all float32 (N,) in one channel.

    Parameters
    ----------
    observed : ndarray of float32, shape (N,)
        What the frame shows.
    filled : ndarray of float32, shape (N,)
        What the surroundings suggest.
    density : ndarray of float32, shape (N,)
        Density of the dust.
    spread : ndarray of float32, shape (N,)
        Standard deviation of `filled`.
    """

    observed: Values
    filled: Values
    density: Values
    spread: Values


def solve_pair(
    matrix: tuple[float, float, float], right: tuple[float, float]
) -> npt.NDArray[np.float64]:
    """Solve two equations, by Cramer's rule.

    Not by a library of linear algebra, whose last bit depends on the processor.

    Parameters
    ----------
    matrix : tuple of float
        The symmetric matrix: upper left, both others, lower right.
    right : tuple of float
        The right side.

    Returns
    -------
    ndarray of float64, shape (2,)

    Examples
    --------
    >>> solve_pair((2, 1, 3), (4, 7)).tolist()
    [1.0, 2.0]
    """
    xx, xy, yy = matrix
    x, y = right
    return np.array([x * yy - y * xy, y * xx - x * xy]) / (xx * yy - xy * xy)


def fit_response(
    sample: DustSample,
    start: Response,
    prior: Response | None = None,
    *,
    spreads: tuple[float, float] = SPREAD_OF_RESPONSES,
    rounds: int = 5,
) -> Response:
    """The response that best explains the values of a frame, given the density of the dust.

    Robust least squares by Gauss-Newton. Clipped values are left out.

    Parameters
    ----------
    sample : DustSample
        Pixels under dust.
    start : Response
        Where the search starts.
    prior : Response or None
        The response that is expected, if any.
    spreads : tuple of float
        Standard deviations of `lift` and `fade` from those of the prior, as a share of `lift`.
    rounds : int
        No more iterations than this.

    Returns
    -------
    Response

    Examples
    --------
    >>> import numpy as np
    >>> filled = np.linspace(0.1, 0.7, 1000, dtype=np.float32)
    >>> density, spread = np.full(1000, 0.3, np.float32), np.full(1000, 0.02, np.float32)
    >>> observed = np.float32(Response(0.8, 0.5).observed(filled, density))
    >>> found = fit_response(DustSample(observed, filled, density, spread), Response())
    >>> round(found.lift, 2), round(found.fade, 2)
    (0.8, 0.5)
    """
    observed, filled, density, spread = (np.ascontiguousarray(v, np.float32) for v in sample)
    sums: list[float]
    lift, fade = start.lift, start.fade
    for _ in range(rounds):
        sums = _kernels.response_sums(observed, filled, density, spread, lift, fade)
        xx, xy, yy, x, y = np.array(sums) / PIXELS_PER_READING
        if prior is not None:
            certainty = 1 / (np.array(spreads) * prior.lift) ** 2
            xx, yy = xx + certainty[0], yy + certainty[1]
            x += certainty[0] * (prior.lift - lift)
            y += certainty[1] * (prior.fade - fade)
        little = 1e-9 * (xx + yy) + 1e-12
        change = solve_pair((xx + little, xy, yy + little), (x, y))
        lift = max(lift + change[0], 0.02)
        fade = float(np.clip(fade + change[1], -2 * lift, 1.2 * lift))
        if np.abs(change).max() < 1e-3 * lift:
            break
    return Response(float(lift), fade)
