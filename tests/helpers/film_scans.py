"""Small scans of film with known dust. How film and dust act is written here, not imported."""

import numpy as np

FILMS = ("linear", "gamma", "density", "slide")
SHAPE = (160, 200)


def blurred(plane, sigma):
    """A Gaussian blur, by the Fourier transform; the borders wrap around."""
    y, x = np.fft.fftfreq(plane.shape[0])[:, None], np.fft.fftfreq(plane.shape[1])[None]
    return np.fft.ifft2(
        np.fft.fft2(plane) * np.exp(-2 * (np.pi * sigma) ** 2 * (y * y + x * x))
    ).real


def scene(seed, shape=SHAPE, grain=0.01):
    """A scene in 0..1: clouds, an edge, grain."""
    rng = np.random.default_rng(seed)
    clouds = blurred(rng.normal(size=shape), 12)
    clouds = clouds / np.abs(clouds).max()
    x = np.arange(shape[1]) / shape[1]
    edge = np.where(x > rng.uniform(0.2, 0.8), rng.uniform(-0.15, 0.15), 0)
    return np.clip(
        rng.uniform(0.35, 0.6) + 0.25 * clouds + edge + rng.normal(0, grain, shape), 0.03, 0.95
    )


def particles(seed=0, shape=SHAPE, count=14, strongest=0.75):
    """Transmittance of soft-edged particles well apart from each other, and their masks."""
    rng = np.random.default_rng(seed)
    places = [(y, x) for y in range(20, shape[0] - 15, 34) for x in range(20, shape[1] - 15, 34)]
    y, x = np.mgrid[: shape[0], : shape[1]]
    opacity, masks = np.zeros(shape), []
    for k in rng.permutation(len(places))[:count]:
        cy, cx = places[k] + rng.uniform(-2, 2, 2)
        turn, length, width = rng.uniform(0, np.pi), rng.uniform(3, 7), rng.uniform(2, 3.5)
        along, across = (
            (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn),
            (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn),
        )
        body = blurred(
            ((along / length) ** 2 + (across / width) ** 2 < 1).astype(float), 1.0
        ) * rng.uniform(0.15, strongest)
        opacity = np.maximum(opacity, body)
        masks.append(body > 0.06)
    return 1 - opacity, masks


def shadows(shape, centres, strength, radius, opacity):
    """Opacity of round shadows with a soft edge: what an aperture throws on a sensor."""
    layer = np.zeros(shape)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for (cy, cx), share in zip(centres, strength, strict=True):
        edge = np.clip((radius - np.hypot(y - cy, x - cx)) / (radius / 2), 0, 1)
        layer = np.maximum(layer, opacity * share * edge)
    return layer


def shown(film, scene, transmittance, levels=(0.0, 1.0, 1.0)):
    """The positive of a scene through dust: as the scanner and the conversion give it.
    `levels`: black point, white point, gamma.
    """
    light = {
        "linear": lambda: 1 - 0.85 * scene,
        "gamma": lambda: (1 - 0.9 * scene) ** 2.2,
        "density": lambda: 10 ** (-1.5 * scene),
        "slide": lambda: scene**2.2,
    }[film]() * transmittance
    positive = {
        "linear": lambda: 1 - light,
        "gamma": lambda: 1 - light ** (1 / 2.2),
        "density": lambda: -np.log10(light) / 2,
        "slide": lambda: light ** (1 / 2.2),
    }[film]()
    black, white, gamma = levels
    return np.clip((positive - black) / (white - black), 0, 1) ** gamma


def levels_of(seed):
    rng = np.random.default_rng([seed, 7])
    return rng.uniform(0, 0.02), rng.uniform(0.95, 1.05), rng.uniform(0.85, 1.2)


def run(film, frames=10, transmittance=None, first=0):
    """(dusty, clean): lists of uint8 frames of one run."""
    scenes = [scene(first + k) for k in range(frames)]
    through = [transmittance] * frames if isinstance(transmittance, np.ndarray) else transmittance

    def to8(positive):
        return (positive * 255 + 0.5).astype(np.uint8)

    return (
        [
            to8(shown(film, s, t, levels_of(first + k)))
            for k, (s, t) in enumerate(zip(scenes, through, strict=True))
        ],
        [to8(shown(film, s, 1.0, levels_of(first + k))) for k, s in enumerate(scenes)],
    )


def rms(image, truth, where):
    return float(
        np.sqrt(np.mean((np.asarray(image, float)[where] - np.asarray(truth, float)[where]) ** 2))
    )
