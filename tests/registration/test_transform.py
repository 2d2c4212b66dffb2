"""Where a page lies in a picture: transforms, and their parts."""

import numpy as np

from dustbust.registration.transform import Transform


def test_within_box_maps_the_same_points():
    distortion = np.random.default_rng(1).normal(0, 1, (5, 1, 2)).astype(np.float32)
    matrix = np.array([[1, 0.01, 30], [-0.01, 1, 12], [0, 0, 1]])
    whole = Transform(matrix, distortion=distortion, pitch=(1.0, 50.0))
    part = whole.within_box(40, 100, 90, 80)
    x, y = np.array([3.0, 50.0, 80.0]), np.array([0.0, 25.0, 70.0])
    corner = np.array([[40], [100]])
    expected = whole.map_points(x + 40, y + 100) - corner
    # Between its knots a distortion is linear, and the knots of the part lie elsewhere.
    assert np.abs(part.map_points(x, y) - expected).max() < 1
