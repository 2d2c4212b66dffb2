"""Runs of frames whose dust is known: clouds and rectangles with grain, specks and hairs."""

import numpy as np


def cloud(rng, shape, coarsest=64):
    """Smooth noise of many sizes, in 0..1."""
    total = np.zeros(shape)
    size = coarsest
    while size >= 2:
        small = rng.normal(size=(shape[0] // size + 3, shape[1] // size + 3))
        y, x = np.arange(shape[0]) / size, np.arange(shape[1]) / size
        y0, x0 = y.astype(int), x.astype(int)
        fy, fx = (y - y0)[:, None], (x - x0)[None]
        rows0, rows1 = small[y0], small[y0 + 1]
        total += size * (
            (1 - fy) * ((1 - fx) * rows0[:, x0] + fx * rows0[:, x0 + 1])
            + fy * ((1 - fx) * rows1[:, x0] + fx * rows1[:, x0 + 1])
        )
        size //= 2
    return (total - total.min()) / np.ptp(total)


def picture(rng, shape=(240, 360)):
    """A scene, float64 (H, W) in 0.1..0.8: a cloud with rectangles in it."""
    scene = cloud(rng, shape)
    for _ in range(12):
        y, x = rng.integers(0, shape[0] - 20), rng.integers(0, shape[1] - 20)
        scene[y : y + rng.integers(10, 80), x : x + rng.integers(10, 120)] *= rng.uniform(0.5, 1)
    return 0.1 + 0.7 * scene


def dust(rng, shape=(240, 360), specks=25, hairs=6, opacity=(0.25, 0.9)):
    """Opacity of dust, float64 (H, W): specks and hairs with soft edges."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    total = np.zeros(shape)

    def put(distance, radius):
        strength = rng.uniform(*opacity)
        np.maximum(total, strength * np.clip(radius + 0.5 - distance, 0, 1), out=total)

    for _ in range(specks):
        put(
            np.hypot(y - rng.uniform(4, shape[0] - 4), x - rng.uniform(4, shape[1] - 4)),
            rng.uniform(1.5, 4),
        )
    for _ in range(hairs):
        start, angle, bend = (
            rng.uniform((20, 20), (shape[0] - 20, shape[1] - 20)),
            rng.uniform(0, 2 * np.pi),
            rng.uniform(-0.05, 0.05),
        )
        steps = np.arange(rng.integers(20, 50))
        path = start + np.cumsum(
            np.stack([np.sin(angle + bend * steps), np.cos(angle + bend * steps)], 1), 0
        )
        put(np.min([np.hypot(y - py, x - px) for py, px in path], axis=0), 1.2)
    return total


def frame(rng, scene, opacity, polarity="light", grain=0.012):
    """A scan of a scene through dust: uint8 (H, W)."""
    seen = np.clip(scene + rng.normal(0, grain, scene.shape), 0, 1)
    seen = seen + opacity * (1 - seen) if polarity == "light" else seen * (1 - opacity)
    return (np.clip(seen, 0, 1) * 255 + 0.5).astype(np.uint8)


def run(seed, frames, polarity="light", shape=(240, 360), opacity=None, **options):
    """Frames, each of another scene, and the opacity of their dust.

    Returns
    -------
    frames : list of ndarray of uint8, shape (H, W)
    opacity : ndarray of float64, shape (H, W)
    """
    rng = np.random.default_rng([seed, 5])
    opacity = dust(rng, shape, **options) if opacity is None else opacity
    return [frame(rng, picture(rng, shape), opacity, polarity) for _ in range(frames)], opacity


def cut(frames, seed, *, crop=0, wander=0, turned=False):
    """Cut frames, and turn some by quarter turns, as scanner programs do.

    Parameters
    ----------
    frames : list of ndarray, shape (H, W)
    seed : int
    crop : int
        Up to this many px are cut off at each side, so that the sizes differ.
    wander : int
        The cut has one size, but lies up to this many px elsewhere.
    turned : bool
        Whether every third frame is turned by one or three quarters.

    Returns
    -------
    cut : list of ndarray, shape (h, w)
    places : list of tuple of int
        Quarter turns, and (y, x) of the first pixel of the upright frame, of each frame.
    """
    rng = np.random.default_rng([seed, 9])
    results, places = [], []
    for number, pixels in enumerate(frames):
        height, width = pixels.shape[:2]
        top, bottom, left, right = rng.integers(0, crop + 1, 4)
        if wander:
            top, left = rng.integers(0, wander + 1, 2)
            bottom, right = wander - top, wander - left
        turns = int(rng.choice([1, 3])) if turned and number % 3 == 2 else 0
        part = np.rot90(pixels[top : height - bottom, left : width - right], turns)
        results.append(np.ascontiguousarray(part))
        places.append((turns, int(top), int(left)))
    return results, places
