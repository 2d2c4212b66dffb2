import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels
from dustbust.dust.observation import ExpectedDust, FrameAtDust, _Colours, observe
from dustbust.dust.response import Response, Responses


@pytest.mark.parametrize("side", [120, 700])
def test_the_shift_of_the_whole_pattern_is_found(side):
    rng = np.random.default_rng(side)
    pattern = np.maximum(ndimage.gaussian_filter(rng.normal(size=(side, side)), 2) * 4, 0)
    where = np.ones(pattern.shape, bool)
    labels, neighbours, _ = _kernels.connected_components(where, where)
    density = pattern.ravel().astype(np.float32)
    response = Response(0.9, 0.8)
    shifted = ndimage.shift(pattern, (0.4, -0.7), order=3).ravel().astype(np.float32)
    filled = np.full(density.size, 0.4, np.float32)
    observed = np.asarray(response.observed(filled, shifted), np.float32)
    observed += rng.normal(0, 0.004, observed.size).astype(np.float32)
    expected = ExpectedDust(
        density,
        labels,
        neighbours,
        np.ones(1, np.float32),
        np.zeros(1, bool),
        Responses(response, response),
    )
    frame = FrameAtDust(observed, filled, np.full(density.size, 0.01, np.float32))
    assert np.allclose(observe(frame, expected).shift, (0.4, -0.7), atol=0.03)


def dusty_frame(side, shift=(0.0, 0.0), opacity=1.0, noise=0.004):
    """A frame, and the dust that is expected there; the dust lies (down, right) beside it."""
    rng = np.random.default_rng(side)
    pattern = opacity * np.maximum(ndimage.gaussian_filter(rng.normal(size=(side, side)), 2) * 4, 0)
    where = np.ones(pattern.shape, bool)
    labels, neighbours, _ = _kernels.connected_components(where, where)
    density = pattern.ravel().astype(np.float32)
    response = Response(0.9, 0.8)
    shifted = ndimage.shift(pattern, shift, order=3).ravel().astype(np.float32)
    filled = np.full(density.size, 0.4, np.float32)
    observed = np.asarray(response.observed(filled, shifted), np.float32)
    observed += rng.normal(0, noise, observed.size).astype(np.float32)
    both = Responses(response, response)
    expected = ExpectedDust(
        density, labels, neighbours, np.ones(1, np.float32), np.zeros(1, bool), both
    )
    return FrameAtDust(observed, filled, np.full(density.size, 0.01, np.float32)), expected


def test_a_few_pixels_tell_no_shift():
    assert observe(*dusty_frame(7, (0.6, 0.6))).shift == (0, 0)
    assert np.abs(observe(*dusty_frame(60, (0.6, 0.6))).shift).min() > 0.4


def test_a_shift_that_nobody_sees_is_none():
    assert observe(*dusty_frame(120)).shift == (0, 0)


def test_light_and_dark_dust_have_responses_of_their_own():
    """In luminance and in each colour."""
    rng = np.random.default_rng(5)
    number = 8000
    filled = rng.uniform(0.2, 0.6, (number, 3)).astype(np.float32)
    density = rng.uniform(0.2, 0.8, number).astype(np.float32)
    is_dark = np.arange(number) % 2 == 1
    light = [Response(0.95, 0.9), Response(0.85, 0.8), Response(0.75, 0.7)]
    dark = [Response(0.6, 0.5), Response(0.55, 0.4), Response(0.5, 0.3)]
    observed = np.stack(
        [
            np.where(
                is_dark,
                dark[c].observed(filled[:, c], density),
                light[c].observed(filled[:, c], density),
            )
            for c in range(3)
        ],
        axis=1,
    )
    observed += rng.normal(0, 0.002, observed.shape)
    spread = np.full(number, 0.01, np.float32)
    colours = _Colours(FrameAtDust(observed.astype(np.float32), filled, spread))
    start = Responses(Response(0.8, 0.8), Response(0.6, 0.5))
    before = start, ([start.light] * 3, [start.dark] * 3)
    of_luminance, of_colours = colours.responses(density, (~is_dark, is_dark), before, None)
    grey = np.array([0.299, 0.587, 0.114], np.float32)
    for k, which in enumerate((~is_dark, is_dark)):
        told = of_luminance[k].observed(filled[which] @ grey, density[which])
        assert np.abs(told - observed[which] @ grey).mean() < 0.03
        for c, response in enumerate(of_colours[k]):
            told = response.observed(filled[which, c], density[which])
            assert np.abs(told - observed[which, c]).mean() < 0.02
    # What cannot be measured stays as it was.
    none = np.zeros(number, bool)
    of_luminance, of_colours = colours.responses(density, (~is_dark, none), before, None)
    assert of_luminance.dark is start.dark
    assert of_colours[1] == [start.dark] * 3
    assert of_luminance.light.lift == pytest.approx(0.86, abs=0.08)
