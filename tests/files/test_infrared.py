"""Which sample or page of a TIFF is its infrared plane."""

import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from dustbust.files.infrared import infrared_in

RNG = np.random.default_rng(1)
COLOURS = RNG.integers(0, 60000, (30, 40, 3), np.uint16)
PLANE = RNG.integers(0, 60000, (30, 40), np.uint16)


def written(path, extra, colours=COLOURS, photometric="rgb", **options):
    values = np.dstack([colours, PLANE])
    tifffile.imwrite(
        path, values, photometric=photometric, extrasamples=extra, metadata=None, **options
    )
    return infrared_in(path)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha"])
def test_a_fourth_channel_that_is_alpha_is_no_infrared(tmp_path, extra):
    assert written(tmp_path / "a.tif", [extra]) is None


@pytest.mark.parametrize("photometric", ["rgb", "minisblack"])
def test_the_sample_after_the_colours_is_infrared(tmp_path, photometric):
    colours = COLOURS if photometric == "rgb" else COLOURS[..., :1]
    options = {"planarconfig": "contig"}
    found = written(tmp_path / "a.tif", ["unspecified"], colours, photometric, **options)
    assert np.array_equal(found, PLANE)


@pytest.mark.parametrize("size", [(30, 40), (4, 9), (9, 4), (2, 5), (5, 2)])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_samples_lie_in_planes_or_beside_each_other(tmp_path, size, colours, planes):
    """Also in a picture that has as many rows or columns as samples."""
    samples = RNG.integers(0, 60000, (colours + 1, *size), np.uint16)
    tifffile.imwrite(
        tmp_path / "a.tif",
        samples if planes == "separate" else np.moveaxis(samples, 0, -1),
        photometric="rgb" if colours == 3 else "minisblack",
        planarconfig=planes,
        extrasamples=["unspecified"],
        metadata=None,
    )
    assert np.array_equal(infrared_in(tmp_path / "a.tif"), samples[-1])


def test_of_several_samples_after_the_colours_none_is_known_to_be_infrared(tmp_path):
    colours = np.dstack([COLOURS, PLANE])
    assert written(tmp_path / "a.tif", ["unspecified"] * 2, colours) is None
    assert written(tmp_path / "b.tif", ["unspecified"], photometric="separated") is None


def pages(path, *others):
    with tifffile.TiffWriter(path) as file:
        file.write(COLOURS, photometric="rgb", metadata=None)
        for pixels, kind in others:
            photometric = "rgb" if pixels.ndim == 3 else "minisblack"
            file.write(pixels, photometric=photometric, subfiletype=kind, metadata=None)
    return infrared_in(path)


def test_a_grey_page_of_the_same_size_is_infrared(tmp_path):
    path = tmp_path / "a.tif"
    assert pages(path) is None
    assert np.array_equal(pages(path, (COLOURS, 0), (PLANE, 0)), PLANE)
    assert np.array_equal(pages(path, (PLANE, 2)), PLANE)
    assert pages(path, (PLANE, 1)) is None  # marked as a smaller copy
    assert pages(path, (PLANE, 3)) is None
    assert pages(path, (PLANE[:15], 0)) is None
    assert pages(path, (PLANE[:, :20], 0)) is None
    assert pages(path, (PLANE.astype(np.uint32), 0)) is None


def test_what_is_no_tiff_has_none(tmp_path):
    Image.fromarray(PLANE.astype(np.uint8)).save(tmp_path / "a.png")
    assert infrared_in(tmp_path / "a.png") is None
    assert infrared_in(tmp_path / "missing.tif") is None


def test_the_grey_page_may_come_first(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(PLANE, photometric="minisblack", metadata=None)
        file.write(COLOURS, photometric="rgb", metadata=None)
    assert np.array_equal(infrared_in(path), PLANE)


def test_a_pipe_has_no_infrared_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.tif")
    assert infrared_in(tmp_path / "a.tif") is None
