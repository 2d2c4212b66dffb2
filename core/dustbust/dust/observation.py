"""Dust in one frame: how the frame responds to it, how far the whole pattern is shifted, and which particles are there.

All arrays are of the N pixels of an `DustModel`; values are in 0..1, mirrored where the dust is dark, so that all dust is light.
"""

from dataclasses import dataclass

import numpy as np

from .. import _kernels
from ..image.arrays import LUMA
from ..runtime.threads import count
from .presence import probability_of_particles
from .response import BLACK, PIXELS_PER_READING, WHITE, fit_response, for_each

# No more pixels than this are used to find a frame's response and shift.
PIXELS_FOR_RESPONSE = 8000

# Less dust than this tells nothing about a response.
FAINTEST_DENSITY = 0.02

# Deviation of a value that no surroundings account for: noise, steps of 8 bit.
VALUE_NOISE = 0.004

# A smaller shift than this (px) is none: moving costs sharpness.
SMALLEST_SHIFT = 0.04

# Differences of neighbouring pixels that lie together are alike, so that each of them counts only in part.
DIFFERENCE_COUNTS = 0.25

# How far `lift` and `fade` of a colour lie from those of the luminance, as a share of `lift`: colours are converted each in its own way.
SPREAD_OF_COLOURS = (0.1, 0.15)

# Responses are fitted anew if the dust that they are fitted to has changed by this share.
SETTLED = 0.02

# Columns of `neighbours`.
UP, LEFT, RIGHT, DOWN = 0, 1, 2, 3


@dataclass
class Observation:
    """Dust as it is in one frame.

    Parameters
    ----------
    density : float32 (N,), the density of each pixel in this frame, if its dust is there.
    chance : float32 (N,), how probable it is that the dust of each pixel is there.
    responses : {False: Response to light dust, True: Response to dark dust}, of the luminance.
    of_colours : {False: list of the Response of each colour, True: ...}
    shift : (down, right) in px, of the whole pattern.
    """

    density: np.ndarray
    chance: np.ndarray
    responses: dict
    of_colours: dict
    shift: tuple = (0.0, 0.0)


def moved(values, neighbours, down, right):
    """Values of the N pixels, moved; what comes from outside is 0. Cubic interpolation (R. Keys, 1981).

    Parameters
    ----------
    values : float32 (N,)
    neighbours : int32 (N, 4), places of the pixels above, left, right and below, -1 for none.
    down, right : px

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


def evidence(observed, density, labels, neighbours, dark, of_colours, *, threads=None):
    """How much a frame speaks for the dust of each pixel and against its absence: logarithm of the likelihood ratio, float32 (N,).

    To compute off dust that is there makes the picture smoother; to compute off dust that is not there draws its outline. Smooth is what
    differs little from pixel to pixel, with the heavy tails that pictures have: the density of a difference is taken as falling like
    one over its size, so that an edge of the picture does not speak louder than the rim of the dust.
    """
    rougher = _kernels.roughness(
        observed,
        density,
        labels,
        neighbours,
        dark,
        as_array(of_colours),
        (BLACK, WHITE),
        FAINTEST_DENSITY / 4,
        count(threads),
    )  # elsewhere both are the same
    return np.float32(DIFFERENCE_COUNTS) * rougher


def as_array(of_colours):
    """{False: list of the Response of each colour, True: ...} as the kernels take it: float32 (2, colours, 2)."""
    return np.float32(
        [
            [(response.lift, response.fade) for response in of_colours[kind]]
            for kind in (False, True)
        ]
    )


def observe(
    observed,
    filled,
    spread,
    *,
    density,
    labels,
    neighbours,
    share,
    dark,
    usual,
    pieces=None,
    priors=True,
    still=False,
    threads=None,
):
    """Find the dust in a frame.

    Parameters
    ----------
    observed, filled : float32 (N,) or (N, colours); spread : float32 (N,): see `effect.look_around`.
    density : float32 (N,)
    labels : int (N,), the particle of each pixel.
    neighbours : int32 (N, 4)
    share : float (P,), how probable each particle is before anything was seen of the frame.
    dark : bool (P,)
    usual : {False: Response, True: Response}, what is expected of frames of this run.
    pieces : `presence.Pieces` of the particles. None while the dust is being measured: particles are there as a whole or not at all, for
        without the pieces that happen to look faint it would be taken for denser than it is.
    priors : False: `usual` is only where to start from.
    still : True: the pattern is where it was.

    Returns
    -------
    Observation
    """
    colours, surroundings = (a if a.ndim == 2 else a[:, None] for a in (observed, filled))
    luma = LUMA if colours.shape[1] == 3 else np.ones(1, np.float32)
    observed, filled = colours @ luma, surroundings @ luma
    responses = dict(usual)
    of_colours = {kind: [response] * colours.shape[1] for kind, response in usual.items()}
    shift = (0.0, 0.0)
    lying = density
    dark_pixels = dark[labels]
    chance = np.ones_like(density)
    for step in range(0 if pieces else 1, 3):
        before = chance > 0.5
        telling = (lying > FAINTEST_DENSITY) & before
        for kind in (
            (False, True) if step > 0 else ()
        ):  # a response to dust that may be gone would say little
            sample = np.flatnonzero(telling & (dark_pixels == kind))
            if sample.size == 0:
                continue
            sample = sample[:: max(1, sample.size // PIXELS_FOR_RESPONSE)]
            dust = lying[sample], spread[sample]
            responses[kind] = fit_response(
                observed[sample],
                filled[sample],
                *dust,
                responses[kind],
                usual[kind] if priors else None,
            )
            of_colours[kind] = (
                [responses[kind]]
                if colours.shape[1] == 1
                else [
                    fit_response(
                        *of_colour,
                        *dust,
                        responses[kind],
                        responses[kind],
                        spreads=SPREAD_OF_COLOURS,
                    )
                    for of_colour in zip(colours[sample].T, surroundings[sample].T)
                ]
            )
        said = evidence(colours, lying, labels, neighbours, dark, of_colours, threads=threads)
        chance = (
            pieces.chance(said, share) if pieces else probability_of_particles(said, share, labels)
        )
        if step == 1 and not still:
            shift = _find_shift(
                observed, filled, spread, density, neighbours, chance, dark_pixels, responses
            )
            if shift != (0.0, 0.0):
                lying = np.maximum(moved(density, neighbours, *shift), 0)
            elif np.count_nonzero(before != (chance > 0.5)) < SETTLED * chance.size:
                break  # the responses would be the same
    return Observation(lying, chance, responses, of_colours, shift)


def _find_shift(
    observed, filled, spread, density, neighbours, chance, dark_pixels, responses, rounds=6
):
    """By how much (down, right) the whole pattern of dust is shifted: robust least squares by Gauss-Newton."""
    down = right = 0.0
    here = chance > 0.5
    for _ in range(rounds):
        lying = moved(density, neighbours, down, right)
        padded = np.append(lying, np.float32(0))
        sample = np.flatnonzero(here & (lying > FAINTEST_DENSITY))
        sample = sample[:: max(1, sample.size // (10 * PIXELS_FOR_RESPONSE))]
        if sample.size < 50:
            return 0.0, 0.0
        above, left, after, below = (
            padded[neighbours[sample, side]] for side in (UP, LEFT, RIGHT, DOWN)
        )
        d = lying[sample]
        response = for_each(responses, dark_pixels[sample])
        predicted = response.observed(filled[sample], d)
        speed = response.speed(predicted)
        gradient = np.stack([-speed * (below - above) / 2, -speed * (after - left) / 2]).astype(
            np.float64
        )
        error = spread[sample] * response.slope(d) + VALUE_NOISE
        residual = (observed[sample] - predicted).astype(np.float64)
        usable = (observed[sample] > BLACK) & (observed[sample] < WHITE)
        weight = (
            usable / error**2 / np.maximum(np.abs(residual) / error / 1.5, 1) / PIXELS_PER_READING
        )
        normal = (gradient * weight) @ gradient.T + np.eye(
            2
        )  # as if a shift of 0 +- 1 px had been measured once
        change = np.linalg.solve(normal, (gradient * weight) @ residual - (down, right))
        change *= min(1, 0.7 / max(np.abs(change).max(), 1e-9))
        down, right = np.clip((down + change[0], right + change[1]), -3, 3)
        if np.abs(change).max() < 0.01:
            break
    return (
        (0.0, 0.0) if max(abs(down), abs(right)) < SMALLEST_SHIFT else (float(down), float(right))
    )
