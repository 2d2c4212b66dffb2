"""The table of stacking modes, and what follows from it."""

import numpy as np
import pytest

import dustbust
from dustbust.stacking.brightness import brightened
from dustbust.stacking.modes import MODES

SCANS = [np.full((4, 6), value, np.uint8) for value in (3, 5)]


def test_every_mode_is_named_in_docstring_and_message():
    with pytest.raises(ValueError, match="mode must be one of") as error:
        dustbust.stack_scans(SCANS, mode="loudest")
    for name, mode in MODES.items():
        document = " ".join(dustbust.stack_scans.__doc__.split())
        assert f'"{name}": {mode.summary}.' in document
        assert name in str(error.value)


def test_options_of_other_modes_are_refused():
    with pytest.raises(TypeError, match='mode="mean" has no option polarity; it has none'):
        dustbust.stack_scans(SCANS, mode="mean", align=False, polarity="dark")
    with pytest.raises(TypeError, match='mode="dust-free" has no option sigma; it has polarity'):
        dustbust.stack_scans(SCANS, sigma=3)
    with pytest.raises(ValueError, match="polarity must be one of auto, light, dark, both"):
        dustbust.stack_scans(SCANS, polarity="black")


def test_a_report_is_one_object_for_all_modes():
    report = dustbust.stack_scans(SCANS, mode="range", align=False, view=True, return_report=True)
    page = dustbust.stack_scans(SCANS, mode="range", align=False, view=True)
    assert isinstance(report, dustbust.StackReport)
    assert np.array_equal(report.page, page)
    assert report.dust is None
    assert report.gain.tolist() == [[1], [1]]
    assert report.offset.tolist() == [[0], [0]]
    assert report.white == 2
    assert report.filled == 0


def test_a_statistic_has_the_numbers_of_the_scans_unless_it_is_to_be_viewed():
    page = dustbust.stack_scans(SCANS, mode="range", align=False)
    assert page.dtype == np.float32
    assert (page == 2).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_brightness_has_the_rounding_of_a_resampled_scan(dtype):
    rng = np.random.default_rng(3)
    scan = (
        rng.random((20, 30, 3)).astype(np.float32)
        if dtype == np.float32
        else rng.integers(0, np.iinfo(dtype).max + 1, (20, 30, 3)).astype(dtype)
    )
    gain, offset = np.array([1.25, 0.5, 0.9]), np.array([0.5, 0.25, -3.0])
    resampled = dustbust.Registration(np.eye(3)).resample(
        scan, (0, 0, 30, 20), gain=gain, offset=offset
    )
    assert np.array_equal(brightened(scan, gain, offset), resampled[..., :3])


@pytest.mark.parametrize("mode", ["mean", "maximum", "range", "variance"])
@pytest.mark.parametrize("view", [False, True])
def test_only_statistics_are_scaled_to_be_viewed(mode, view):
    rng = np.random.default_rng(3)
    scans = list(rng.integers(90, 160, (3, 12, 15), np.uint8))
    report = dustbust.stack_scans(scans, mode=mode, align=False, view=view, return_report=True)
    expected = {"mean": np.mean, "maximum": np.max, "range": np.ptp, "variance": np.var}[mode](
        scans, axis=0, **({"ddof": 1} if mode == "variance" else {})
    )
    if mode in ("mean", "maximum"):
        assert report.white is None
        assert np.array_equal(report.page, np.rint(expected))
    elif view:
        assert report.page.dtype == np.uint8
        assert report.white == pytest.approx(expected.max(), rel=1e-5)
        assert report.page == pytest.approx(expected / expected.max() * 255, abs=0.51)
    else:
        assert report.white is None
        assert report.page == pytest.approx(expected, rel=1e-5)
