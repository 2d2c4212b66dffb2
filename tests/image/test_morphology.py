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


@pytest.mark.parametrize(
    ("smallest", "largest", "step", "lowest", "highest"),
    [
        (0, 40, 1000, 1, 5),
        (1, 7, 999, 2, 9),
        (4, 1000, 64, 3, 3),
        (5, 5, 7, 1, 60),
        (3, 2, 9, 2, 8),
    ],
)
@pytest.mark.parametrize("shape", [(1, 60), (60, 1), (2, 33), (23, 31), (40, 3)])
def test_limits_of_area_hold_for_any_limits_and_shape(
    shape, smallest, largest, step, lowest, highest
):
    """Plateaus, values half way between two levels, and all of a plane above the lowest level."""
    area = shape[0] * shape[1]
    limits = {"smallest": min(smallest, area), "largest": min(largest, area)}
    limits |= {"step": step, "lowest": lowest, "highest": highest}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        level = rng.integers(0 if seed % 4 else lowest, highest + 2, shape)
        if seed % 2:
            level = np.maximum(level, ndimage.maximum_filter(level, 2) - 1)
        offset = rng.choice([0, 0, step // 2, step // 2 - 1, -(step // 2), -(step // 2) - 1], shape)
        plane = np.clip(level * step + offset, 0, 65535).astype(np.uint16)
        plane[rng.random(shape) < 0.03] = 65535
        limited = plane.copy()
        _kernels.limit_areas(limited, **limits, threads=1 + seed % 3)
        assert np.array_equal(limited, levels_that_fit(plane, limits))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (17, 23), (9, 130)])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 1])
def test_pixels_know_their_neighbours_and_the_nearest_core(shape, share):
    """Of the pixels above, left, right and below; a core is nearest by steps between those."""
    rng = np.random.default_rng(int(share * 10))
    mask = rng.random(shape) < share
    mask.ravel()[0] = True
    number = np.full(np.add(shape, 2), -1)
    number[1:-1, 1:-1][mask] = np.arange(mask.sum())
    beside = [number[:-2, 1:-1], number[1:-1, :-2], number[1:-1, 2:], number[2:, 1:-1]]
    expected = np.stack([plane[mask] for plane in beside], axis=1)
    labels, neighbours, count = _kernels.connected_components(mask, mask)
    assert np.array_equal(neighbours, expected)
    assert count == ndimage.label(mask, np.ones((3, 3)))[1]
    assert np.array_equal(labels, morphology.connected(mask)[1])

    cores = mask & (rng.random(shape) < 0.2)
    labels, neighbours, count = _kernels.connected_components(mask, cores)
    of_cores, _ = ndimage.label(cores, np.ones((3, 3)))
    assert count == of_cores.max()
    assert np.array_equal(neighbours, expected)
    # Steps from each particle of cores within the mask, 4 ways.
    steps = np.full((count + 1, *shape), np.inf)
    for k in range(1, count + 1):
        reached, distance = of_cores == k, 0
        while (np.isinf(steps[k]) & reached).any():
            steps[k][np.isinf(steps[k]) & reached] = distance
            reached, distance = ndimage.binary_dilation(reached) & mask, distance + 1
    found = np.where(labels < 0, 0, labels + 1)
    of_found = steps[:, mask][found, np.arange(len(found))]
    assert np.array_equal(of_found, steps.min(axis=0)[mask])
    assert np.array_equal(labels[cores[mask]] + 1, of_cores[cores])
    assert np.array_equal(labels < 0, np.isinf(steps.min(axis=0)[mask]))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 200), (30, 31)])
@pytest.mark.parametrize("radius", [0, 1, 3, 40])
def test_dilation_at_the_borders_of_a_picture_of_any_size(shape, radius):
    mask = np.zeros(shape, bool)
    mask[0, 0] = mask[-1, -1] = mask[0, -1] = True
    mask |= sparse(radius, shape)
    found = _kernels.dilate(mask, radius, 2)
    expected = ndimage.binary_dilation(mask, disc(radius)) if radius else mask
    assert np.array_equal(found.view(np.uint8), expected)
