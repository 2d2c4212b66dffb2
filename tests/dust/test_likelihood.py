"""The evidence of neighbouring pixels for the dust, against a plain one in numpy."""

import numpy as np
import pytest

from dustbust import _kernels
from helpers.dust_pixels import dust_pixels, effect

SMALLEST, LARGEST = 0.01, 1e6


def plain_roughness(dust, faintest):
    """log of how much rougher pairs are with the dust than without it, mean over the colours."""
    total = np.zeros(len(dust.density))
    for c in range(dust.observed.shape[1]):
        seen = dust.observed[:, c].astype(float)
        slope, offset = effect(*dust.response(c), dust.density)
        restored = (seen - offset) / slope
        clipped = (dust.observed[:, c] <= np.float32(_kernels.BLACK)) | (
            dust.observed[:, c] >= np.float32(_kernels.WHITE)
        )
        for side in (2, 3):
            for i, j in enumerate(dust.neighbours[:, side]):
                if j < 0 or dust.labels[i] != dust.labels[j] or (clipped[i] and clipped[j]):
                    continue
                if max(dust.density[i], dust.density[j]) <= faintest:
                    continue
                step, stretched = restored[i] - restored[j], (slope[i] + slope[j]) / 2
                # A clipped value may have been any value beyond the limit.
                if clipped[i]:
                    step = max(step, 0) if seen[i] > 0.5 else min(step, 0)
                if clipped[j]:
                    step = min(step, 0) if seen[j] > 0.5 else max(step, 0)
                if clipped[i] or clipped[j]:
                    stretched = 1
                ratio = (abs(seen[i] - seen[j]) + SMALLEST) / ((abs(step) + SMALLEST) * stretched)
                total[i] += np.log(np.clip(ratio, 1 / LARGEST, LARGEST))
    return total / dust.observed.shape[1]


def roughness(dust, faintest, threads):
    return _kernels.roughness(
        *(dust.observed, dust.density, dust.labels, dust.neighbours, dust.dark, dust.responses),
        *(faintest, threads),
    )


@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("pixels", [1, 2, 37, 1023, 1024, 1025, 2500])
def test_pairs_that_dust_makes_rougher_are_evidence_for_it(colours, pixels):
    dust = dust_pixels(pixels, colours, pixels)
    found = roughness(dust, 0.3, 2)
    assert found == pytest.approx(plain_roughness(dust, 0.3), abs=1e-4)
    assert np.array_equal(found, roughness(dust, 0.3, 1))


def test_a_pair_as_faint_as_the_faintest_does_not_count():
    dust = dust_pixels(60, 1, 1)
    dust.density[:] = 0.25
    assert not roughness(dust, 0.25, 1).any()
    dust.density[::2] = np.float32(0.2500001)
    assert roughness(dust, 0.25, 1) == pytest.approx(plain_roughness(dust, 0.25), abs=1e-4)


def test_no_pair_counts_for_more_than_a_million_to_one():
    """Even where values are far from those of a picture."""
    dust = dust_pixels(60, 1, 2)
    dust.observed[::2] *= 1e9
    dust.responses[:] = (1.0, 1.0)
    dust.density[:] = np.where(np.arange(60) % 4 < 2, 20, 0.5)
    expected = plain_roughness(dust, 0.1)
    assert np.abs(expected).max() > np.log(LARGEST) - 0.01
    assert roughness(dust, 0.1, 1) == pytest.approx(expected, rel=1e-4, abs=1e-3)
