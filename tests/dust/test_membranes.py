"""Membranes over several pictures at once."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.dust.model import look_around, look_around_together
from helpers import synthetic_run


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_frames_looked_at_together_show_what_each_shows_alone(dtype):
    frames, opacity = synthetic_run.run(3, 11)
    planes = [(frame.astype(dtype) * (257 if dtype == np.uint16 else 1)) for frame in frames]
    if dtype == np.float32:
        planes = [plane / np.float32(255) for plane in planes]
    membranes = _kernels.Membranes(opacity > 0.05)
    together = look_around_together(planes, membranes, threads=2)
    assert len(together) == len(planes)
    for plane, found in zip(planes, together, strict=True):
        alone = look_around(plane, membranes, threads=1)
        assert np.array_equal(found.observed, alone.observed[:, 0])
        assert np.array_equal(found.filled, alone.filled[:, 0])
        assert np.array_equal(found.spread, alone.spread)
