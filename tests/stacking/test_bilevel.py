"""Scans of 1 bit a pixel."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from dustbust.__main__ import main
from dustbust.errors import DustbustError
from dustbust.files.bilevel import check_kinds, in_black_and_white, read_scan
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


def test_a_scan_of_each_kind_is_named(tmp_path):
    bits, grey = tmp_path / "bits.png", tmp_path / "grey.png"
    Image.new("L", (9, 9)).save(grey)
    Image.new("1", (9, 9)).save(bits)
    for scans in ([bits, bits, grey], [grey, bits], [grey, bits, grey]):
        with pytest.raises(DustbustError, match=r"bits.png: has 1 bit a pixel, but \S*grey.png"):
            check_kinds(scans)
    assert check_kinds([bits, bits])
    assert not check_kinds([grey, grey])


@pytest.mark.parametrize("suffix", ["tif", "png"])
@pytest.mark.parametrize("like", ["tif", "png"])
def test_a_page_of_1_bit_has_the_resolution_of_the_scans(tmp_path, like, suffix):
    paths, _ = write_pair(tmp_path)
    if like == "png":
        for path in paths:
            with Image.open(path) as scan:
                scan.save(path.with_suffix(".png"), dpi=scan.info["dpi"])
        paths = [path.with_suffix(".png") for path in paths]
    output = tmp_path / f"page.{suffix}"
    words = ["stack", "--no-align", "--mode", "maximum", *map(str, paths), "-o", str(output)]
    assert main(words) == 0
    with Image.open(output) as page:
        assert page.mode == "1"
        assert page.info["dpi"] == pytest.approx((300, 300), abs=0.01)  # PNG: dots per metre
        lightest = np.maximum(*map(read_scan, paths))
        assert np.array_equal(np.asarray(page), lightest == 255)


def test_a_page_of_1_bit_without_a_resolution_has_none(tmp_path):
    paths, _ = write_pair(tmp_path)
    for path in paths:
        with Image.open(path) as scan:
            Image.fromarray(np.asarray(scan)).save(path.with_suffix(".png"))
    scans = [str(path.with_suffix(".png")) for path in paths]
    words = ["stack", "--no-align", "--mode", "maximum", *scans, "-o", str(tmp_path / "page.png")]
    assert main(words) == 0
    with Image.open(tmp_path / "page.png") as page:
        assert "dpi" not in page.info


def test_a_dark_page_of_1_bit_is_cleaned_of_light_dust(tmp_path):
    """As on a negative; where the scans disagree, the page is as most of it is."""
    case = simulate([movement(17.0, -11.0)], seed=21)
    paths = [tmp_path / f"{name}.tif" for name in "ab"]
    for path, scan in zip(paths, case.scans, strict=True):
        Image.fromarray(scan <= 128).save(path, compression="group4")
    page = case.clean <= 128
    inner = np.s_[40:-40, 40:-40]
    before = np.mean((read_scan(paths[0]) > 128)[inner] != page[inner])
    for name in ("page.tif", "page.png", "page.bmp"):
        assert main(["stack", *map(str, paths), "-o", str(tmp_path / name)]) == 0
        found = read_scan(tmp_path / name)
        assert set(np.unique(found)) == {0, 255}
        assert np.mean((found > 128)[inner] != page[inner]) < 0.4 * before


def test_grey_between_black_and_white_is_as_most_of_the_page_is():
    light = np.array([[255, 255, 128, 127, 0, 129, 126]], np.uint8)
    assert in_black_and_white(light).tolist() == [[255, 255, 255, 255, 0, 255, 0]]
    dark = np.array([[255, 0, 128, 127, 0, 129, 126]], np.uint8)
    assert in_black_and_white(dark).tolist() == [[255, 0, 0, 0, 0, 255, 0]]
