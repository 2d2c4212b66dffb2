"""The picture under dust of known density, its error, and which dust is removed at all."""

from dataclasses import replace

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.dust.model import DustModel, look_around
from dustbust.dust.observation import FrameAtDust, as_array, observe
from dustbust.dust.response import Response
from dustbust.restoration.restore import Restorer, significant, unmix
from helpers.dust_pixels import dust_pixels, effect


def unmixed_and_weight(value, density, response, filled, spread, error, noise, response_error):
    """By the formulas of dust/response.py in double precision, and propagation of errors."""
    lift, fade = response
    slope = np.exp(-fade * density)
    restored = (value - lift * (1 - slope) / fade) / slope
    inside = np.clip(restored, 0, 1)
    speed = np.maximum(lift - fade * inside, 0.03 * lift)
    variance = (speed * error) ** 2 + ((1 / slope - 1) * noise) ** 2
    variance += (response_error * (restored - value)) ** 2 + (restored - inside) ** 2
    share = spread**2 / (spread**2 + variance)
    clipped = (value <= 0.008) | (value >= 0.985)
    nearly = (value > 1 - 3 * noise) & (lift * (1 - slope) / fade + slope * filled > 1)
    return inside, np.where(clipped | nearly, 0, share)


@pytest.mark.parametrize("response", [(1.03, 1.0), (0.8, 0.5), (1.2, 1.4)])
def test_values_and_weights_are_those_of_the_formulas(response):
    rng = np.random.default_rng(1)
    pixels = 500
    density, error, spread = (
        rng.uniform(low, high, pixels).astype(np.float32)
        for low, high in ((0, 1.5), (0.005, 0.2), (0.005, 0.2))
    )
    value, filled = rng.random((2, pixels, 1), np.float32)
    value[:50] = 0.98  # nearly white, of which some was clipped
    filled[:50] = np.linspace(0.5, 1.2, 50)[:, None]
    value[50:60], value[60:70] = 0.004, 0.99  # may have been clipped
    present = rng.random(pixels) < 0.8
    responses = np.float32([[response], [(0.1, 0.1)]])
    found, weight = _kernels.unmix(
        *(value, density, np.zeros(pixels, np.int32), np.zeros(1, bool), responses, present),
        *(filled, spread, error, 0.02, 0.06, 1),
    )
    truth, share = unmixed_and_weight(
        *(np.float64(value[:, 0]), np.float64(density), response, np.float64(filled[:, 0])),
        *(np.float64(spread), np.float64(error), 0.02, 0.06),
    )
    assert found[:, 0] == pytest.approx(np.where(present, truth, value[:, 0]), abs=1e-4)
    assert weight[:, 0] == pytest.approx(np.where(present, share, 1), abs=1e-4)
    assert (share[:50] == 0).any()
    assert (share[:50] > 0).any()


def test_each_colour_has_its_response_to_light_and_to_dark_dust():
    dust = dust_pixels(300, 3, 4)
    rng = np.random.default_rng(4)
    filled, error = rng.random((300, 3), np.float32), rng.random(300, np.float32)
    present = rng.random(300) < 0.8

    def unmix_colours(which):
        return _kernels.unmix(
            *(np.ascontiguousarray(dust.observed[:, which]), dust.density, dust.labels, dust.dark),
            *(np.ascontiguousarray(dust.responses[:, which]), present),
            *(np.ascontiguousarray(filled[:, which]), dust.spread, error, 0.02, 0.06, 2),
        )

    unmixed, weight = unmix_colours([0, 1, 2])
    for c in range(3):
        one, its = unmix_colours([c])
        assert np.array_equal(unmixed[:, c], one[:, 0])
        assert np.array_equal(weight[:, c], its[:, 0])
        slope, offset = effect(*dust.response(c), dust.density)
        clean = np.clip((dust.observed[:, c] - offset) / slope, 0, 1)
        assert one[:, 0] == pytest.approx(np.where(present, clean, dust.observed[:, c]), abs=1e-4)


@pytest.mark.parametrize("x", [0, 1e-4, 0.005, 0.0099, -0.0099, 0.0101, -0.0101, 0.02])
def test_dust_whose_fade_is_nearly_nothing_adds_its_light(x):
    """The light (1 - e^-x) / x times lift and density loses no digits where x is small."""
    one, density = np.ones(1, np.float32), np.float32([10])
    response = np.float32([1, x / 10])
    slope, offset = effect(*response, density)
    found, _ = _kernels.unmix(
        *(np.float32([offset + 0.5 * slope]), density, np.zeros(1, np.int32), np.zeros(1, bool)),
        *(np.tile(response, (2, 1, 1)), np.ones(1, bool), one[None], one, one, 0.02, 0.06, 1),
    )
    assert found[0, 0] == pytest.approx(0.5, abs=5e-5)


@pytest.mark.parametrize(
    ("value", "filled", "known"),
    [
        (0.8125, 1.5, True),  # as far below white as three times the noise
        (0.8126, 1.5, False),
        (0.8126, 1.0, True),  # what is expected is white, but not clipped
        (0.8126, 1.0001, False),
    ],
)
def test_nearly_white_values_are_unknown_where_more_than_white_is_expected(value, filled, known):
    one = np.ones(1, np.float32)
    found, weight = _kernels.unmix(
        *(value * one[None], 0 * one, np.zeros(1, np.int32), np.zeros(1, bool)),
        *(np.ones((2, 1, 2), np.float32), np.ones(1, bool), np.float32([[filled]])),
        *(one, one, 0.0625, 0.0, 1),
    )
    assert found[0, 0] == np.float32(value)
    assert (weight[0, 0] > 0) == known


def model_of(where, core, density, error=0.02):
    pixels, number = int(where.sum()), int(_kernels.connected_components(where, core)[2])
    return DustModel(
        where,
        core,
        np.broadcast_to(np.float32(density), pixels).copy(),
        np.broadcast_to(np.float32(error), pixels).copy(),
        np.ones(number, np.float32),
        np.zeros(number, bool),
        Response(1.0, 1.0),
        Response(1.0, 1.0),
    )


def test_values_are_known_to_5_of_255_and_responses_to_6_per_cent():
    rng = np.random.default_rng(2)
    where = np.zeros((60, 80), bool)
    where[20:30, 20:34] = where[40:46, 50:70] = True
    model = model_of(where, where, rng.uniform(0.2, 0.8, where.sum()), 0.01)
    frame = (0.4 + 0.05 * rng.standard_normal(where.shape)).astype(np.float32)
    passing = np.exp(-model.density)
    frame[where] = frame[where] * passing + 1 - passing
    observed, filled, spread = look_around(frame, model.membranes)
    observation = observe(FrameAtDust(observed, filled, spread), model.expected)
    (response,) = as_array(observation.of_colours)[0].astype(float)
    truth, share = unmixed_and_weight(
        *(observed[:, 0].astype(float), observation.density.astype(float), response),
        *(filled[:, 0], spread.astype(float), 0.01, 5 / 255, 0.06),
    )
    found = unmix(frame, model)
    assert found.present.all()
    assert found.unmixed[:, 0] == pytest.approx(truth, abs=1e-4)
    assert found.weight[:, 0] == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize(("deviations", "is_dust"), [(1.65, False), (1.75, True)])
def test_beside_the_mask_dust_is_what_stands_out_by_1_7_deviations(deviations, is_dust):
    core, where = np.zeros((2, 20, 30), bool)
    core[5:8, 5:8] = True
    where[4:9, 4:24] = True
    far = np.arange(30) > 9  # the core is not beside these
    density = np.where(where & far, deviations * 0.02, 1)[where]
    found = significant(model_of(where, core, density, 0.02))
    assert found[core].all()
    assert found[where & (np.arange(30) > 10)].all() == is_dust
    assert found[where & (np.arange(30) > 10)].any() == is_dust
    assert not found[~where].any()


@pytest.mark.parametrize(
    ("faint", "shown", "removed"),
    [(0.5, 11, 0), (0.5, 12, 1), (0.29, 14, 0), (0.3, 14, 1), (0.31, 14, 1)],
)
@pytest.mark.parametrize("densest", [0.5, 1.0])
def test_a_particle_is_removed_if_12_of_its_dense_pixels_are_shown(faint, shown, removed, densest):
    """Dense are those with three tenths of the largest density; the rest of it is transparent."""
    dust = np.zeros((30, 60), bool)
    dust[12:13, 10:40] = True
    density = np.full(30, densest)
    density[:3] = faint * densest
    picture = np.full((30, 60, 4), 100, np.uint8)
    picture[dust, :3] = 200
    picture[..., 3] = 255 * (np.arange(60) < 10 + shown)
    _, report = Restorer(dust, model_of(dust, dust, density)).in_place(picture)
    assert report.particles == removed


def test_a_small_particle_is_removed_where_all_of_it_is_shown():
    dust = np.zeros((30, 60), bool)
    dust[12:14, 10:13] = True
    picture = np.full((30, 60, 4), 255, np.uint8)
    model = replace(model_of(dust, dust, 1.0), share=np.float32([0.9]))
    assert Restorer(dust, model).in_place(picture.copy())[1].particles == 1
    picture[12, 10, 3] = 0
    assert Restorer(dust, model).in_place(picture)[1].particles == 0


def test_pixels_that_are_unmixed_to_four_fifths_are_not_filled_again():
    rng = np.random.default_rng(3)
    dust = np.zeros((50, 60), bool)
    dust[20:26, 20:27] = True
    model = model_of(dust, dust, 0.4, 0.01)
    frame = np.clip(0.4 + 0.15 * rng.standard_normal(dust.shape), 0.1, 0.7).astype(np.float32)
    frame[dust] = 1 - np.exp(-0.4) * (1 - frame[dust])
    found = unmix(frame, model)
    assert found.present.all()
    assert found.weight.min() > 0.8
    Restorer(dust, model).in_place(frame)
    truth = found.weight * found.unmixed + (1 - found.weight) * found.filled
    assert frame[dust] == pytest.approx(truth[:, 0], abs=1e-5)


def test_beside_the_mask_what_has_no_density_is_no_dust():
    """Even if it has no error either, as in masks of other programs."""
    core, where = np.zeros((2, 12, 20), bool)
    core[5:7, 5:7] = True
    where[3:9, 3:16] = True
    density = np.where(core, 1, 0)[where]
    error = np.where(core, 0.01, 0)[where]
    found = significant(model_of(where, core, density, error))
    assert found[core].all()
    assert not found[:, 9:].any()


def test_a_particle_is_restored_if_more_than_half_of_its_density_is_unmixed():
    """The density of the pixels at which it is present; each row of the mask is a particle."""
    dust = np.zeros((50, 20), bool)
    dust[5:50:10, 4:8] = True
    model = model_of(dust, dust, np.tile([1, 1, 1, 3], 5))
    share = [(1, 1, 1, 0), (1, 1, 1, 0.1), (1, 1, 1, 0.9), (1, 1, 1, 0.4), (1, 1, 1, 1)]
    present = [(1, 1, 1, 1), (1, 1, 1, 1), (1, 1, 0, 0), (0, 0, 0, 1), (0, 0, 0, 0)]

    def counts(shown=None):
        report = Restorer(dust, model)._report(
            np.float32(share).ravel(), np.bool_(present).ravel(), shown
        )
        assert report.changed == 0
        return report.particles, report.restored, report.filled, report.absent

    assert counts() == (5, 2, 2, 1)
    shown = np.repeat([True, True, True, True, False], 4)
    assert counts(shown) == (4, 2, 2, 0)
    shown[19] = True
    assert counts(shown) == (5, 2, 2, 1)


def test_what_changed_is_told_of_dust_of_the_model_and_of_other_dust():
    dust, painted = np.zeros((2, 50, 60), bool)
    dust[20:26, 20:27] = painted[34:38, 40:44] = True
    rng = np.random.default_rng(5)
    grain = np.clip(0.1 * rng.standard_normal((*dust.shape, 1)), -0.25, 0.25)
    clean = np.float32(0.4 + grain * np.ones(3))
    frame = clean.copy()
    frame[dust] = 1 - np.exp(-0.4) * (1 - clean[dust])
    frame[painted] = 0.9
    before = frame.copy()
    changes, report = Restorer(dust | painted, model_of(dust, dust, 0.4, 0.01)).in_place(frame)
    assert frame[dust] == pytest.approx(clean[dust], abs=0.05)
    assert frame[painted].max() < 0.75
    changed = (frame != before).any(axis=2)
    assert changed[dust | painted].all()
    assert np.array_equal(changes.mask(frame), changed)
    assert report.changed == pytest.approx(changed.mean())
    assert (report.particles, report.restored, report.filled, report.absent) == (2, 1, 1, 0)
    assert (report.unfilled, report.placed) == (0, True)
    changes.undo(frame)
    assert np.array_equal(frame, before)
