"""Luminance by the weights of Rec. 601, and its means over squares of pixels."""

import numpy as np
import pytest

from dustbust import _kernels

REC601 = np.array([0.299, 0.587, 0.114])
WHITE = {"uint8": 255, "uint16": 65535, "float32": 1}


def picture(dtype, shape, seed=1):
    rng = np.random.default_rng(seed)
    values = (rng.random(shape) * WHITE[dtype]).astype(dtype)
    values[0, 0] = WHITE[dtype]
    return values


@pytest.mark.parametrize("dtype", WHITE)
@pytest.mark.parametrize("shape", [(1, 1, 3), (19, 45, 3), (20, 33, 4)])
def test_luminance_has_the_depth_of_16_bits_or_of_floats(dtype, shape):
    image = picture(dtype, shape)
    found = _kernels.luminance(image, 3)
    white = WHITE["float32" if dtype == "float32" else "uint16"]
    assert found.dtype == (np.float32 if dtype == "float32" else np.uint16)
    expected = image[..., :3] @ REC601 / WHITE[dtype] * white
    assert np.abs(found - expected).max() <= (1e-6 if white == 1 else 0.51)
    assert found[0, 0] == pytest.approx(white)


@pytest.mark.parametrize("dtype", WHITE)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("factor", [1, 2, 3, 5])
def test_reduced_luminance_is_the_mean_of_squares_that_are_all_known(dtype, channels, factor):
    image = picture(dtype, (23, 41, channels))
    has_alpha = channels in (2, 4)
    largest = 0.8 * WHITE[dtype]
    if has_alpha:
        image[..., -1] = np.where(np.random.default_rng(2).random((23, 41)) < 0.1, 0, WHITE[dtype])
    for alpha in {False, has_alpha}:
        found = _kernels.reduce_luminance(image, alpha, factor, largest, 2)
        rows, columns = 23 // factor, 41 // factor
        assert found.shape == (rows, columns, 2)
        light = image[..., :3] @ REC601 if channels >= 3 else image[..., 0].astype(float)
        known = image[..., -1] > 0 if alpha else np.ones((23, 41))
        light, known = (
            plane[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
            for plane in (light, known)
        )
        assert found[..., 0] == pytest.approx(light.mean(axis=(1, 3)) / largest, abs=1e-5)
        assert np.array_equal(found[..., 1], known.min(axis=(1, 3)))
