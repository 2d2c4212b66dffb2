"""The original fill: its values before they are blended, and the weights of the blend."""

import numpy as np
import pytest

from dustbust import _kernels


def box_sums(plane, radius):
    """Sums over what lies inside the picture, of (H, W, C)."""
    for axis in (0, 1):
        ends = np.cumsum(np.insert(plane, 0, 0, axis), axis)
        size = plane.shape[axis]
        first = np.maximum(np.arange(size) - radius, 0)
        last = np.minimum(np.arange(size) + radius + 1, size)
        plane = np.take(ends, last, axis) - np.take(ends, first, axis)
    return plane


def plain_fill(image, mask, colours, radius, passes):
    """Means of the known pixels of a box, pass after pass."""
    values = image[..., :colours].astype(float)
    data = image[..., -1] > 0 if image.shape[2] > colours else np.ones(mask.shape, bool)
    known, left = data & ~mask, data & mask
    for _ in range(passes):
        number = box_sums(known[..., None].astype(float), radius)
        now = left & (number[..., 0] > 0.5)
        if not now.any():
            break
        total = box_sums(values * known[..., None], radius)
        values[now] = (total / np.maximum(number, 1))[now]
        known, left = known | now, left & ~now
    return values[mask], left.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("box", "passes"), [(1, 3), (3, 0), (3, 1), (3, 4), (7, 50), (200, 2)])
def test_values_are_means_of_known_pixels_pass_after_pass(dtype, channels, box, passes):
    rng = np.random.default_rng(channels)
    colours = channels - (channels + 1) % 2
    for shape, share in (((31, 40), 0.3), ((25, 30), 0.95), ((1, 50), 0.6), ((50, 1), 0.6)):
        image = rng.random((*shape, channels))
        if channels > colours:
            image[..., -1] = rng.random(shape) < 0.8
        if dtype != np.float32:
            image *= np.iinfo(dtype).max
        image = image.astype(dtype)
        mask = rng.random(shape) < share
        mask[: shape[0] // 2, shape[1] // 3 : shape[1] // 2] = True
        masked = _kernels.MaskedPixels(np.flatnonzero(mask), *shape)
        found, left = _kernels.box_fill(image, masked, colours, box, passes, 3)
        expected, failures = plain_fill(image, mask, colours, box // 2, passes)
        assert left == failures
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.8, 1.0, 2.5])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (22, 27)])
def test_a_mask_is_softened_by_a_bell_of_four_deviations(shape, sigma):
    rng = np.random.default_rng(3)
    mask = rng.random(shape) < 0.4
    mask.ravel()[-1] = True
    masked = _kernels.MaskedPixels(np.flatnonzero(mask), *shape)
    found = _kernels.softened(masked, sigma, 2)
    expected = np.ones(mask.sum())
    if sigma:
        reach = int(np.ceil(4 * sigma))
        y, x = np.indices(shape)
        for k, (v, u) in enumerate(np.argwhere(mask)):
            bell = np.exp(-((y - v) ** 2 + (x - u) ** 2) / (2 * sigma**2))
            bell[(np.abs(y - v) > reach) | (np.abs(x - u) > reach)] = 0
            expected[k] = bell[mask].sum() / bell.sum()
    assert found == pytest.approx(expected, abs=1e-6)
