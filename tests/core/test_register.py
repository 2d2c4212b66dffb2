"""Registration: the page is found where it is, not where the dust is."""
import sys
from pathlib import Path

import numpy as np
import pytest

import dustbust

sys.path.insert(0, str(Path(__file__).parents[1]))
from synthetic_scans import largest_error, movement, simulate  # noqa: E402

MOVES = {
    "4 px": movement(3.25, -2.5),
    "20 px": movement(17.25, -11.75),
    "a third of the page": movement(-210.5, 60.25),
    "turned": movement(12.3, 18.2, turn=0.7),
    "stretched": movement(-14.6, 22.1, turn=-0.2, stretch=1.004),
}


@pytest.mark.parametrize("name", MOVES)
def test_movement_is_found_in_spite_of_static_dust(name):
    case = simulate([MOVES[name]], polarity="light" if name == "20 px" else "dark", seed=len(name))
    found = dustbust.register_scans(case.scans)
    assert np.array_equal(found[0].matrix, np.eye(3))
    assert largest_error(found[1].matrix, case.matrices[1]) <= 0.05
    assert found[1].confidence > 0.5


def test_other_brightness_and_contrast():
    case = simulate([movement(13.5, 9.25)])
    dim = (case.scans[1] * 0.4 + 50).astype(np.uint8)
    assert largest_error(dustbust.register_scans([case.scans[0], dim])[1].matrix, case.matrices[1]) <= 0.05


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_depth_and_channels_do_not_matter(dtype):
    case = simulate([movement(13.5, 9.25)])
    white = 257 if dtype == np.uint16 else 1 / 255
    scans = [np.repeat((scan * np.float32(white)).astype(dtype)[..., None], 3, axis=2) for scan in case.scans]
    assert largest_error(dustbust.register_scans(scans)[1].matrix, case.matrices[1]) <= 0.05
