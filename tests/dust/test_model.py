"""The model of a run's dust: its particles, its parts, and its way through a mask."""

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.dust.model import (
    DustModel,
    look_around,
    look_around_together,
    mirrored,
)
from dustbust.dust.response import VALUE_NOISE, Response, Responses


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


def test_films_may_fade_the_other_way(model):
    model.dark_response = Response(0.5, -0.25)
    again = DustModel.unpack(model.pack(), model.where.shape)
    assert again.dark_response == Response(0.5, -0.25)


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
    frame[..., 1] = 0  # and of nothing around them
    observed, filled, spread = look_around(frame, model.membranes)
    assert not observed.any()
    assert not filled.any()
    assert (spread == 1).all()


def test_dark_dust_is_mirrored():
    values = np.float32([[0.25, 0.5], [0.25, 0.5]])
    assert mirrored(values, np.array([False, True])).tolist() == [[0.25, 0.5], [0.75, 0.5]]
    assert mirrored(values, np.zeros(2, bool)) is values


def test_a_model_says_what_is_expected(model):
    expected = model.expected
    assert expected.density is model.density
    assert expected.usual == Responses(model.light_response, model.dark_response)
    assert np.array_equal(expected.labels, model.particles[0])
    assert expected.pieces is model.pieces
    plain = DustModel(
        *(getattr(model, n) for n in ("where", "core", "density", "error", "share", "dark"))
    )
    assert plain.expected.usual == Responses()


def test_densities_and_errors_are_packed_within_limits(model):
    model.density[:4] = 0, 70, 0.00049, 0.0006
    model.error[:4] = 1e-4, 1e-3, 0.00105, 1e9
    packed = model.pack()
    assert packed["density"][:4].tolist() == [0, 65535, 1, 1]
    assert packed["error"][:4].tolist() == [0, 0, 1, 255]
    again = DustModel.unpack(packed, model.where.shape)
    assert again.error[:3] == pytest.approx([1e-3, 1e-3, 1.05e-3])
    assert again.error[3] == pytest.approx(1e-3 * 1.05**255, rel=1e-4)
    assert again.share == pytest.approx([230 / 255, 102 / 255])
    model.density[:] = 0.5
    assert (model.pack()["density"] == 512).all()  # 1024 steps


def changed(packed, name, value):
    return {**packed, name: value(packed[name])}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("density", lambda a: a.astype(np.float32)),
        ("responses", lambda a: a[:, :1]),
        ("responses", lambda a: a * np.float16([[-1], [1]])),
        ("responses", lambda a: a * np.float16([[-1, 1], [1, 1]])),
        ("responses", lambda a: a * np.float16(np.nan)),
        ("responses", lambda a: a * np.float16(0)),
        ("responses", lambda a: np.append(a, a, axis=0)),
        ("core", lambda a: ~a),
        ("dark", lambda a: np.append(a, a)),
        ("where", lambda a: np.append(a, a)),
        ("where", lambda a: a[:, None]),
    ],
)
def test_a_model_of_a_stranger_must_make_sense(model, name, value):
    packed = model.pack()
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        DustModel.unpack(changed(packed, name, value), model.where.shape)
    with pytest.raises(DustbustError, match="knows of its dust is damaged"):
        DustModel.unpack({n: a for n, a in packed.items() if n != "core"}, model.where.shape)


def test_a_model_of_no_dust_comes_back():
    nothing = np.zeros((7, 9), bool)
    none = np.zeros(0, np.float32)
    model = DustModel(nothing, nothing, none, none, none, np.zeros(0, bool))
    again = DustModel.unpack(model.pack(), (7, 9))
    assert again.density.size == again.share.size == 0


def test_a_model_of_many_particles_comes_back():
    core = np.zeros((4, 40), bool)
    core[1:3, 1::4] = True
    number = np.count_nonzero(core)
    values, share = np.full(number, 0.5, np.float32), np.ones(10, np.float32)
    model = DustModel(core, core, values, values, share, np.arange(10) % 3 == 0)
    again = DustModel.unpack(model.pack(), core.shape)
    assert np.array_equal(again.dark, model.dark)
    assert np.array_equal(again.share, share)


def test_a_particle_that_falls_apart_keeps_what_is_known_of_it(model):
    region = np.ones_like(model.where)
    region[:, 44:46] = False
    part = model.within(region)
    assert part.share.tolist() == pytest.approx([0.9, 0.4, 0.4])
    assert part.dark.tolist() == [False, True, True]
    # Rims without their particles go with them.
    region = model.where & ~model.core
    region[30:] = True
    rest = model.within(region)
    assert not rest.where.any()
    assert rest.share.size == rest.density.size == 0


def test_the_spread_is_at_least_that_of_rounding(model):
    frame = np.full((40, 60), 0.5, np.float32)
    _, _, spread = look_around(frame, model.membranes)
    assert spread == pytest.approx(np.full(spread.shape, VALUE_NOISE))


def test_more_pixels_may_be_unknown(model):
    """They do not fill their neighbours, and transparent ones do not either."""
    frame = np.full((40, 60), 0.2, np.float32)
    frame[:, 17:20] = 0.9
    also = np.zeros(frame.shape, bool)
    also[:, 17:20] = True
    _, filled, _ = look_around(frame, model.membranes)
    assert filled.max() > 0.4
    _, filled, _ = look_around(frame, model.membranes, also_unknown=also)
    assert filled == pytest.approx(np.full(filled.shape, 0.2), abs=0.01)
    alpha = np.ones_like(frame)
    alpha[:, 17:20] = 0
    both = np.dstack([frame, alpha])
    frame[6:9] = 0.9
    also[:] = False
    also[6:9] = True
    both = np.dstack([frame, alpha])
    _, filled, _ = look_around(both, model.membranes, also_unknown=also)
    assert filled == pytest.approx(np.full(filled.shape, 0.2), abs=0.01)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_several_frames_are_looked_at_together(model, dtype):
    rng = np.random.default_rng(1)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    frames = [(rng.random((40, 60)) * white).astype(dtype) for _ in range(19)]
    frames[3][:] = white // 2
    found = look_around_together(frames, model.membranes, dtype=np.float32, threads=2)
    assert len(found) == 19
    for frame, each in zip(frames, found, strict=True):
        observed, filled, spread = look_around(frame, model.membranes)
        assert each.observed == pytest.approx(observed[:, 0], abs=1e-6)
        assert each.filled == pytest.approx(filled[:, 0], abs=1e-5)
        assert each.spread == pytest.approx(spread, abs=1e-5)
    (alone,) = look_around_together(frames[:1], model.membranes)
    assert alone.observed == pytest.approx(found[0].observed, abs=1e-6)
    half = look_around_together(frames[:2], model.membranes, dtype=np.float16)
    assert half[1].spread.dtype == np.float16
