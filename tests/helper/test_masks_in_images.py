"""Greys of masks in images: those of a user stay, those of a measured mask are its steps."""

import base64

import numpy as np
import pytest

from dustbust.dust.mask import DustMask
from dustbust.helper.masks import mask_of_picture, mask_of_white
from dustbust.image.fixed_point import to_steps

GREYS = [0, 1, 5, 100, 127, 128, 200, 255]


def grey_of(levels, method):
    """The grey, in steps of 1/65535, of an image whose mask was made by a method."""
    empty = DustMask(np.zeros((1, 8), np.float32), 0.5, method=method)
    extra = base64.b64encode(empty.extra()).decode()
    mask = mask_of_picture(levels.reshape(1, -1, 1), extra, 0.5, None, "image")
    return to_steps(mask.grey).ravel().tolist()


def test_white_is_dust_from_the_middle_on():
    picture = np.array(GREYS, np.uint8).reshape(1, -1, 1)
    mask = mask_of_white(picture)
    assert mask.binary().ravel().tolist() == [grey >= 128 for grey in GREYS]
    assert to_steps(mask.grey).ravel().tolist() == [257 * grey for grey in GREYS]


@pytest.mark.parametrize(
    ("colour", "dusty"),
    [
        ((255, 0, 0), False),
        ((0, 255, 0), True),
        ((0, 0, 255), False),
        ((0, 255, 255), True),
        ((255, 0, 255), False),
    ],
)
def test_colours_are_as_light_as_they_look(colour, dusty):
    picture = np.full((2, 3, 3), colour, np.uint8)
    assert (mask_of_white(picture).binary() == dusty).all()


@pytest.mark.parametrize("method", ["", "opacity"])
def test_greys_of_16_bits_are_as_the_user_left_them(method):
    steps = [0, 300, 1000, 25000, 32767, 32768, 50001, 65535]
    assert grey_of(np.array(steps, np.uint16), method) == steps


def test_greys_of_8_bits_are_steps_of_1_256_below_the_threshold_of_a_measured_mask():
    levels = np.array(GREYS, np.uint8)
    assert grey_of(levels, "") == [257 * grey for grey in GREYS]
    coarse = [256 * (grey + 1) if grey else 0 for grey in GREYS[:4]]
    assert grey_of(levels, "opacity") == [*coarse, 32767, *(257 * grey for grey in GREYS[5:])]
