"""Gain and offset between two scans, from values whose relation is known."""

import numpy as np
import pytest

from dustbust.registration.register import Registration
from dustbust.stacking import brightness
from dustbust.stacking.brightness import _fit, _reduced, match_brightness, overlap


def moved(dx, dy):
    return Registration(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]))


def values(gain=0.8, offset=0.1, number=3000, noise=0.0, seed=1):
    """(first, second) with first = gain * second + offset."""
    rng = np.random.default_rng(seed)
    second = rng.uniform(0.1, 0.9, number)
    first = gain * second + offset + rng.normal(0, noise, number)
    return np.float32(first), np.float32(second)


@pytest.mark.parametrize(("gain", "offset"), [(0.8, 0.1), (1.3, -0.2), (4.9, 0.0), (0.21, 0.3)])
def test_the_fit_is_that_of_the_pixels(gain, offset):
    assert _fit(*values(gain, offset)) == pytest.approx((gain, offset), abs=1e-3)


@pytest.mark.parametrize("gain", [0.19, 5.1, -0.8])
def test_other_contrasts_are_not_those_of_a_page(gain):
    if gain < 0:  # of a negative the deviations alone would give 0.8
        first, second = values(gain, 0.9)
        assert _fit(first, second)[0] >= 0
    else:
        assert _fit(*values(gain, 0.0)) == (1, 0)


@pytest.mark.parametrize(("number", "fitted"), [(99, False), (100, True)])
def test_a_hundred_pixels_are_enough(number, fitted):
    found = _fit(*values(0.7, 0.1, number))
    assert (found != (1, 0)) == fitted


def test_noise_in_both_scans_gives_the_inverse_when_they_are_exchanged():
    first, second = values(0.8, 0.1, 30_000)
    rng = np.random.default_rng(2)
    first += np.float32(rng.normal(0, 0.02, first.size))
    second += np.float32(rng.normal(0, 0.02, first.size))
    gain, offset = _fit(first, second)
    back, other = _fit(second, first)
    assert gain * back == pytest.approx(1, rel=0.01)
    assert offset == pytest.approx(-other * gain, abs=0.005)


def test_dust_does_not_count():
    first, second = values(0.8, 0.1, 6000)
    first[::4] = 0.05
    assert _fit(first, second) == pytest.approx((0.8, 0.1), abs=0.005)


@pytest.mark.parametrize(("off", "kept"), [(0.029, True), (0.04, False)])
def test_differences_up_to_three_hundredths_are_never_taken_for_dust(off, kept):
    """All other pixels are exactly equal: the median of the differences is small."""
    first, second = values(1.0, 0.1, 9000)
    shifted = np.arange(9000) % 30 < 3
    first[shifted] += np.float32(off)
    gain, offset = _fit(first, second)
    assert gain == pytest.approx(1, abs=0.01)
    excess = offset + (gain - 1) * 0.5 - 0.1
    assert excess == pytest.approx(off / 10 if kept else 0, abs=off / 30)


@pytest.mark.parametrize(("deviations", "kept"), [(2.5, True), (4.5, False)])
def test_pixels_count_up_to_three_standard_deviations_of_the_noise(deviations, kept):
    noise, number = 0.02, 30_000
    first, second = values(1.0, 0.1, number, noise)
    shifted = np.arange(number) % 30 < 3
    first[shifted] = second[shifted] + np.float32(0.1 + deviations * noise)
    gain, offset = _fit(first, second)
    excess = offset + (gain - 1) * 0.5 - 0.1
    assert excess == pytest.approx(deviations * noise / 10 if kept else 0, abs=0.0015)


@pytest.mark.parametrize(("off", "corrected"), [(0.0035, False), (0.0045, True)])
def test_less_than_a_level_of_eight_bits_is_not_corrected(off, corrected):
    gain, offset = _fit(*values(1.0, off))
    assert ((gain, offset) == (1, 0)) != corrected
    if corrected:
        assert (gain, offset) == pytest.approx((1, off), abs=1e-4)


def test_a_blank_page_has_an_offset_only():
    first, second = np.full(900, 0.7, np.float32), np.full(900, 0.6, np.float32)
    assert _fit(first, second) == pytest.approx((1, 0.1), abs=1e-6)


def test_one_in_three_pixels_is_used():
    first, second = values(0.8, 0.1, 900)
    first[1::3], second[1::3], first[2::3] = 0, 1, 1
    assert _fit(first, second) == pytest.approx((0.8, 0.1), abs=1e-3)


def pages(dx=0, dy=0, shape=(120, 160), channels=1, dtype="float32", gain=0.8, offset=0.1):
    """Two scans of a page that lies (dx, dy) px further in the second one."""
    rng = np.random.default_rng(3)
    rough = rng.uniform(0.1, 0.9, (20, 24))
    page = np.kron(rough, np.ones((10, 10)))
    second = page[20 - dy : 20 - dy + shape[0], 20 - dx : 20 - dx + shape[1]]
    first = gain * page[20 : 20 + shape[0], 20 : 20 + shape[1]] + offset
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    return [
        np.repeat((each * white)[..., None], channels, axis=2).astype(dtype)
        for each in (first, second)
    ]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shift", [(0, 0), (12, -7)])
def test_scans_are_matched_where_they_overlap(dtype, shift):
    first, second = pages(*shift, dtype=dtype)
    gain, offset = match_brightness(first, second, moved(*shift), threads=1)
    white = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    assert gain == pytest.approx([0.8], abs=0.02)
    assert offset / white == pytest.approx([0.1], abs=0.01)


def test_each_colour_has_its_own():
    first, second = pages(channels=3)
    second[..., 2] = (first[..., 2] - 0.2) / 0.9
    gain, offset = match_brightness(first, second, moved(0, 0), threads=1)
    assert gain == pytest.approx([0.8, 0.8, 0.9], abs=0.02)
    assert offset == pytest.approx([0.1, 0.1, 0.2], abs=0.01)


def test_values_of_the_overlap_are_blurred_by_two_px_within_it():
    first, second = pages(8, 5)
    one, two = overlap(first, second, moved(8, 5), 0, 1, 1)
    assert one.size == two.size == (120 - 5) * (160 - 8)
    assert one == pytest.approx(0.8 * two + 0.1, abs=0.01)
    dot = np.zeros((41, 41, 1), np.float32)
    dot[20, 20] = 1
    spread, _ = overlap(dot, dot, moved(0, 0), 0, 1, 1)
    assert spread.max() == pytest.approx(1 / (2 * np.pi * 2**2), rel=0.3)  # three boxes
    # The edge of the overlap does not darken what is inside.
    flat = np.full((30, 40, 1), 0.5, np.float32)
    one, two = overlap(flat, flat, moved(10, 0), 0, 1, 1)
    assert one == pytest.approx(np.full(30 * 30, 0.5), abs=1e-4)
    assert two == pytest.approx(np.full(30 * 30, 0.5), abs=1e-4)


def test_reduced_scans_overlap_at_the_same_place():
    """The page lies 20 px further: 5 px of a scan that is four times smaller."""
    one, two = overlap(*pages(20, -8), moved(20, -8), 0, 4, 1)
    assert one.size == (30 - 2) * (40 - 5)
    assert one == pytest.approx(0.8 * two + 0.1, abs=0.01)
    assert two.std() > 0.05


def test_transparent_pixels_do_not_count():
    first, second = pages()
    hidden = np.ones_like(first)
    hidden[:40] = 0
    first = np.concatenate([np.where(hidden > 0, first, 9), hidden], axis=2)
    second = np.concatenate([second, np.ones_like(second)], axis=2)
    one, _ = overlap(first, second, moved(0, 0), 0, 1, 1)
    assert one.size == 80 * 160
    assert one.max() < 1
    gain, _ = match_brightness(first, second, moved(0, 0), threads=1)
    assert gain == pytest.approx([0.8], abs=0.02)


def test_scans_are_reduced_to_about_768_px(monkeypatch):
    asked = []

    def look(first, other, registration, channel, factor, threads):
        asked.append((channel, factor))
        return values()

    monkeypatch.setattr(brightness, "overlap", look)
    for longest, factor in ((100, 1), (1151, 1), (1153, 2), (7680, 10)):
        asked.clear()
        picture = np.broadcast_to(np.uint8(0), (20, longest, 3))
        gain, offset = match_brightness(picture, picture, moved(0, 0), threads=1)
        assert asked == [(0, factor), (1, factor), (2, factor)]
        assert gain == pytest.approx([0.8] * 3, abs=1e-3)
        assert offset == pytest.approx([25.5] * 3, abs=0.3)


def test_one_channel_and_the_alpha_are_reduced():
    picture = np.zeros((8, 12, 4), np.uint8)
    picture[..., 1] = 51
    picture[..., 3] = 255
    picture[:4, :4, 3] = 0
    found = _reduced(picture, 1, 4, 1)
    assert found.shape == (2, 3, 2)
    assert found[1, 1] == pytest.approx([0.2, 1])
    assert found[0, 0, 1] == 0
    plain = _reduced(picture[..., :3], 1, 4, 1)
    assert (plain[..., 1] == 1).all()
