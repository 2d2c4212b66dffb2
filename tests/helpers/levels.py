"""Levels of details that are made up, for the parts of the registration."""

import numpy as np

from dustbust.registration.pyramid import Level
from dustbust.registration.transform import Transform

SHAPE = (96, 128)


def soft_noise(seed, shape=SHAPE, sigma=2.0):
    """Details of about 3 px, float32, with a standard deviation of 0.1."""
    rng = np.random.default_rng(seed)
    frequencies = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1]))
    passing = np.exp(-2 * (np.pi * sigma * frequencies) ** 2)
    noise = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) * passing).real
    return (0.1 * noise / noise.std()).astype(np.float32)


def moved(picture, dx, dy):
    """A picture that lies (dx, dy) px further right and down; it goes around the edges."""
    v, u = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])
    turn = np.exp(-2j * np.pi * (v * dy + u * dx))
    return np.fft.ifft2(np.fft.fft2(picture) * turn).real.astype(np.float32)


def level(details):
    """A level whose details are these."""
    made = Level(np.ones((*details.shape, 2), np.float32), 1)
    made.details = np.ascontiguousarray(details, np.float32)
    return made


def shift(dx, dy):
    return Transform(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]))
