"""Two pictures that are the same but near some places."""

import numpy as np
import pytest

from dustbust import _kernels


@pytest.mark.parametrize("reach", [1, 2, 3, 8, 50])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (17, 19, 3), (16, 20, 2)])
def test_only_what_is_near_the_places_may_differ(shape, reach):
    """Near: within `reach` columns, in the same band of `reach` rows or in one beside it."""
    rng = np.random.default_rng(reach)
    y, x = np.indices(shape[:2])
    for _ in range(60):
        places = rng.random(shape[:2]) < rng.choice([0, 0.01, 0.03])
        near = np.zeros(shape[:2], bool)
        for v, u in np.argwhere(places):
            near |= (np.abs(x - u) <= reach) & (np.abs(y // reach - v // reach) <= 1)
        one = rng.integers(0, 255, shape).astype(np.uint8)
        other = one.copy()
        where = tuple(rng.integers(size) for size in shape)
        other[where] += 1
        assert _kernels.equal_away_from(one, other, places, reach) == near[where[:2]]
        assert _kernels.equal_away_from(one, one.copy(), places, reach)
        other = np.where(near.reshape(near.shape + (1,) * (one.ndim - 2)), 255 - one, one)
        assert _kernels.equal_away_from(one, other, places, reach)
