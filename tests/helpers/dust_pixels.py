"""Pixels of dust that are made up, and the effect of dust by its formulas, with 64 bits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dustbust import _kernels


def effect(lift: Any, fade: Any, density: Any) -> tuple[Any, Any]:
    """Slope and offset of the observed values with the clean ones: see dust/response.py."""
    lift, fade, density = (np.float64(each) for each in (lift, fade, density))
    x = fade * density
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(x == 0, 1, -np.expm1(-x) / x)
    return np.exp(-x), lift * density * share


@dataclass
class DustPixels:
    """N pixels of some particles, with neighbours at random."""

    observed: npt.NDArray[np.float32]  # (N, colours)
    filled: npt.NDArray[np.float32]  # (N,)
    spread: npt.NDArray[np.float32]  # (N,)
    density: npt.NDArray[np.float32]  # (N,)
    labels: npt.NDArray[np.int32]  # (N,)
    neighbours: npt.NDArray[np.int32]  # (N, 4)
    dark: npt.NDArray[np.bool_]  # (particles,)
    responses: npt.NDArray[np.float32]  # (2, colours, 2)

    def response(self, colour: int = 0) -> tuple[Any, Any]:
        """Lift and fade for each pixel."""
        lift, fade = self.responses[self.dark[self.labels].astype(int), colour].T
        return lift.astype(float), fade.astype(float)


def dust_pixels(pixels: int, colours: int, seed: int) -> DustPixels:
    """Some are at the limits of what counts as clipped, and some of the dust is hardly there."""
    rng = np.random.default_rng(seed)
    observed = rng.uniform(0, 1, (pixels, colours)).astype(np.float32)
    limits = np.float32([_kernels.BLACK, _kernels.WHITE, 0.009, 0.98, 0.001, 1.0, 0.5])
    some = rng.random(observed.shape) < 0.3
    observed[some] = rng.choice(limits, some.sum())
    density = rng.uniform(0, 1.2, pixels).astype(np.float32)
    density[rng.random(pixels) < 0.1] = 0
    # Next to where a predicted value would be clipped.
    filled = rng.uniform(0, 1.1, pixels).astype(np.float32)
    filled[density == 0] = np.random.default_rng(seed + 1).choice(
        [0.0039, 0.0041, 0.9924, 0.9926], (density == 0).sum()
    )
    to_light = [(1.0, 0.9), (0.8, 1e-5), (0.9, -0.4)]
    to_dark = [(0.1, -0.5), (0.7, 0.4), (0.05, -1.0)]
    responses = np.float32([to_light, to_dark])
    return DustPixels(
        observed,
        filled,
        rng.uniform(0.005, 0.2, pixels).astype(np.float32),
        density,
        rng.integers(0, 3, pixels).astype(np.int32),
        rng.integers(-1, pixels, (pixels, 4)).astype(np.int32),
        np.array([False, True, False]),
        responses[:, :colours].copy(),
    )
