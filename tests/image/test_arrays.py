"""Pictures as arrays: what is accepted, and how values are converted."""

import numpy as np
import pytest

from dustbust.image import arrays


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (3, 5, 2), (3, 5, 3), (3, 5, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_pictures_are_accepted_as_they_are(shape, dtype):
    picture = np.zeros(shape, dtype)
    assert arrays.check_image(picture) is picture


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ([[1, 2]], TypeError, "page must be a numpy array, not list"),
        (np.zeros((3, 5)), TypeError, "uint8, uint16 or float32, not float64"),
        (np.zeros(5, np.uint8), ValueError, r"not \(5,\)"),
        (np.zeros((3, 5, 5), np.uint8), ValueError, r"1 to 4 channels, not \(3, 5, 5\)"),
        (np.zeros((0, 5), np.uint8), ValueError, "has no pixels"),
    ],
)
def test_what_is_not_a_picture_is_named(wrong, error, message):
    with pytest.raises(error, match=message):
        arrays.check_image(wrong, "page")


@pytest.mark.parametrize(("dtype", "white"), [(np.uint8, 255), (np.uint16, 65535)])
def test_every_value_survives_the_way_to_0_to_1_and_back(dtype, white):
    values = np.arange(white + 1, dtype=dtype).reshape(16, -1)
    unit = arrays.to_unit(values)
    assert unit.min() == 0
    assert unit.max() == 1
    assert np.array_equal(arrays.from_unit(unit, dtype), values)


def test_values_out_of_range_are_clipped_but_not_in_float32():
    values = np.float32([[-1, 2]])
    assert arrays.from_unit(values, np.uint8).tolist() == [[0, 255]]
    assert arrays.from_unit(values, np.float32).tolist() == [[-1, 2]]


@pytest.mark.parametrize(
    ("colour", "expected"), [(0, 0.299), (1, 0.587), (2, 0.114)], ids=["red", "green", "blue"]
)
def test_luminance_of_the_primaries_is_that_of_rec_601(colour, expected):
    picture = np.zeros((2, 2, 3), np.uint16)
    picture[..., colour] = 65535
    assert arrays.luminance(picture) == pytest.approx(expected, abs=1e-6)


def test_transparent_and_not_finite_pixels_are_no_data():
    picture = np.ones((1, 4, 2), np.float32)
    picture[0, 1, 1] = 0
    picture[0, 2, 0] = np.nan
    plane, has_data = arrays.luminance_and_data(picture)
    assert has_data.tolist() == [[True, False, False, True]]
    assert np.isfinite(plane).all()
    assert arrays.luminance_and_data(np.ones((2, 2), np.uint8))[1] is None


def test_a_mask_of_another_type_or_size_is_named():
    with pytest.raises(TypeError, match="bool array, not uint8"):
        arrays.check_mask(np.zeros((2, 3), np.uint8), (2, 3))
    with pytest.raises(ValueError, match="2 x 3 like the picture, not 3 x 2"):
        arrays.check_mask(np.zeros((3, 2), bool), (2, 3))


@pytest.mark.parametrize("channels", [2, 4])
def test_put_writes_colours_and_neither_alpha_nor_hidden_pixels(channels):
    picture = np.full((1, 3, channels), 100, np.uint8)
    picture[0, 1, -1] = 0
    colours = np.ones((2, max(channels - 1, 1)), np.float32)
    arrays.put(picture, np.array([0, 1]), colours)
    assert picture[0, 0].tolist() == [255] * (channels - 1) + [100]
    assert picture[0, 1].tolist() == [100] * (channels - 1) + [0]
    assert picture[0, 2].tolist() == [100] * channels


def test_blend_and_with_colours_change_nothing_else():
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    half = arrays.blend(picture, np.array([5]), np.full((1, 3), 35, np.float32), np.float32([0.5]))
    changed = arrays.with_colours(picture, np.array([5]), half)
    assert half.tolist() == [[25, 25.5, 26]]
    assert changed[1, 1].tolist() == [25, 26, 26]
    changed[1, 1] = picture[1, 1]
    assert np.array_equal(changed, picture)
    assert not arrays.differing(picture, changed).any()
