"""Masks: dilation and connected components, against scipy."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels
from dustbust.image import morphology


def sparse(seed=3, shape=(60, 83), share=0.03):
    return np.random.default_rng(seed).random(shape) < share


def disc(radius):
    # Each row of the disc reaches as far as the nearest whole pixel of the circle.
    dy = np.arange(-radius, radius + 1)[:, None]
    return np.abs(dy.T) <= np.rint(np.sqrt(radius**2 - dy**2))


@pytest.mark.parametrize("radius", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("threads", [1, 3])
def test_dilation_is_that_by_a_disc(radius, threads):
    mask = sparse()
    expected = ndimage.binary_dilation(mask, disc(radius)) if radius else mask
    assert np.array_equal(morphology.dilate(mask, radius, threads=threads), expected)


@pytest.mark.parametrize("radius", [1, 3])
def test_strongest_near_is_grey_dilation(radius):
    plane = np.where(sparse(), np.random.default_rng(1).random((60, 83)), 0).astype(np.float32)
    expected = ndimage.grey_dilation(plane, footprint=disc(radius), mode="constant")
    positions = np.arange(0, plane.size, 7)
    assert np.array_equal(
        morphology.strongest_near(plane, positions, radius), expected.ravel()[positions]
    )


def test_components_are_those_of_eight_neighbours_in_reading_order():
    mask = sparse(share=0.2)
    expected, number = ndimage.label(mask, np.ones((3, 3)))
    positions, labels, components = morphology.connected(mask)
    assert components == number == morphology.count_particles(mask)
    assert np.array_equal(positions, np.flatnonzero(mask))
    # Same partition, and each component is numbered by its first pixel.
    assert np.unique(np.stack([labels, expected[mask]]), axis=1).shape[1] == number
    _, first = np.unique(labels, return_index=True)
    assert (np.diff(first) > 0).all()


def test_an_empty_mask_has_no_component():
    assert morphology.count_particles(np.zeros((4, 4), bool)) == 0
    assert morphology.connected(np.zeros((4, 4), bool))[1].size == 0


def levels_that_fit(plane, limits):
    """The highest level at which each pixel is in a component that fits, by labelling each one."""
    step = limits["step"]
    level = np.minimum((plane.astype(int) + step // 2) // step, limits["highest"])
    fits = np.full(plane.shape, limits["lowest"] - 1)
    for limit in range(limits["lowest"], limits["highest"] + 1):
        labels, _ = ndimage.label(level >= limit, np.ones((3, 3)))
        area = np.bincount(labels.ravel())
        fitting = (area >= limits["smallest"]) & (area <= limits["largest"])
        fits[(level >= limit) & fitting[labels]] = limit
    free = (level < limits["highest"]) & (level >= limits["lowest"])
    return np.where(free, np.minimum(plane, fits * step), plane)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threads", [1, 3])
def test_limits_of_area_hold_at_every_level(seed, threads):
    rng = np.random.default_rng(seed)
    plane = ndimage.gaussian_filter(rng.normal(0, 0.6, (60, 70)), 1) + 0.1
    plane[rng.random(plane.shape) > 0.99] = 0.6  # components that stay as they are
    plane = np.uint16(plane.clip(0, 1) * 65535)
    limits = {"smallest": 6, "largest": 200, "step": 1000, "lowest": 8, "highest": 32}
    limited = plane.copy()
    _kernels.limit_areas(limited, **limits, threads=threads)
    assert np.array_equal(limited, levels_that_fit(plane, limits))
    assert (limited != plane).any()
