"""Whose grid a page has if its scans differ in resolution."""

import json

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.__main__ import main
from dustbust.registration.register import Registration
from dustbust.stacking import strips
from dustbust.stacking.stack import StackReport, _finest, _in_front, _put_back
from helpers.synthetic_scans import largest_error, movement, psnr, simulate

MOVES = [movement(13.5, 9.25), movement(-20.25, 16.5)]


def halved(scan):
    """A scan at half the resolution."""
    blocks = scan.reshape(scan.shape[0] // 2, 2, scan.shape[1] // 2, 2).astype(float)
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


def coarse_fine_coarse():
    """Three scans, the second one twice as fine as the others, and the truth of the second one."""
    case = simulate(MOVES)
    return [halved(case.scans[1]), case.scans[0], halved(case.scans[2])], case


def test_the_finest_scan_gives_size_and_place():
    scans, case = coarse_fine_coarse()
    report = dustbust.stack_scans(scans, grid="finest", return_report=True)
    assert report.reference == 1
    assert report.page.shape == case.clean.shape
    assert psnr(report.page, case.clean) > psnr(scans[1], case.clean) + 2
    assert np.array_equal(report.registrations[1].matrix, np.eye(3))
    smaller = np.diag([0.5, 0.5, 1])
    smaller[:2, 2] = -0.25
    for k, move in ((0, MOVES[0]), (2, MOVES[1])):
        assert largest_error(report.registrations[k].matrix, smaller @ move) <= 0.1
    assert np.array_equal(report.gain[1], [1.0])


def test_the_first_scan_gives_them_unless_asked():
    scans, _ = coarse_fine_coarse()
    report = dustbust.stack_scans(scans, mode="median", return_report=True)
    assert report.reference == 0
    assert report.page.shape == scans[0].shape


def test_scans_of_one_resolution_have_the_grid_of_the_first():
    case = simulate(MOVES[:1])
    first = dustbust.stack_scans(case.scans, mode="maximum")
    assert np.array_equal(first, dustbust.stack_scans(case.scans, mode="maximum", grid="finest"))


def scaled(*factors):
    return [Registration(np.diag([across, down, 1.0])) for across, down in factors]


def test_a_scan_is_finer_from_a_fiftieth_on():
    """By the root of the area of its pixels."""
    assert _finest(scaled((1, 1), (1.019, 1.019))) == 0
    assert _finest(scaled((1, 1), (1.021, 1.021))) == 1
    assert _finest(scaled((1, 1), (1.1, 0.93))) == 0
    assert _finest(scaled((1, 1), (1.1, 0.95))) == 1
    assert _finest(scaled((1, 1), (1.2, 1.2), (-1.5, 1.5), (0.5, 0.5))) == 2
    moved = Registration(np.array([[0, 1.3, 90], [-1.3, 0, -70], [0, 0, 1.0]]))
    assert _finest([*scaled((1, 1)), moved]) == 1


@pytest.mark.parametrize("reference", range(4))
def test_a_report_has_the_scans_in_their_order(reference):
    registrations = [Registration(np.eye(3), moved=float(k)) for k in range(4)]
    gain = np.arange(4.0)[:, None]
    order = [reference, *(k for k in range(4) if k != reference)]
    assert _in_front("abcd", reference) == ["abcd"[k] for k in order]
    page = np.zeros((2, 2), np.uint8)
    there = [registrations[k] for k in order]
    report = StackReport(page, None, there, gain[order], 10 * gain[order])
    _put_back(report, reference)
    assert [found.moved for found in report.registrations] == [0, 1, 2, 3]
    assert (report.gain == gain).all()
    assert (report.offset == 10 * gain).all()
    assert report.reference == reference


@pytest.mark.parametrize(
    ("mode", "fractions"),
    [("mean", [0.6, 0.7, 0.8, 0.9, 1]), ("dust-free", [0.75, 0.8, 0.85, 0.9, 0.95, 1])],
)
def test_progress_of_scans_that_are_registered_begins_in_the_middle(mode, fractions, monkeypatch):
    """In five strips of 16 rows; the search for dust is one part here, the first half of it."""
    monkeypatch.setattr(strips, "STRIP_BYTES", 1)
    rng = np.random.default_rng(1)
    scans = [rng.integers(90, 160, (80, 90), np.uint8) for _ in range(2)]
    moved = np.array([[1, 0, 12], [0, 1, 7], [0, 0, 1.0]])
    registrations = [Registration(np.eye(3)), Registration(moved, moved=14.0)]
    told = []
    dustbust.stack_scans(
        scans,
        mode=mode,
        registrations=registrations,
        progress=lambda fraction, text: told.append((fraction, text)),
    )
    assert [fraction for fraction, _ in told] == pytest.approx(fractions)
    assert {text for _, text in told} == {mode}


def test_choices():
    scans = [np.zeros((20, 30), np.uint8)] * 2
    with pytest.raises(ValueError, match="grid must be one of first, finest"):
        dustbust.stack_scans(scans, grid="coarsest")
    with pytest.raises(ValueError, match="is for align=True"):
        dustbust.stack_scans(scans, align=False, grid="finest")


def test_scans_are_of_one_kind():
    grey, colour = np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.uint8)
    for other, kind in ((colour, "colour uint8"), (grey.astype(np.uint16), "grey uint16")):
        with pytest.raises(
            dustbust.DustbustError, match=f"scan 2 is {kind}, but scan 0 is grey uint8"
        ):
            dustbust.stack_scans([grey, grey[..., None], other], mode="mean", align=False)


def test_command_line(tmp_path, capsys):
    scans, case = coarse_fine_coarse()
    paths = [str(tmp_path / name) for name in ("a.png", "b.png", "c.png")]
    for path, scan, dpi in zip(paths, scans, (150, 300, 150), strict=True):
        Image.fromarray(scan).save(path, dpi=(dpi, dpi))
    page = tmp_path / "page.png"
    assert main(["stack", *paths, "--grid", "finest", "--json", "-o", str(page)]) == 0
    assert json.loads(capsys.readouterr().out)["reference"] == paths[1]
    with Image.open(page) as written:
        assert written.size == case.clean.shape[::-1]
        assert round(written.info["dpi"][0]) == 300
    assert main(["stack", *paths, "--grid", "finest", "--no-align", "-o", str(page)]) == 1
    assert "--grid finest: only alignment" in capsys.readouterr().err
