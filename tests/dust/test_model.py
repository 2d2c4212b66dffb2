"""The model of a run's dust: its particles, its parts, and its way through a mask."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.model import DustModel, look_around, mirrored
from dustbust.dust.response import Response


@pytest.fixture
def model():
    core = np.zeros((40, 60), bool)
    core[10:14, 10:16] = core[25:28, 40:50] = True
    where = core.copy()
    where[9:15, 9:17] = where[24:29, 39:51] = True
    pixels = int(where.sum())
    rng = np.random.default_rng(1)
    return DustModel(
        where,
        core,
        rng.uniform(0, 2, pixels).astype(np.float32),
        rng.uniform(0.005, 0.2, pixels).astype(np.float32),
        np.float32([0.9, 0.4]),
        np.array([False, True]),
        Response(0.9, 0.7),
        Response(1.1, 0.8),
    )


def test_each_pixel_belongs_to_the_particle_it_touches(model):
    labels, neighbours = model.particles
    y, x = np.nonzero(model.where)
    assert np.array_equal(labels, (y > 20).astype(int))
    # The neighbours are above, left, right, below: an index that is not -1 leads there.
    for column, (dy, dx) in enumerate(((-1, 0), (0, -1), (0, 1), (1, 0))):
        there = neighbours[:, column] >= 0
        to = neighbours[there, column]
        assert np.array_equal(y[to], y[there] + dy)
        assert np.array_equal(x[to], x[there] + dx)


def test_packing_keeps_densities_to_a_thousandth_and_errors_to_three_percent(model):
    again = DustModel.unpack(model.pack(), model.where.shape)
    assert np.array_equal(again.where, model.where)
    assert np.array_equal(again.core, model.core)
    assert np.array_equal(again.dark, model.dark)
    assert again.density == pytest.approx(model.density, abs=0.5 / 1024 + 1e-6)
    assert again.error == pytest.approx(model.error, rel=0.03)
    assert again.share == pytest.approx(model.share, abs=0.003)
    assert again.dark_response.lift == pytest.approx(1.1, rel=1e-3)


def test_no_arrays_are_no_model():
    assert DustModel.unpack({}, (40, 60)) is None


@pytest.mark.parametrize("name", ["where", "core", "density", "error", "share", "dark"])
def test_arrays_that_do_not_fit_are_refused(model, name):
    packed = model.pack()
    packed[name] = packed[name][:-1]
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        DustModel.unpack(packed, model.where.shape)


def test_a_part_keeps_what_is_known_of_its_particles(model):
    region = np.zeros_like(model.where)
    region[:, 30:45] = True
    part = model.within(region)
    assert part.share.tolist() == model.share[1:].tolist()
    assert part.dark.tolist() == [True]
    assert np.array_equal(part.density, model.density[region[model.where]])
    assert model.within(np.ones_like(region)) is model


def test_the_surroundings_span_a_membrane_over_the_dust(model):
    y, x = np.mgrid[:40, :60]
    clean = (0.2 + 0.004 * x + 0.003 * y).astype(np.float32)
    frame = np.where(model.where, np.float32(1), clean)
    observed, filled, spread = look_around(frame, model.membranes)
    assert (observed == 1).all()
    assert filled[:, 0] == pytest.approx(clean[model.where], abs=0.01)
    assert (spread > 0).all()


def test_hidden_pixels_show_nothing(model):
    frame = np.dstack([np.full((40, 60), 0.3), np.ones((40, 60))]).astype(np.float32)
    frame[9:15, 9:17, 1] = 0
    observed, filled, spread = look_around(frame, model.membranes)
    first = model.particles[0] == 0
    assert np.array_equal(observed[first], filled[first])
    assert (spread[first] == 1).all()


def test_dark_dust_is_mirrored():
    values = np.float32([[0.25, 0.5], [0.25, 0.5]])
    assert mirrored(values, np.array([False, True])).tolist() == [[0.25, 0.5], [0.75, 0.5]]
    assert mirrored(values, np.zeros(2, bool)) is values
