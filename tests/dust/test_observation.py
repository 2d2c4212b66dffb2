import numpy as np
import pytest
from scipy import ndimage

from dustbust import _kernels
from dustbust.dust import observation
from dustbust.dust.observation import (
    ExpectedDust,
    FrameAtDust,
    Observation,
    _Colours,
    _find_shift,
    as_array,
    luminance_of,
    moved,
    observe,
)
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


def keys(x):
    """The cubic kernel of R. Keys, 1981."""
    x = np.abs(x)
    near = 1 - 2.5 * x**2 + 1.5 * x**3
    far = 2 - 4 * x + 2.5 * x**2 - 0.5 * x**3
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


@pytest.mark.parametrize(("down", "right"), [(0.3, 0), (0, -0.8), (1.25, -2.5), (-3, 0.6), (2, 0)])
def test_a_pattern_is_moved_by_cubic_interpolation(down, right):
    """What comes from outside is 0."""
    plane = np.random.default_rng(2).random((9, 12)).astype(np.float32)
    where = np.ones(plane.shape, bool)
    neighbours = _kernels.connected_components(where, where)[1]
    rows, columns = (
        keys(np.arange(n)[:, None] - np.arange(n) - shift)
        for n, shift in zip(plane.shape, (down, right), strict=True)
    )
    expected = rows @ plane @ columns.T
    assert moved(plane.ravel(), neighbours, down, right) == pytest.approx(
        expected.ravel(), abs=1e-6
    )


def test_luminance_is_that_of_broadcasting():
    colours = np.float32([[0.2, 0.6, 1], [1, 0, 0.5]])
    assert luminance_of(colours) == pytest.approx(colours @ [0.299, 0.587, 0.114])
    assert luminance_of(colours[:, :1]).tolist() == colours[:, 0].tolist()


def test_responses_are_an_array_for_the_kernels():
    light, dark = [Response(1, 0.9), Response(0.8, 0.7)], [Response(0.6, 0.5), Response(0.4, 0.3)]
    assert as_array((light, dark)) == pytest.approx(
        np.float32([[[1, 0.9], [0.8, 0.7]], [[0.6, 0.5], [0.4, 0.3]]])
    )


def test_a_pattern_lies_still_unless_something_else_is_said():
    values = np.zeros(1, np.float32)
    assert Observation(values, values, Responses(), ([], [])).shift == (0, 0)


def test_a_frame_is_observed_where_it_shows_the_dust():
    frame, expected = dusty_frame(40)
    frame.spread[:800] = 1
    observed = observe(frame, expected, still=True)
    assert not observed.density[:800].any()
    assert np.array_equal(observed.density[800:], expected.density[800:])
    assert observed.shift == (0, 0)
    assert (observed.probability > 0.99).all()


def test_the_density_moves_with_the_pattern():
    shift = (0.6, -0.5)
    frame, expected = dusty_frame(60, shift)
    observed = observe(frame, expected)
    assert observed.shift == pytest.approx(shift, abs=0.05)
    there = np.maximum(moved(expected.density, expected.neighbours, *observed.shift), 0)
    assert np.array_equal(observed.density, there)
    # The response is that to the dust where it lies.
    assert observed.responses.light.lift == pytest.approx(0.9, abs=0.01)
    assert observed.responses.light.fade == pytest.approx(0.8, abs=0.01)
    still = observe(frame, expected, still=True)
    assert still.shift == (0, 0)
    assert np.array_equal(still.density, expected.density)


def absent_half(pieces=None):
    """Two particles of which the frame shows the first one, with another response than usual."""
    frame, expected = dusty_frame(60)
    rows = np.arange(expected.density.size) // 60
    where = np.ones((60, 60), bool)
    where[28:32] = False
    labels, neighbours, number = _kernels.connected_components(where, where)
    assert number == 2
    kept = where.ravel()
    response = Response(0.7, 0.6)
    density = expected.density[kept]
    rng = np.random.default_rng(1)
    filled = rng.uniform(0.3, 0.5, density.size).astype(np.float32)
    shown = np.where(rows[kept] < 28, density, np.float32(0))
    seen = np.asarray(
        response.observed(filled, shown) + rng.normal(0, 0.004, shown.size), np.float32
    )
    frame = FrameAtDust(seen, filled, np.full(shown.size, 0.01, np.float32))
    share = np.full(2, 0.9, np.float32)
    return frame, ExpectedDust(
        density, labels, neighbours, share, np.zeros(2, bool), expected.usual, pieces
    )


def test_absent_dust_does_not_change_the_response():
    frame, expected = absent_half()
    observed = observe(frame, expected)
    assert (observed.probability > 0.5).tolist() == (expected.labels == 0).tolist()
    density = np.float32([0.3, 0.8])
    assert observed.responses.light.observed(np.float32(0.4), density) == pytest.approx(
        Response(0.7, 0.6).observed(np.float32(0.4), density), abs=0.001
    )
    assert observed.of_colours[0] == [observed.responses.light]
    # There is no dark dust: nothing is known of it.
    assert observed.responses.dark == expected.usual.dark
    assert observed.of_colours[1] == [expected.usual.dark]


@pytest.mark.parametrize(("number", "found"), [(50, True), (49, False)])
def test_fifty_pixels_tell_a_shift(number, found):
    """Of dust that is not too faint and that is there."""
    frame, expected = dusty_frame(30, (0.5, -0.5), noise=0)
    luminance = _Colours(frame).luminance._replace(spread=frame.spread / 10)
    clear = np.flatnonzero(expected.density > 0.3)
    clear = clear[(clear > 300) & (clear % 30 > 4) & (clear % 30 < 25)]
    present = np.zeros(expected.density.size, bool)
    present[clear[:number]] = True
    shift = _find_shift(luminance, expected, present, expected.usual)
    assert (shift != (0, 0)) == found


def test_dust_that_is_too_faint_tells_no_shift():
    for strongest, found in ((0.019, False), (0.5, True)):
        frame, expected = dusty_frame(40, (0.5, 0.5), noise=0)
        scale = np.float32(strongest / expected.density.max())
        density = expected.density * scale
        seen = np.asarray(
            expected.usual.light.observed(
                frame.filled, np.maximum(moved(density, expected.neighbours, 0.5, 0.5), 0)
            ),
            np.float32,
        )
        faint = ExpectedDust(
            density,
            expected.labels,
            expected.neighbours,
            expected.share,
            expected.dark,
            expected.usual,
        )
        luminance = FrameAtDust(seen, frame.filled, frame.spread)
        present = np.ones(density.size, bool)
        assert (_find_shift(luminance, faint, present, faint.usual) != (0, 0)) == found


@pytest.mark.parametrize(("shift", "found"), [((0.03, 0.02), False), ((0.06, 0.0), True)])
def test_a_shift_below_a_twenty_fifth_px_is_none(shift, found):
    frame, expected = dusty_frame(120, shift, noise=0.0005)
    present = np.ones(expected.density.size, bool)
    luminance = _Colours(frame).luminance
    result = _find_shift(luminance, expected, present, expected.usual)
    assert result == pytest.approx(shift if found else (0, 0), abs=0.01)


def sums_that_ask_for(change, asked, size=2e9):
    """`shift_sums` of which each step asks for a change, with no doubt."""

    def sums(observed, filled, spread, density, sample, *others):
        asked.append(sample)
        return [size, 0, size, size * change[0], size * change[1]]

    return sums


@pytest.mark.parametrize(
    ("change", "rounds", "shift"),
    [
        ((0.5, -0.25), 6, (3, -1.5)),  # steps of less than 0.7 px, six times
        ((1.4, 0.35), 2, (1.4, 0.35)),  # longer ones are shortened to it
        ((0.009, 0.0), 1, (0, 0)),  # a hundredth px is the last one
        ((0.7, -0.7), 6, (3, -3)),  # no more than 3 px
    ],
)
def test_steps_towards_the_shift(change, rounds, shift, monkeypatch):
    asked = []
    monkeypatch.setattr(observation._kernels, "shift_sums", sums_that_ask_for(change, asked))
    frame, expected = dusty_frame(40)
    present = np.ones(expected.density.size, bool)
    found = _find_shift(frame, expected, present, expected.usual, rounds)
    assert found == pytest.approx(shift, abs=1e-6)
    assert len(asked) == rounds


def test_a_shift_is_drawn_to_none_as_if_measured_once(monkeypatch):
    """By twenty pixels for each reading, against a reading of 0 +- 1 px."""
    monkeypatch.setattr(
        observation._kernels, "shift_sums", lambda *_: [20.0, 0, 60, 20 * 0.4, 60 * 0.2]
    )
    frame, expected = dusty_frame(40)
    present = np.ones(expected.density.size, bool)
    # (1 * 0.4 + 1 * 0) / 2 and (3 * 0.2) / 4.
    found = _find_shift(frame, expected, present, expected.usual, 1)
    assert found == pytest.approx((0.2, 0.15))
    # A second step also sees how far it is from 0: (0.4 - 0.2) / 2 and (0.6 - 0.15) / 4 more.
    found = _find_shift(frame, expected, present, expected.usual, 2)
    assert found == pytest.approx((0.3, 0.2625))


def test_of_much_dust_some_pixels_tell_the_response_and_the_shift(monkeypatch):
    monkeypatch.setattr(observation, "PIXELS_FOR_RESPONSE", 40)
    frame, expected = dusty_frame(60)
    asked = []
    monkeypatch.setattr(observation._kernels, "shift_sums", sums_that_ask_for((0, 0), asked))
    present = np.ones(expected.density.size, bool)
    _find_shift(frame, expected, present, expected.usual)
    clear = np.flatnonzero(expected.density > 0.02)
    assert asked[0].tolist() == clear[:: clear.size // 400].tolist()
    colours, sizes = _Colours(frame), []
    monkeypatch.setattr(
        observation,
        "fit_response",
        lambda sample, start, *_, **__: sizes.append(len(sample[0])) or start,
    )
    before = expected.usual, ([expected.usual.light], [expected.usual.dark])
    telling = np.zeros(expected.density.size, bool)
    for number, used in ((40, 40), (79, 79), (80, 40), (130, 44)):
        telling[:number] = True
        colours.responses(expected.density, (telling, ~present), before, None)
        assert sizes[-1] == used
