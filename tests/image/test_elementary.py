import numpy as np
import pytest

from dustbust.image.elementary import exponential, logarithm


def test_exponentials_are_those_of_the_library():
    x = np.linspace(-80, 80, 100_001, dtype=np.float32)
    truth = np.exp(x.astype(np.float64))
    assert np.abs(exponential(x) / truth - 1).max() < 1e-7  # twice the rounding of float32
    assert np.array_equal(
        exponential([-np.inf, -80.1, 80.1, 1000]), exponential([-80, -80, 80, 80])
    )
    assert exponential([np.nan])[0] == exponential([-80])[0]
    assert (np.diff(exponential([-80, -79.99, 79.99, 80])) > 0).all()


def test_logarithms_are_those_of_the_library():
    x = np.geomspace(1e-30, 1e30, 100_001).astype(np.float32)
    truth = np.log(x.astype(np.float64))
    error = np.abs(logarithm(x) - truth) / np.maximum(np.abs(truth), 1)
    assert error.max() < 1.3e-7
    x = np.geomspace(0.5, 2, 100_001).astype(np.float32)
    assert np.abs(logarithm(x) - np.log(x.astype(np.float64))).max() < 6e-8
    assert logarithm([1.0])[0] == 0


@pytest.mark.parametrize("shape", [(), (0,), (3, 2)])
def test_the_shape_stays(shape):
    assert exponential(np.ones(shape)).shape == logarithm(np.ones(shape)).shape == shape
