"""The dust of a scanner as a mask and as a model."""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.dust.model import DustModel
from dustbust.dust.polarity import Polarity
from dustbust.stacking.scanner_dust import ScannerDust


def marked(opacity):
    """A mark as the kernels round it: 60 + 180 * opacity, cut to a whole number; 0 for none."""
    return np.where(opacity > 0, 60 + 180 * np.asarray(opacity), 0).astype(np.uint8)


def dust_of(opacity, polarity=Polarity.DARK):
    return ScannerDust(marked(opacity), [], polarity, 0.01)


def test_marks_are_those_of_the_kernels():
    assert (_kernels.DUST_MARK, _kernels.DUST_PER_OPACITY) == (60, 180)


def test_the_grey_of_the_mask_is_the_opacity():
    """A mark stands for opacities of one step of 1/180; two steps more keep fill from showing."""
    opacity = np.array([[0, 0.01, 0.1, 0.2, 0.5, 0.9, 1.0]])
    mask = dust_of(opacity).mask(["scan"])
    assert mask.grey[0, 0] == 0
    assert (mask.grey[0, 1:] >= np.minimum(opacity[0, 1:], 1)).all()
    assert (mask.grey[0, 1:] <= opacity[0, 1:] + 2.01 / 180).all()
    assert mask.grey.max() == 1
    assert (mask.threshold, mask.polarity, mask.frames) == (0.2, "dark", ("scan",))


def model_of(opacity, polarity=Polarity.DARK):
    mask = dust_of(opacity, polarity).mask(["scan"])
    return mask.grey, DustModel.unpack(mask.model, mask.grey.shape)


def test_faint_dust_counts_beside_dense_dust_only():
    opacity = np.zeros((9, 20))
    opacity[3:6, 3:6] = 0.06  # faint, with
    opacity[4, 4] = 0.3  # a dense core
    opacity[3:6, 7] = 0.02  # too faint
    opacity[3:6, 12:15] = 0.1  # faint, alone
    _, model = model_of(opacity)
    assert np.array_equal(model.where, (opacity >= 0.06) & (np.arange(20) < 10))
    assert np.array_equal(model.core, opacity >= 0.3)


@pytest.mark.parametrize("polarity", [Polarity.DARK, Polarity.LIGHT])
def test_the_density_is_that_of_the_opacity(polarity):
    """An opacity is known to 0.05, and at most 0.95."""
    opacity = np.zeros((9, 16))
    opacity[3:5, 2:4] = [[0.25, 0.5], [0.75, 0.9]]
    opacity[3:5, 9:11] = 1.0
    grey, model = model_of(opacity, polarity)
    taken = np.minimum(grey[model.where].astype(float), 0.95)
    assert model.density == pytest.approx(-np.log(1 - taken), abs=2e-3)
    assert model.error == pytest.approx(0.05 / (1 - taken), rel=3e-2)
    assert model.share.tolist() == [1, 1]
    assert model.dark.tolist() == [polarity is Polarity.DARK] * 2


def test_dust_of_both_polarities_has_no_model():
    assert not dust_of(np.full((5, 5), 0.5), Polarity.BOTH).mask(["scan"]).model


def test_a_scan_may_have_marks_of_its_own():
    all_of_them, *own = (np.full((2, 2), value, np.uint8) for value in (0, 60, 80))
    assert ScannerDust(all_of_them, own, Polarity.DARK, 0.01).of_scan(1) is own[1]
    assert ScannerDust(all_of_them, [], Polarity.DARK, 0.01).of_scan(1) is all_of_them
