"""Dust in one frame: the frame's response to it, its shift, and which particles are present.

All arrays are of the N pixels of a `DustModel`. Values are in 0..1 and mirrored where the dust is
dark, so that all dust is light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..image.arrays import LUMA, Labels, Mask, Values
from ..runtime.threads import count
from .presence import Pieces, probability_of_particles
from .response import (
    PIXELS_PER_READING,
    DustSample,
    Response,
    Responses,
    fit_response,
    solve_pair,
)

# No more pixels than this are used to find a frame's response; ten times as many for its shift.
PIXELS_FOR_RESPONSE = 8000

# A shift is not measured from fewer pixels than this.
FEWEST_PIXELS_FOR_SHIFT = 50

# A response is not measured on dust of a lower density than this.
FAINTEST_DENSITY = 0.02

# A shift smaller than SMALLEST_SHIFT px counts as none, because moving costs sharpness. Shifts
# beyond LARGEST_SHIFT px are not looked for. No iteration moves by more than LARGEST_STEP px.
SMALLEST_SHIFT, LARGEST_SHIFT, LARGEST_STEP = 0.04, 3, 0.7

# Residuals of the shift beyond this many deviations count less (Huber).
HUBER = 1.5

# Weight of one difference of neighbouring pixels: differences that lie together are correlated.
DIFFERENCE_COUNTS = 0.25

# Standard deviation of `lift` and `fade` of a colour from those of the luminance, as a share of
# `lift`: each colour is converted in its own way.
SPREAD_OF_COLOURS = (0.1, 0.15)

# Responses are fitted again if the dust to which they are fitted has changed by this share.
SETTLED = 0.02

# Spread of a pixel without data, see `model.look_around`.
NO_DATA = 1.0

# Columns of `neighbours`.
UP, LEFT, RIGHT, DOWN = 0, 1, 2, 3

# Response of each colour to light and to dark dust; an index of False is light, True is dark.
ColourResponses = tuple[Sequence[Response], Sequence[Response]]


class FrameAtDust(NamedTuple):
    """The values of a frame at the pixels of the dust, and those that the surroundings suggest.

    Parameters
    ----------
    observed : ndarray of float32, shape (N,) or (N, colours)
        What the frame shows, 0..1.
    filled : ndarray of float32, shape (N,) or (N, colours)
        What the surroundings suggest, 0..1.
    spread : ndarray of float32, shape (N,)
        Standard deviation of the clean picture from `filled`; 1 where there is no data.
    """

    observed: Values
    filled: Values
    spread: Values


@dataclass(frozen=True)
class ExpectedDust:
    """The dust of a run, as it is expected in a frame.

    Parameters
    ----------
    density : ndarray of float32, shape (N,)
        Density of each pixel.
    labels : ndarray of int32, shape (N,)
        Number of the particle of each pixel.
    neighbours : ndarray of int32, shape (N, 4)
        Index of the pixels above, left, right and below; -1 for none.
    share : ndarray of float32, shape (P,)
        Share of the run's frames in which each particle is present.
    dark : ndarray of bool, shape (P,)
        True for particles that are darker than the picture.
    usual : Responses
        Usual responses of the frames of the run.
    pieces : Pieces or None
        The parts that can be present or absent independently. None: whole particles. The density of
        a run is measured with whole particles. If pieces that happen to look faint were left out,
        the density would come out too high.
    """

    density: Values
    labels: Labels
    neighbours: Labels
    share: Values
    dark: Mask
    usual: Responses
    pieces: Pieces | None = None


@dataclass
class Observation:
    """Dust as it is in one frame.

    Parameters
    ----------
    density : ndarray of float32, shape (N,)
        Density of each pixel in this frame, if its dust is present.
    probability : ndarray of float32, shape (N,)
        Probability that the dust of each pixel is present.
    responses : Responses
        Responses of the luminance to light and to dark dust.
    of_colours : tuple of list of Response
        Responses of each colour, to light and to dark dust.
    shift : tuple of float
        Down and right, in px: shift of the whole pattern.
    """

    density: Values
    probability: Values
    responses: Responses
    of_colours: ColourResponses
    shift: tuple[float, float] = (0.0, 0.0)


def moved(values: Values, neighbours: Labels, down: float, right: float) -> Values:
    """Values of the N pixels, moved by cubic interpolation; 0 comes from outside.

    Parameters
    ----------
    values : ndarray of float32, shape (N,)
    neighbours : ndarray of int32, shape (N, 4)
        Index of the pixels above, left, right and below; -1 for none.
    down, right : float
        Shift in px.

    Returns
    -------
    ndarray of float32, shape (N,)

    References
    ----------
    R. Keys, "Cubic convolution interpolation for digital image processing", IEEE ASSP 29, 1981,
    doi:10.1109/TASSP.1981.1163711.

    Examples
    --------
    >>> import numpy as np
    >>> row = np.array([[-1, k - 1, k + 1 if k < 4 else -1, -1] for k in range(5)], np.int32)
    >>> moved(np.float32([0, 0, 1, 0, 0]), row, 0, 1).tolist()
    [0.0, 0.0, 0.0, 1.0, 0.0]
    """
    for distance, before, after in ((down, UP, DOWN), (right, LEFT, RIGHT)):
        if distance == 0:
            continue
        whole = int(np.floor(distance))
        t = distance - whole
        taps = {
            whole: 1 - 2.5 * t**2 + 1.5 * t**3,
            whole + 1: 0.5 * t + 2 * t**2 - 1.5 * t**3,
            whole - 1: -0.5 * t + t**2 - 0.5 * t**3,
            whole + 2: -0.5 * t**2 + 0.5 * t**3,
        }
        total = np.zeros_like(values)
        for direction, steps in (
            (before, sorted(k for k in taps if k >= 0)),
            (after, sorted((k for k in taps if k < 0), reverse=True)),
        ):
            walking, walked = values, 0
            for step in steps:
                while walked < abs(step):
                    walking = np.append(walking, np.float32(0))[neighbours[:, direction]]
                    walked += 1
                total += np.float32(taps[step]) * walking
        values = total
    return values


def log_likelihood_ratio(
    observed: Values,
    density: Values,
    expected: ExpectedDust,
    of_colours: ColourResponses,
    *,
    threads: int | None = None,
) -> Values:
    """Log-likelihood ratio of the presence of the dust of each pixel to its absence.

    Removing dust that is present makes the picture smoother; removing dust that is absent draws its
    outline. A smooth picture differs little from pixel to pixel. Pictures have heavy tails, so the
    probability density of a difference falls like one over its size. An edge of the picture thus
    does not outweigh the rim of the dust.

    Parameters
    ----------
    observed : ndarray of float32, shape (N, colours)
        What the frame shows.
    density : ndarray of float32, shape (N,)
        Density of the dust in this frame.
    expected : ExpectedDust
        Particles and neighbours of the pixels.
    of_colours : tuple of list of Response
        Responses of each colour, to light and to dark dust.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    ndarray of float32, shape (N,)
    """
    rougher = _kernels.roughness(
        observed,
        density,
        expected.labels,
        expected.neighbours,
        expected.dark,
        as_array(of_colours),
        FAINTEST_DENSITY / 4,  # below it both are the same
        count(threads),
    )
    ratio: Values = np.float32(DIFFERENCE_COUNTS) * rougher
    return ratio


def as_array(of_colours: ColourResponses) -> npt.NDArray[np.float32]:
    """Responses of each colour as the kernels take them: shape (2, colours, 2)."""
    return np.array(
        [[(response.lift, response.fade) for response in side] for side in of_colours], np.float32
    )


def observe(
    frame: FrameAtDust,
    expected: ExpectedDust,
    *,
    priors: bool = True,
    still: bool = False,
    threads: int | None = None,
) -> Observation:
    """Find the dust in a frame.

    Parameters
    ----------
    frame : FrameAtDust
        What the frame shows, mirrored where the dust is dark.
    expected : ExpectedDust
        The dust of the run.
    priors : bool
        Whether the usual responses are a prior. Otherwise they are only the start of the search.
    still : bool
        Whether the pattern is known not to have moved.
    threads : int or None
        Threads to use; None: see `dustbust.runtime.threads.count`.

    Returns
    -------
    Observation
    """
    colours = _Colours(frame)
    labels, pieces = expected.labels, expected.pieces
    responses = expected.usual
    of_colours: ColourResponses = tuple([r] * colours.number for r in responses)  # type: ignore[assignment]
    shift = (0.0, 0.0)
    # Dust that the frame does not show makes no difference to it.
    shown = frame.spread < NO_DATA
    density = np.where(shown, expected.density, np.float32(0))
    dark_pixels = expected.dark[labels]
    probability = np.ones_like(density)
    for step in range(0 if pieces else 1, 3):
        before = probability > 0.5
        if step > 0:  # at first, dust that may be absent would distort the responses
            telling = (density > FAINTEST_DENSITY) & before
            responses, of_colours = colours.responses(
                density,
                [telling & (dark_pixels == side) for side in (False, True)],
                (responses, of_colours),
                expected.usual if priors else None,
            )
        ratio = log_likelihood_ratio(
            colours.observed, density, expected, of_colours, threads=threads
        )
        probability = (
            pieces.probability(ratio, expected.share)
            if pieces
            else probability_of_particles(ratio, expected.share, labels)
        )
        if step == 1 and not still:
            shift = _find_shift(colours.luminance, expected, probability > 0.5, responses)
            if shift != (0.0, 0.0):
                density = np.maximum(moved(expected.density, expected.neighbours, *shift), 0)
                density *= shown
            elif np.count_nonzero(before != (probability > 0.5)) < SETTLED * probability.size:
                break  # the responses would be the same
    return Observation(density, probability, responses, of_colours, shift)


def luminance_of(values: Values) -> Values:
    """Luminance of colours, (N, 1) or (N, 3).

    Not as a product of matrices, whose last bit depends on the processor.

    >>> import numpy as np
    >>> luminance_of(np.float32([[0, 1, 0]])).round(3).tolist()
    [0.5870000123977661]
    """
    if values.shape[1] == 1:
        return np.ascontiguousarray(values[:, 0])
    red, green, blue = LUMA
    return np.asarray(values[:, 0] * red + values[:, 1] * green + values[:, 2] * blue)


class _Colours:
    """The colours of a frame at the dust, and their luminance."""

    def __init__(self, frame: FrameAtDust) -> None:
        self.observed, self.filled = (
            a if a.ndim == 2 else a[:, None] for a in (frame.observed, frame.filled)
        )
        self.number = self.observed.shape[1]
        self.luminance = FrameAtDust(
            luminance_of(self.observed), luminance_of(self.filled), frame.spread
        )

    def responses(
        self,
        density: Values,
        telling: Sequence[Mask],
        before: tuple[Responses, ColourResponses],
        priors: Responses | None,
    ) -> tuple[Responses, ColourResponses]:
        """Responses of the luminance and of each colour, to light and to dark dust.

        Parameters
        ----------
        density : ndarray of float32, shape (N,)
            Density of the dust in this frame.
        telling : sequence of two ndarray of bool, shape (N,)
            Pixels of light and of dark dust from which the responses are measured.
        before : tuple
            The earlier result, which is kept where no pixel can be measured.
        priors : Responses or None
            The responses of the luminance that are expected.
        """
        of_luminance, of_colours = list(before[0]), list(before[1])
        for side, pixels in enumerate(telling):
            sample = np.flatnonzero(pixels)
            if sample.size == 0:
                continue
            sample = sample[:: max(1, sample.size // PIXELS_FOR_RESPONSE)]
            observed, filled, spread = (values[sample] for values in self.luminance)
            dust = density[sample], spread
            of_luminance[side] = response = fit_response(
                DustSample(observed, filled, *dust),
                of_luminance[side],
                priors[side] if priors else None,
            )
            of_colours[side] = (
                [response]
                if self.number == 1
                else [
                    fit_response(
                        DustSample(*of_colour, *dust),
                        response,
                        response,
                        spreads=SPREAD_OF_COLOURS,
                    )
                    for of_colour in zip(
                        self.observed[sample].T, self.filled[sample].T, strict=True
                    )
                ]
            )
        return Responses(*of_luminance), (of_colours[0], of_colours[1])


def _find_shift(
    luminance: FrameAtDust,
    expected: ExpectedDust,
    present: Mask,
    responses: Responses,
    rounds: int = 6,
) -> tuple[float, float]:
    """Shift (down, right) of the whole pattern, in px: robust least squares by Gauss-Newton."""
    down: Any = 0.0
    right: Any = 0.0
    for _ in range(rounds):
        density = moved(expected.density, expected.neighbours, down, right)
        sample = np.flatnonzero(present & (density > FAINTEST_DENSITY))
        step = max(1, sample.size // (10 * PIXELS_FOR_RESPONSE))
        sample = np.ascontiguousarray(sample[::step])
        if sample.size < FEWEST_PIXELS_FOR_SHIFT:
            return 0.0, 0.0
        sums = _kernels.shift_sums(
            luminance.observed[:, None],
            luminance.filled,
            luminance.spread,
            density,
            sample,
            expected.labels,
            expected.neighbours,
            expected.dark,
            as_array(([responses.light], [responses.dark])),
            HUBER,
        )
        xx, xy, yy, x, y = np.array(sums) / PIXELS_PER_READING
        # As if a shift of 0 +- 1 px had been measured once.
        change = solve_pair((xx + 1, xy, yy + 1), (x - down, y - right))
        change *= min(1, LARGEST_STEP / max(np.abs(change).max(), 1e-9))
        down, right = np.clip((down + change[0], right + change[1]), -LARGEST_SHIFT, LARGEST_SHIFT)
        if np.abs(change).max() < 0.01:
            break
    if max(abs(down), abs(right)) < SMALLEST_SHIFT:
        return 0.0, 0.0
    return float(down), float(right)
