"""Pages of many groups of scans, on the command line."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dustbust.__main__ import main
from dustbust.command_line.stack import pages_of
from dustbust.errors import DustbustError
from dustbust.files.read import header_of, read_frame


def write_groups(folder, suffix, *, groups=2, seed=0):
    """Two scans of each page, which lie on each other; the means of the pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    means = []
    for group in range(groups):
        pair = rng.integers(0, 256, (2, 40, 60), dtype=np.uint8)
        for name, scan in zip("ab", pair, strict=True):
            Image.fromarray(scan).save(folder / f"p{group}{name}{suffix}")
        means.append(np.rint(pair.mean(axis=0)))
    return means


def stack(*arguments):
    return main(["stack", "--pairs", "--mode", "mean", "--no-align", *map(str, arguments)])


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".png", "PNG"), (".tif", "TIFF"), (".bmp", "BMP"), (".jp2", "JPEG 2000"), (".webp", "WebP")],
)
def test_pages_have_the_format_of_the_scans(tmp_path, suffix, kind):
    write_groups(tmp_path / "roll", suffix)
    assert stack(tmp_path / "roll") == 0
    pages = sorted((tmp_path / "roll" / "pages").iterdir())
    assert [page.name for page in pages] == [f"p0a{suffix}", f"p1a{suffix}"]
    assert {header_of(page)[2] for page in pages} == {kind}


def test_pages_of_another_format(tmp_path):
    means = write_groups(tmp_path / "roll", ".bmp")
    assert stack(tmp_path / "roll", "--format", "png") == 0
    page = tmp_path / "roll" / "pages" / "p1a.png"
    assert header_of(page)[2] == "PNG"
    assert np.array_equal(read_frame(page), means[1])


def test_equal_names_in_several_folders_lose_no_page(tmp_path):
    means = [write_groups(tmp_path / roll, ".png", seed=k) for k, roll in enumerate(("r1", "r2"))]
    for _ in range(2):  # the second time all pages are there already
        assert stack(tmp_path / "r1", tmp_path / "r2", "-o", tmp_path / "pages") == 0
        for roll, pages in zip(("r1", "r2"), means, strict=True):
            for k, mean in enumerate(pages):
                page = read_frame(tmp_path / "pages" / roll / f"p{k}a.png")
                assert np.array_equal(page, mean)


def test_scans_from_the_future_do_not_stop_a_second_run(tmp_path, capsys):
    write_groups(tmp_path / "roll", ".png")
    for scan in (tmp_path / "roll").iterdir():
        os.utime(scan, (4e9, 4e9))
    assert stack(tmp_path / "roll") == 0
    assert stack(tmp_path / "roll") == 0
    assert "0 pages written, 2 there already, 0 failed" in capsys.readouterr().out


def test_two_groups_with_one_page_are_refused_before_the_work(tmp_path, capsys):
    """Their first scans differ only in the suffix, which --format replaces."""
    for name in ("1.bmp", "1.png", "1.tif", "2.tif"):
        Image.new("L", (60, 40)).save(tmp_path / name)
    assert stack(tmp_path, "--format", "webp") == 1
    assert "1.webp: would be the page of two groups" in capsys.readouterr().err
    assert not (tmp_path / "pages").exists()


@pytest.mark.parametrize("exists", ["skip", "overwrite", "rename"])
def test_a_page_never_replaces_a_scan_of_another_page(tmp_path, capsys, exists):
    rng = np.random.default_rng(1)
    names = ("a.tif", "b.tif", "c.tif", "a.png")  # the first page would be a.png
    for name in names:
        Image.fromarray(rng.integers(0, 256, (40, 60), dtype=np.uint8)).save(tmp_path / name)
    scans = {name: (tmp_path / name).read_bytes() for name in names}
    paths = [tmp_path / name for name in names]
    assert stack(*paths, "--format", "png", "-o", tmp_path, "--exists", exists) == 1
    assert "a.png: is one of the pictures it is made from" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == scans


def test_the_dust_of_many_pages_is_no_file(tmp_path, capsys):
    write_groups(tmp_path / "roll", ".png")
    arguments = ["stack", "--pairs", str(tmp_path / "roll"), "--dust", str(tmp_path / "dust.png")]
    assert main(arguments) == 1
    assert "is the dust of one page, not of many" in capsys.readouterr().err
    assert not (tmp_path / "roll" / "pages").exists()


def test_the_page_of_two_groups_is_named():
    groups = [[Path(name)] for name in ("a.tif", "b.bmp", "c.tif", "b.tif")]
    with pytest.raises(DustbustError, match=r"^out/b\.png: would be the page of two groups"):
        pages_of(groups, Path("out"), "png")
    assert pages_of(groups[1:], Path("out"), None) == [
        Path("out") / name for name in ("b.bmp", "c.tif", "b.tif")
    ]


@pytest.mark.parametrize("mode", ["mean", "range"])
def test_modes_that_look_for_no_dust_give_none(tmp_path, capsys, mode):
    write_groups(tmp_path, ".png", groups=1)
    scans = [str(tmp_path / name) for name in ("p0a.png", "p0b.png")]
    words = ["-o", str(tmp_path / "page.png"), "--dust", str(tmp_path / "dust.png")]
    assert main(["stack", *scans, "--no-align", "--mode", mode, *words]) == 1
    assert f"mode {mode} does not look for dust" in capsys.readouterr().err
    assert not (tmp_path / "page.png").exists()
