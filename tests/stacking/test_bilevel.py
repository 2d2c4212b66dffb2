"""Scans of 1 bit a pixel."""

import numpy as np
import pytest
import tifffile
from PIL import Image

import dustbust
from dustbust.__main__ import main
from dustbust.files.bilevel import read_scan
from helpers.synthetic_scans import movement, simulate


def write_pair(folder):
    """Two scans with the same dust, as fax-compressed TIFFs, and the page."""
    case = simulate([movement(17.0, -11.0)], seed=21)
    paths = [folder / f"{name}.tif" for name in "ab"]
    for path, scan in zip(paths, case.scans, strict=True):
        Image.fromarray(scan > 128).save(path, compression="group4", dpi=(300, 300))
    return paths, case.clean > 128


def test_pages_of_1_bit_are_cleaned_and_written_as_they_came(tmp_path):
    paths, page = write_pair(tmp_path)
    output = tmp_path / "page.tif"
    assert main(["stack", *map(str, paths), "-o", str(output)]) == 0
    with tifffile.TiffFile(output) as file:
        first = file.pages.first
        assert first.bitspersample == 1
        assert first.compression == tifffile.COMPRESSION.CCITT_T6
        assert first.tags["XResolution"].value == (300, 1)
    inner = np.s_[40:-40, 40:-40]
    wrong = [np.mean((read_scan(path) > 128)[inner] != page[inner]) for path in (paths[0], output)]
    assert wrong[1] < 0.4 * wrong[0]


def test_scans_of_1_bit_and_of_8_are_not_mixed(tmp_path, capsys):
    paths, _ = write_pair(tmp_path)
    grey = tmp_path / "c.tif"
    Image.fromarray(read_scan(paths[1])).save(grey)
    assert main(["stack", str(paths[0]), str(grey), "-o", str(tmp_path / "page.tif")]) == 1
    assert "has 1 bit a pixel, but" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["page.tif", "page.png"])
def test_nothing_but_black_and_white_is_written_as_1_bit(tmp_path, name):
    paths, _ = write_pair(tmp_path)
    arguments = ["--mode", "maximum", "-o", str(tmp_path / name)]
    assert main(["stack", *map(str, paths), *arguments]) == 0
    page = read_scan(tmp_path / name)
    if name == "page.tif":
        assert set(np.unique(page)) == {0, 255}
    else:
        assert np.array_equal(page, dustbust.stack_scans(paths, mode="maximum"))
