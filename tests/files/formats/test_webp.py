"""WebP: metadata stay, and so do all pixels away from the repair."""

import numpy as np
import pytest
from PIL import Image

from dustbust.files.read import open_frame
from helpers.frame_files import ICC, XMP, exif, picture, repaired, rewritten


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("lossless", [True, False])
def test_webp_keeps_metadata_and_pixels(tmp_path, channels, lossless):
    path = tmp_path / "a.webp"
    Image.fromarray(picture(channels=channels)).save(
        path, lossless=lossless, exact=True, quality=80, exif=exif(), icc_profile=ICC, xmp=XMP
    )
    before = open_frame(path).pixels
    out, notes = rewritten(path)
    assert bool(notes) is not lossless
    assert np.array_equal(open_frame(out).pixels, repaired(before))
    with Image.open(path) as old, Image.open(out) as new:
        assert all(new.info[key] == old.info[key] for key in ("exif", "icc_profile", "xmp"))
