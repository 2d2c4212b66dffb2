"""Small pictures of layers, for lists in windows."""

import numpy as np

from dustbust_gimp.gimp import mask_image, pixels
from dustbust_gimp.steps import finish
from helpers import add_layer, new_image


def check_a_thumbnail_is_small_and_shows_the_layer(folder):
    for base, precision, format, white in (
        ("RGB", "U8_NON_LINEAR", "R'G'B' u8", 255),
        ("GRAY", "U16_NON_LINEAR", "Y' u16", 65535),
        ("RGB", "U16_NON_LINEAR", "R'G'B'A u16", 65535),
    ):
        channels = len(format.split()[0].replace("'", ""))
        picture = np.zeros((300, 400, channels), np.uint8 if white == 255 else np.uint16)
        picture[:, 200:] = white
        if channels == 4:
            picture[..., 3] = white
        layer = add_layer(new_image(400, 300, base, precision), picture, format)
        data, width, height = finish(pixels.thumbnail(layer, 48))
        assert (width, height) == (48, 36)
        small = np.frombuffer(data, np.uint8).reshape(36, 48, 3)
        assert small[18, 12].max() < 5, format
        assert small[18, 36].min() > 250, format
        tiny = add_layer(new_image(3, 2, base, precision), picture[:2, 198:201], format)
        data, width, height = finish(pixels.thumbnail(tiny, 48))
        assert (width, height, len(data)) == (3, 2, 18)


def check_an_image_without_layers_has_no_typical_one(folder):
    assert mask_image.typical_layer(new_image(4, 4)) is None
