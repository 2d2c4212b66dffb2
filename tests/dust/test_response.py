"""How frames respond to dust, against the laws of film in `helpers.film_scans`."""

import numpy as np
import pytest
from scipy.optimize import minimize

from dustbust.dust.response import DustSample, Response, Responses, fit_response
from helpers import film_scans


def of_film(film, pixels=6000, noise=0.004, seed=5):
    """Clean and observed values of a film under dust of known density."""
    rng = np.random.default_rng(seed)
    scene = rng.uniform(0.15, 0.8, (1, pixels))
    density = rng.uniform(0.05, 1.0, (1, pixels))
    clean, observed = (
        film_scans.shown(film, scene, transmittance) for transmittance in (1.0, np.exp(-density))
    )
    if film == "slide":
        clean, observed = 1 - clean, 1 - observed
    observed = observed + rng.normal(0, noise, observed.shape)
    return (np.float32(a.ravel()) for a in (clean, observed, density))


@pytest.mark.parametrize("film", film_scans.FILMS)
def test_two_numbers_fit_every_film(film):
    clean, observed, density = of_film(film)
    spread = np.full(clean.size, 0.01, np.float32)
    found = fit_response(DustSample(observed, clean, density, spread), Response())
    # Dust of half the light changes these values by 0.1 to 0.4; a tenth of that is the goal.
    fits = (observed > 0.05) & (observed < 0.95)
    assert np.abs(found.observed(clean, density) - observed)[fits].mean() < 0.02
    assert np.abs(found.restored(observed, density) - clean)[fits].mean() < 0.035


@pytest.mark.parametrize("fade", [-0.5, 0.0, 1e-5, 0.4, 1.0])
def test_density_and_restored_are_the_inverse_of_observed(fade):
    response = Response(0.8, fade)
    clean, density = np.meshgrid(np.linspace(0, 0.6, 7), np.linspace(0, 1.2, 9))
    observed = response.observed(np.float32(clean), np.float32(density))
    assert response.restored(observed, np.float32(density)) == pytest.approx(clean, abs=1e-4)
    assert response.density(observed, np.float32(clean)) == pytest.approx(density, abs=2e-3)


def test_layers_of_dust_add_up():
    response = Response(0.9, 0.7)
    once = response.observed(response.observed(0.3, np.float32(0.4)), np.float32(0.5))
    assert once == pytest.approx(response.observed(0.3, np.float32(0.9)), abs=1e-6)


def test_outliers_and_clipped_values_do_not_count():
    truth = Response(0.8, 0.5)
    rng = np.random.default_rng(1)
    filled = rng.uniform(0.1, 0.6, 4000).astype(np.float32)
    density = rng.uniform(0.1, 0.8, 4000).astype(np.float32)
    observed = np.float32(truth.observed(filled, density) + rng.normal(0, 0.01, 4000))
    observed[::10] = 1.0
    observed[5::100] = 0.02
    spread = np.full(4000, 0.01, np.float32)
    found = fit_response(DustSample(observed, filled, density, spread), Response())
    assert (found.lift, found.fade) == pytest.approx((0.8, 0.5), abs=0.04)


def test_few_pixels_keep_the_response_that_is_expected():
    expected = Response(0.9, 0.6)
    few = [np.float32([value]) for value in (0.9, 0.2, 0.3, 0.3)]
    found = fit_response(DustSample(*few), expected, expected)
    assert (found.lift, found.fade) == pytest.approx((0.9, 0.6), abs=0.1)


def test_responses_are_found_by_whether_the_dust_is_dark():
    light, dark = Response(1.0, 0.9), Response(0.5, 0.2)
    both = Responses(light, dark)
    assert both[False] is light
    assert both[True] is dark
    assert both.for_each(np.zeros(4, bool)) is light
    assert both.for_each(np.ones(4, bool)) is dark
    mixed = both.for_each(np.array([True, False]))
    assert mixed.lift.tolist() == [0.5, 1.0]
    assert mixed.fade.tolist() == pytest.approx([0.2, 0.9])


@pytest.mark.parametrize("fade", [-0.5, 0.3, 1.0])
def test_the_value_of_black_under_thin_and_under_dense_dust(fade):
    """lift * (1 - exp(-fade * density)) / fade, to the last digits of single precision."""
    density = np.geomspace(1e-4, 1.5, 60).astype(np.float32)
    x = fade * density.astype(float)
    for lift in (0.8, 1.03):
        expected = lift * density.astype(float) * -np.expm1(-x) / x
        assert Response(lift, fade).offset(density) == pytest.approx(expected, rel=6e-6)


@pytest.mark.parametrize(("fade", "found"), [(1.5, 1.2), (1.1, 1.1), (-1.5, -1.5), (-3.0, -2.0)])
def test_the_fade_lies_within_what_films_have(fade, found):
    """From -2 to 1.2 times the lift."""
    truth = Response(0.5, 0.5 * fade)
    rng = np.random.default_rng(1)
    filled = rng.uniform(0.1, 0.5, 4000).astype(np.float32)
    density = rng.uniform(0.1, 0.4, 4000).astype(np.float32)
    observed = np.float32(truth.observed(filled, density))
    spread = np.full(4000, 0.01, np.float32)
    start = Response(0.5, 0.5 * found)
    result = fit_response(DustSample(observed, filled, density, spread), start, rounds=20)
    assert result.fade / result.lift == pytest.approx(found, abs=0.02)


def test_the_speed_has_a_lower_limit():
    response = Response(0.8, 0.8)
    assert response.speed(0.25) == pytest.approx(0.6)
    assert response.speed(1.0) == pytest.approx(0.8 * 0.03)


def test_dust_lets_at_least_a_fiftieth_of_the_light_pass():
    clean = np.float32(0.25)
    for fade in (1.0, 0.5):
        response = Response(1.0, fade)
        for passing in (0.5, 0.03, 0.021, 0.02, 0.019, 0.0, -0.5):
            observed = clean + np.float32((1 - passing) * response.speed(clean) / fade)
            expected = -np.log(max(passing, 0.02)) / fade
            assert response.density(observed, clean) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("fade", "used"), [(1.1e-3, 1.1e-3), (0.9e-3, 1e-3), (-0.9e-3, 1e-3)])
def test_a_fade_below_a_thousandth_counts_as_one(fade, used):
    response = Response(1.0, fade)
    clean, observed = np.float32(0.0), np.float32(400.0)
    assert response.density(observed, clean) == pytest.approx(
        -np.log(1 - used * 400) / used, rel=1e-4
    )


@pytest.mark.parametrize("pixels", [20, 200])
def test_twenty_pixels_are_one_reading_beside_what_is_expected(pixels):
    """Of a film without fade, dust of density 1 raises the values by the lift: one unknown."""
    prior = Response(1.0, 0.0)
    filled = np.zeros(pixels, np.float32) + np.float32(0.1)
    density = np.full(pixels, 0.5, np.float32)
    observed = filled + np.float32(0.5 * 0.8)
    spread = np.full(pixels, 0.15, np.float32)
    sample = DustSample(observed, filled, density, spread)
    found = fit_response(sample, prior, prior, spreads=(0.3, 1e-4), rounds=30)
    assert found.fade == pytest.approx(0, abs=1e-3)
    # The lift is read as 0.8 with an error of 0.3 for each reading, and expected as 1 +- 0.3.
    readings = pixels / 20
    assert found.lift == pytest.approx((1 + 0.8 * readings) / (1 + readings), abs=0.02)


def test_what_is_expected_of_a_frame_errs_by_three_and_four_tenths():
    """Of the lift: the most likely response lies between what is expected and what is read."""
    prior, pixels = Response(0.8, 0.2), 60
    filled = np.linspace(0.1, 0.6, pixels, dtype=np.float32)
    density = np.full(pixels, 0.5, np.float32)
    observed = filled + np.float32(0.25)
    spread = np.full(pixels, 0.2, np.float32)

    def surprise(response):
        lift, fade = response
        passing = np.exp(-fade * 0.5)
        told = filled * passing + lift * (1 - passing) / fade
        readings = (((observed - told) / spread) ** 2).sum() / 20
        return readings + ((lift - 0.8) / 0.24) ** 2 + ((fade - 0.2) / 0.32) ** 2

    truth = minimize(surprise, (0.7, 0.3), method="Nelder-Mead", options={"xatol": 1e-5}).x
    found = fit_response(DustSample(observed, filled, density, spread), prior, prior, rounds=30)
    assert (found.lift, found.fade) == pytest.approx(truth, abs=0.01)


def test_before_anything_is_known_dust_pulls_towards_white():
    dense = np.float32(9)
    for clean in (0.1, 0.9):
        assert Response().observed(np.float32(clean), dense) == pytest.approx(1, abs=0.05)
