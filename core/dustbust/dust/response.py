"""How a frame shows dust: the value a pixel gets when dust of some density lies over it.

Dust of density d lets the share exp(-d) of the light pass. A positive is some curve of the logarithm of that light, so every layer
of dust moves a pixel along this curve, by a speed that depends on the value alone. For a linear, a gamma-encoded and a density
positive and for a slide that speed is a straight line, `lift - fade * value`; levels and gammas of the usual strength hardly bend it.
Integrated over the density it gives

    observed = clean * exp(-fade * d) + lift * (1 - exp(-fade * d)) / fade

which covers them all with two numbers: fade = lift is dust that pulls towards white, fade = 0 adds the same everywhere (density).
Dust that is darker than the picture is the same with black and white exchanged (`value -> 1 - value`).
"""

from dataclasses import astuple, dataclass

import numpy as np

from .. import _kernels

# Values nearer than this to black or white may be clipped: they say that there is dust, not how much.
BLACK, WHITE = 0.008, 0.985

# Frames differ in black point, white point and gamma: how far `lift` and `fade` of a frame lie from those of its run, as a share of `lift`.
SPREAD_OF_RESPONSES = (0.3, 0.4)

# A smaller fade than this is none.
SMALLEST_FADE = 1e-3

# The errors of a fill are alike in neighbouring pixels: so many pixels say as much as one that stands alone.
PIXELS_PER_READING = 20.0


@dataclass(frozen=True)
class Response:
    """What dust does to the values of a frame.

    Parameters
    ----------
    lift : how fast black rises with the density of the dust.
    fade : how much slower white rises than black. Both are numbers, or float32 (N,) for N pixels.

    >>> towards_white = Response(1.0, 1.0)
    >>> half = np.float32(np.log(2))                      # lets half of the light pass
    >>> round(float(towards_white.observed(0.2, half)), 3)
    0.6
    >>> round(float(towards_white.restored(0.6, half)), 3)
    0.2
    """

    lift: float = 1.03
    fade: float = 1.0

    def speed(self, value):
        """Change of the value per density, at least a little."""
        return np.maximum(self.lift - self.fade * value, np.float32(0.03) * self.lift)

    def slope(self, density):
        """Change of the observed value with the clean value."""
        return np.exp(np.float32(-self.fade) * density)

    def offset(self, density):
        """The observed value of black."""
        x = np.float32(self.fade) * density
        near = np.abs(x) < 0.01  # there 1 - exp(-x) would lose digits
        return (
            np.float32(self.lift)
            * density
            * np.where(near, 1 - x / 2 + x * x / 6, (1 - np.exp(-x)) / np.where(near, 1, x))
        )

    def observed(self, clean, density):
        return self.offset(density) + self.slope(density) * clean

    def restored(self, observed, density):
        return (observed - self.offset(density)) / self.slope(density)

    def density(self, observed, clean):
        """The density that makes `observed` out of `clean`."""
        fade = np.float32(np.where(np.abs(self.fade) < SMALLEST_FADE, SMALLEST_FADE, self.fade))
        return (
            -np.log(np.maximum(1 - fade * (observed - clean) / self.speed(clean), np.float32(0.02)))
            / fade
        )


def for_each(responses, dark):
    """One `Response` for N pixels: its `lift` and `fade` are float32 (N,), if the pixels are not all of one kind.

    Parameters
    ----------
    responses : {False: Response to light dust, True: Response to dark dust}
    dark : bool (N,)
    """
    if not dark.any() or dark.all():
        return responses[bool(dark.any())]
    light, heavy = (np.float32(astuple(responses[kind])) for kind in (False, True))
    return Response(*(np.where(dark, *numbers) for numbers in zip(heavy, light)))


def fit_response(
    observed, filled, density, spread, start, prior=None, *, spreads=SPREAD_OF_RESPONSES, rounds=5
):
    """The response that explains best what a frame shows, given the density of the dust.

    Robust least squares by Gauss-Newton; clipped values are left out.

    Parameters
    ----------
    observed, filled, density, spread : float32 (N,): what is there, what the surroundings suggest (known to +- spread), the dust.
    start : Response to start from.
    prior : Response that is expected, or None.
    spreads : standard deviations of `lift` and `fade` from those of the prior, as a share of `lift`.

    Returns
    -------
    Response
    """
    pixels = [np.ascontiguousarray(a, np.float32) for a in (observed, filled, density, spread)]
    lift, fade = start.lift, start.fade
    for _ in range(rounds):
        xx, xy, yy, *right = (
            np.array(_kernels.response_sums(*pixels, lift, fade, (BLACK, WHITE)))
            / PIXELS_PER_READING
        )
        normal, right = np.array([[xx, xy], [xy, yy]]), np.array(right)
        if prior is not None:
            certainty = 1 / (np.array(spreads) * prior.lift) ** 2
            normal += np.diag(certainty)
            right += certainty * (prior.lift - lift, prior.fade - fade)
        normal += np.eye(2) * (1e-9 * np.trace(normal) + 1e-12)
        change = np.linalg.solve(normal, right)
        lift = max(lift + change[0], 0.02)
        fade = float(np.clip(fade + change[1], -2 * lift, 1.2 * lift))
        if np.abs(change).max() < 1e-3 * lift:
            break
    return Response(float(lift), fade)
