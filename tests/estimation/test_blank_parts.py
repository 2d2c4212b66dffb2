"""From a blank to the dust: light, opacity, density, and how frames respond; one by one."""

from types import SimpleNamespace

import numpy as np
import pytest
import tifffile

from dustbust import DustbustError, estimate_mask
from dustbust.dust.observation import FrameAtDust
from dustbust.dust.polarity import Polarity
from dustbust.dust.response import Response, Responses
from dustbust.estimation.blank import (
    _FramesAtDust,
    _is_inverted,
    _median,
    _model_of,
    _of_particles,
    _particles,
    _respond,
    _warnings,
    _which,
    light_of,
    list_of_blanks,
    opacity_of,
)

SHAPE = (80, 120)


def srgb(light):
    """The transfer function of IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_whole_numbers_are_taken_for_srgb_and_float32_for_light():
    light = np.linspace(0, 1, 400).reshape(20, 20)
    coded = (srgb(light) * 65535 + 0.5).astype(np.uint16)
    assert light_of(coded) == pytest.approx(light, abs=2e-5)
    linear = light.astype(np.float32)
    assert np.array_equal(light_of(linear), linear)
    linear[3, 4], linear[5, 6] = np.nan, np.inf
    assert light_of(linear)[3, 4] == light_of(linear)[5, 6] == 0


def test_an_infrared_plane_is_the_light(tmp_path):
    plane = np.random.default_rng(1).integers(0, 65536, (20, 30), np.uint16)
    path = tmp_path / "frame.tif"
    values = np.dstack([np.zeros((20, 30, 3), np.uint16), plane])
    tifffile.imwrite(path, values, photometric="rgb", extrasamples=["unspecified"], metadata=None)
    assert light_of(path) == pytest.approx(plane / 65535, abs=1e-6)


def test_one_blank_or_several():
    plane = np.zeros(SHAPE, np.uint8)
    assert list_of_blanks(plane)[0] is plane
    assert len(list_of_blanks([plane, plane])) == 2
    assert list_of_blanks("glass.png") == ["glass.png"]
    with pytest.raises(DustbustError, match="no blank"):
        list_of_blanks([])


@pytest.mark.parametrize(
    ("level", "lighter", "inverted"), [(0.3, 0.6, True), (0.3, 0.45, False), (0.6, 0.9, False)]
)
def test_the_dust_of_an_inverted_blank_is_lighter_by_twice_what_else_is_darker(
    level, lighter, inverted
):
    light = np.full((200, 300), level, np.float32)
    light[50:70, 60:80] = lighter
    light[100:109, 200:210] = level - 0.1  # a sixth of a per cent
    assert _is_inverted(light) == inverted


def glass(*dusty, level=0.8, opacity=0.5, noise=0.0, seed=0):
    light = np.full(SHAPE, level, np.float32)
    for box in dusty:
        light[box] *= 1 - opacity
    return light + np.float32(np.random.default_rng(seed).normal(0, noise, SHAPE))


ONE, OTHER = np.s_[30:34, 40:44], np.s_[50:54, 80:84]


def test_of_three_blanks_the_median_counts_and_of_two_the_mean():
    alone, _ = opacity_of([glass(ONE)], SHAPE)
    assert alone[32, 42] == pytest.approx(0.5, abs=0.01)
    two, _ = opacity_of([glass(ONE, OTHER), glass(ONE)], SHAPE)
    assert (two[32, 42], two[52, 82]) == pytest.approx((0.5, 0.25), abs=0.01)
    three, _ = opacity_of([glass(ONE, OTHER), glass(ONE), glass(ONE)], SHAPE)
    assert (three[32, 42], three[52, 82]) == pytest.approx((0.5, 0), abs=0.01)
    dense, _ = opacity_of([glass(ONE, opacity=1.0)], SHAPE)
    assert dense[32, 42] == pytest.approx(0.995)
    assert dense.min() == 0


def test_wide_dust_and_falling_light_are_told_apart():
    """Dust does not darken its background; what grows darker to the edges is not dust."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    falling = 1 - 0.3 * np.hypot(y / SHAPE[0] - 0.5, x / SHAPE[1] - 0.5)
    light = np.float32(0.8 * falling)
    light[20:44, 30:54] *= 0.6  # 6 blocks wide
    opacity, _ = opacity_of([light], SHAPE)
    assert opacity[24:40, 34:50] == pytest.approx(np.full((16, 16), 0.4), abs=0.03)
    clean = np.ones(SHAPE, bool)
    clean[16:48, 26:58] = False
    assert opacity[clean].max() < 0.04


@pytest.mark.parametrize(("dust", "found"), [(0.015, 0.015), (0.008, 0)])
def test_wide_dust_that_takes_more_than_a_hundredth_is_not_background(dust, found):
    opacity, _ = opacity_of([glass(np.s_[28:52, 40:64], opacity=dust)], SHAPE)
    assert opacity[40, 52] == pytest.approx(found, abs=0.001)


def test_another_size_is_refused():
    with pytest.raises(DustbustError, match="120 x 80, but the frames are 60 x 40"):
        opacity_of([glass()], (40, 60))


def test_the_density_follows_from_the_opacity_and_so_does_its_error():
    opacity = np.zeros(SHAPE, np.float32)
    marked = np.zeros(SHAPE, bool)
    opacity[ONE], opacity[OTHER] = 0.5, 0.9
    marked[ONE] = marked[OTHER] = True
    model = _model_of(opacity, marked, 0.01, None)
    assert np.array_equal(model.core, marked)
    assert model.where[ONE[0].start - 4, 42]  # with a rim of 4 px
    assert not model.where[ONE[0].start - 5].any()
    density = np.zeros(SHAPE)
    density[ONE], density[OTHER] = np.log(2), np.log(10)
    assert model.density == pytest.approx(density[model.where], rel=1e-5)
    passing = np.exp(-density[model.where])
    error = np.hypot(0.01 / passing, 0.03 * density[model.where]) + 0.005
    assert model.error == pytest.approx(error, rel=1e-4)
    assert model.share == pytest.approx([0.95, 0.95])
    assert model.dark.tolist() == [False, False]


def frame(lift, density, level=0.4, noise=0.004, seed=0, absent=()):
    """What a frame shows at dust; lift below 0 for dark dust."""
    rng = np.random.default_rng(seed)
    filled = rng.uniform(level - 0.1, level + 0.1, density.size).astype(np.float32)
    response = Response(abs(lift), abs(lift))
    present = np.where(np.isin(np.arange(density.size), absent), 0, density)
    if lift > 0:
        observed = response.observed(filled, np.float32(present))
    else:
        observed = 1 - response.observed(1 - filled, np.float32(present))
    observed = observed + rng.normal(0, noise, density.size)
    spread = np.full(density.size, 0.02, np.float32)
    return FrameAtDust(np.float32(observed), filled, spread)


def model_of_two():
    opacity = np.zeros(SHAPE, np.float32)
    marked = np.zeros(SHAPE, bool)
    rng = np.random.default_rng(3)
    for box in (np.s_[20:32, 30:42], np.s_[50:62, 80:92]):
        opacity[box] = rng.uniform(0.2, 0.6, (12, 12))
        marked[box] = True
    return _model_of(opacity, marked, 0.01, None)


@pytest.mark.parametrize(("lift", "polarity"), [(0.9, "light"), (-0.9, "dark")])
@pytest.mark.parametrize("asked", ["auto", "given"])
def test_frames_tell_their_response_and_what_is_present(lift, polarity, asked):
    model = model_of_two()
    second = np.flatnonzero(model.particles[0] == 1)
    frames = [frame(lift, model.density, seed=n) for n in range(3)]
    frames.append(frame(lift, model.density, seed=3, absent=second))
    model, found, probabilities = _respond(
        model, frames, polarity if asked == "given" else "auto", None
    )
    assert found is Polarity(polarity)
    assert model.dark.tolist() == [polarity == "dark"] * 2
    usual = model.dark_response if polarity == "dark" else model.light_response
    densities = np.float32([0.2, 0.8])
    assert usual.observed(np.float32(0.5), densities) == pytest.approx(
        Response(0.9, 0.9).observed(np.float32(0.5), densities), abs=0.02
    )
    present = np.array(probabilities)
    assert present == pytest.approx(np.array([[1, 1]] * 3 + [[1, 0]]), abs=0.05)
    # Two frames more are taken to have shown 0.95 of them.
    assert model.share == pytest.approx([(4 + 1.9) / 6, (3 + 1.9) / 6], abs=0.02)


def test_without_a_frame_nothing_changes():
    model, found, probabilities = _respond(model_of_two(), [], "auto", None)
    assert (found, probabilities) == (Polarity.LIGHT, [])
    assert model.share == pytest.approx([0.95, 0.95])
    assert model.light_response == Response()


def test_frames_that_do_not_respond_do_not_have_the_dust():
    model = model_of_two()
    for lift, has in ((0.05, 0), (0.2, 1)):
        frames = [frame(lift, model.density, noise=0.0005, seed=n) for n in range(2)]
        answered, _, probabilities = _respond(model_of_two(), frames, "light", None)
        assert np.array(probabilities) == pytest.approx(np.full((2, 2), has), abs=0.05)
        assert (answered.light_response == Response(0.08, 0.0)) == (has == 0)


def test_the_kind_of_dust_is_that_of_the_denser_and_surer_pixels():
    density = np.float32([1, 0.1, 0.5])

    def kind(*differences, spread=(0.1, 0.1, 0.1)):
        frames = [
            FrameAtDust(0.5 + np.float32(each), np.full(3, 0.5, np.float32), np.float32(spread))
            for each in differences
        ]
        return _which(density, frames)

    assert kind((0.1, -0.5, 0)) is Polarity.LIGHT
    assert kind((-0.1, 0.5, 0)) is Polarity.DARK
    assert kind((0.1, 0, 0), (-0.2, 0, 0)) is Polarity.DARK
    assert kind((0.1, 0, -0.1), spread=(0.4, 0.1, 0.1)) is Polarity.DARK
    assert kind((0, 0, 0)) is Polarity.LIGHT


def test_medians_of_responses_and_values_of_particles():
    light = [Response(1.0, 0.2), Response(0.6, 0.9), Response(0.8, 0.4)]
    dark = [Response(0.3, 0.1), Response(0.5, 0.2), Response(0.4, 0.6)]
    usual = _median([Responses(*each) for each in zip(light, dark, strict=True)])
    assert usual == Responses(Response(0.8, 0.4), Response(0.4, 0.2))
    values = _of_particles(np.float32([0.5, 0.25, 0.5]), np.int32([0, 2, 0]), 3)
    assert values.tolist() == [0.5, 0, 0.25]


def test_the_report_lists_the_particles():
    grey = np.zeros(SHAPE, np.float32)
    marked = np.zeros(SHAPE, bool)
    grey[30:33, 40:42] = 0.25
    grey[30, 40] = 0.75
    grey[60, 100:103] = 0.1234
    marked[30:33, 40:42] = marked[60, 100:103] = True
    model = SimpleNamespace(share=np.float32([0.95, 0.4567]))
    assert _particles(grey, marked, model) == [
        [round(40.5), 31, 6, 0.333, 0.95],
        [101, 60, 3, 0.123, 0.457],
    ]


def test_a_blank_of_another_day_is_one_with_less_than_half_of_its_dust():
    model = SimpleNamespace(share=np.ones(3))

    def warned(*present):
        return [str(each) for each in _warnings(model, [np.array(p) for p in present])]

    assert warned([1, 0.5, 0.0], [0.5, 0.5, 0.5]) == []
    (sentence,) = warned([1, 0.4, 0.0], [0.3, 0.5, 0.38])
    assert sentence.startswith("Only 43 % of the blank's dust is in the frames")
    assert warned() == []
    (sentence,) = (str(each) for each in _warnings(SimpleNamespace(share=np.ones(0)), []))
    assert "nothing is marked" in sentence


def test_what_frames_show_at_the_dust_is_kept_in_their_order():
    where = np.zeros(SHAPE, bool)
    where[ONE] = True
    asked, other = _FramesAtDust(where), _FramesAtDust(where).start()
    plane = glass(ONE)
    has_data = np.ones(SHAPE, bool)
    has_data[ONE] = False
    asked.take(2, asked.look(plane, None))
    other.take(1, other.look(plane, has_data))
    asked.merge(other)
    hidden, shown = asked.frames
    assert (hidden.spread == 1).all()
    assert shown.observed == pytest.approx(np.full(16, 0.4))
    assert shown.filled == pytest.approx(np.full(16, 0.8), abs=0.01)


BOXES = np.s_[10:13, 10:13], np.s_[40:45, 40:45], np.s_[60:68, 90:98]


def frames_through(number, *dusty):
    """Frames of one brightness each, through the glass; of dust darker than the picture."""
    passing = glass(*dusty) / np.float32(0.8)
    return [
        passing * np.float32(0.4 + 0.01 * n) + np.float32(grain)
        for n, grain in enumerate(np.random.default_rng(2).normal(0, 0.004, (number, *SHAPE)))
    ]


def test_ten_frames_are_asked_for_their_response():
    for number, asked in ((9, 9), (10, 10), (25, 10)):
        said = []
        mask = estimate_mask(
            frames_through(number, *BOXES),
            blank=glass(*BOXES, noise=0.004),
            progress=lambda fraction, text, said=said: said.append(fraction),
        )
        assert said == pytest.approx(np.arange(1, asked + 1) / asked)
        assert mask.report["frames"] == asked
        assert mask.polarity == "dark"


def test_particles_of_the_smallest_and_the_largest_area_are_marked():
    frames, blank = frames_through(1, *BOXES), glass(*BOXES, noise=0.004)

    def areas(**limits):
        mask = estimate_mask(frames, blank=blank, **limits)
        return [row[2] for row in mask.report["particles"]]

    small, middle, large = areas(smallest=1)
    assert small < middle < large < SHAPE[0] * SHAPE[1] / 50
    assert areas(smallest=middle) == [middle, large]
    assert areas(smallest=middle + 0.5) == [large]
    assert areas(smallest=1, largest=middle) == [small, middle]
    assert areas(smallest=1, largest=middle - 0.5) == [small]
