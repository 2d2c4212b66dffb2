"""Stacking: scans of one page become one page."""

import tempfile
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust import Registration
from dustbust.command_line import main
from dustbust.files.read import read_frame
from dustbust.stacking import evidence, strips
from helpers.synthetic_scans import movement, page_of_text, psnr, scan_page, simulate


def test_unaligned_scans_are_combined_where_they_lie():
    rng = np.random.default_rng(1)
    scans = list(rng.integers(0, 256, (3, 20, 30, 3), dtype=np.uint8))
    assert np.array_equal(
        dustbust.stack_scans(scans, mode="median", align=False), np.median(scans, axis=0)
    )


def test_positions_place_scans_of_different_size():
    first, second = np.full((10, 12), 100, np.uint8), np.full((5, 6), 200, np.uint8)
    page = dustbust.stack_scans(
        [first, second], mode="maximum", align=False, positions=[(10, 20), (13, 22)]
    )
    expected = first.copy()
    expected[2:7, 3:9] = 200
    assert np.array_equal(page, expected)


def test_one_scan_is_refused():
    with pytest.raises(dustbust.DustbustError, match=r"one scan.*two scans"):
        dustbust.stack_scans([np.zeros((5, 5), np.uint8)], align=False)


@pytest.mark.parametrize("move", [(17.25, -11.75), (60.5, 40.25)])
def test_dust_free_page_beats_the_textbook(move):
    """The textbook takes the lighter one of two scans with dark dust, and knows the offsets.

    Dust-free is closer to the page, without a known polarity.
    """
    case = simulate([movement(*move)])
    report = dustbust.stack_scans(case.scans, return_report=True)
    page, dust = report.page, report.dust
    textbook = dustbust.stack_scans(
        case.scans, mode="maximum", registrations=[Registration(m) for m in case.matrices]
    )
    assert psnr(page, case.clean) >= psnr(textbook, case.clean) + 1.5
    assert dust.polarity == "dark"
    assert dust.binary()[60:-60, 60:-60][case.dust[60:-60, 60:-60] > 0.4].mean() > 0.9
    assert dust.binary().mean() < 0.25
    assert 0 <= report.filled < 0.01


def test_clean_scans_give_their_mean():
    case = simulate([movement(12.25, -7.75)], coverage=0)
    registrations = [Registration(m, moved=14.5) for m in case.matrices]
    page = dustbust.stack_scans(case.scans, registrations=registrations)
    mean = dustbust.stack_scans(case.scans, mode="mean", registrations=registrations)
    assert psnr(page, case.clean) >= psnr(mean, case.clean) - 0.1


def test_identical_scans_cannot_be_told_from_their_dust():
    scan = simulate([]).scans[0]
    registrations = [Registration(np.eye(3)), Registration(np.eye(3))]
    with pytest.raises(
        dustbust.DustbustError, match=r"moved by 0.0 px.*nothing tells dust from page"
    ):
        dustbust.stack_scans([scan, scan], registrations=registrations)
    assert np.array_equal(
        dustbust.stack_scans([scan, scan], mode="mean", registrations=registrations), scan
    )


def test_dust_free_page_of_three_beats_the_textbook():
    case = simulate([movement(17.25, -11.75), movement(-14.5, 8.25, turn=0.1)], seed=3)
    textbook = dustbust.stack_scans(
        case.scans, mode="maximum", registrations=[Registration(m) for m in case.matrices]
    )
    assert psnr(dustbust.stack_scans(case.scans), case.clean) >= psnr(textbook, case.clean) + 1.5


def test_light_dust_needs_no_choice_of_polarity():
    case = simulate([movement(17.25, -11.75)], polarity="light", seed=4)
    report = dustbust.stack_scans(case.scans, return_report=True)
    page, dust = report.page, report.dust
    textbook = dustbust.stack_scans(
        case.scans, mode="minimum", registrations=[Registration(m) for m in case.matrices]
    )
    assert dust.polarity == "light"
    assert psnr(page, case.clean) >= psnr(textbook, case.clean) + 1.5


def test_polarity_that_is_known_is_not_looked_for():
    scans = simulate([movement(17.25, -11.75)], seed=6).scans
    report = dustbust.stack_scans(scans, return_report=True)
    page, dust = report.page, report.dust
    assert dust.polarity == "dark"
    assert np.array_equal(dustbust.stack_scans(scans, polarity="dark"), page)
    assert not np.array_equal(dustbust.stack_scans(scans, polarity="both"), page)
    with pytest.raises(ValueError, match="polarity must be one of"):
        dustbust.stack_scans(scans, polarity="black")


def test_half_a_turn_does_not_make_paper_of_dust():
    """Turned back, it is half a turn again: in both scans the same places differ.

    They are those with dust and those that dust of the other scan hides.
    """
    case = simulate([movement(13.5, 9.25, turn=180)], seed=5)
    report = dustbust.stack_scans(case.scans, return_report=True)
    page, dust = report.page, report.dust
    textbook = dustbust.stack_scans(
        case.scans, mode="maximum", registrations=[Registration(m) for m in case.matrices]
    )
    assert dust.polarity == "dark"
    assert psnr(page, case.clean) >= psnr(textbook, case.clean) + 1.5


@pytest.mark.parametrize("polarity", ["dark", "light"])
@pytest.mark.parametrize("later", [0, 0.04], ids=["wiped", "other dust"])
@pytest.mark.parametrize("moves", [[(17.25, -11.75)], [(17.25, -11.75), (-9.5, 14.25)]])
def test_dust_that_did_not_stay_is_removed(polarity, later, moves):
    """Never worse than the better of maximum and minimum, which know nothing of the dust."""
    case = simulate([movement(*move) for move in moves], polarity=polarity, later=later, seed=11)
    registrations = [Registration(m, moved=21.0) for m in case.matrices]
    report = dustbust.stack_scans(case.scans, registrations=registrations, return_report=True)
    best = max(
        psnr(dustbust.stack_scans(case.scans, mode=mode, registrations=registrations), case.clean)
        for mode in ("maximum", "minimum")
    )
    assert report.dust.polarity == polarity
    assert psnr(report.page, case.clean) >= best


def test_tone_curve_of_a_scan_is_undone():
    case = simulate([movement(17.25, -11.75)], seed=12)
    registrations = [Registration(m, moved=21.0) for m in case.matrices]
    dark = np.rint(255 * (case.scans[1] / 255.0) ** 2).astype(np.uint8)
    page = dustbust.stack_scans([case.scans[0], dark], registrations=registrations)
    even = dustbust.stack_scans(case.scans, registrations=registrations)
    assert psnr(page, case.clean) >= psnr(even, case.clean) - 1.5


def test_a_negative_is_inverted():
    case = simulate([movement(17.25, -11.75)], seed=13)
    report = dustbust.stack_scans([case.scans[0], 255 - case.scans[1]], return_report=True)
    assert [found.negative for found in report.registrations] == [False, True]
    even = dustbust.stack_scans(case.scans)
    assert psnr(report.page, case.clean) >= psnr(even, case.clean) - 0.2


def test_colours_that_lie_beside_each_other_in_one_scan(tmp_path, capsys):
    """Before, each colour of the page was a mixture of two places, worse than a single scan."""
    case = simulate([movement(13.5, 9.25)])
    grey, wider = case.scans[1], np.pad(case.scans[1], 4, mode="edge")
    apart = [wider[4 - y : 484 - y, 4 - x : 644 - x] for x, y in ((0, 0), (2, 1), (-1, 0))]
    assert apart[0].shape == grey.shape
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, planes in zip(paths, ([case.scans[0]] * 3, apart), strict=True):
        Image.fromarray(np.stack(planes, axis=2)).save(path)
    assert main(["stack", *map(str, paths), "-o", str(tmp_path / "page.png")]) == 0
    assert "colours of scan 1 lay 3.2 px apart and were aligned" in capsys.readouterr().out
    page = read_frame(tmp_path / "page.png")
    for channel in range(3):
        assert psnr(page[..., channel], case.clean) > psnr(case.scans[0], case.clean) + 10


def test_uneven_transport_does_not_blur_the_page():
    rows = np.arange(480)
    waver = np.stack(
        [2.5 * np.sin(rows / 37.0) + 1.5 * np.sin(rows / 90.0 + 1), 0.6 * np.sin(rows / 53.0)],
        axis=1,
    )
    case = simulate([movement(26.0, 13.25)], waver=waver)
    assert psnr(dustbust.stack_scans(case.scans), case.clean) >= 30
    straight = dustbust.stack_scans(
        case.scans, registrations=[Registration(m, moved=29.0) for m in case.matrices]
    )
    assert psnr(straight, case.clean) < 25


def test_brightness_is_made_that_of_the_first_scan_unless_told_otherwise():
    case = simulate([movement(17.25, -11.75)], gain=(1.0, 0.85))
    report = dustbust.stack_scans(case.scans, return_report=True)
    evened = report.page
    assert (
        psnr(evened, case.clean)
        >= psnr(dustbust.stack_scans(case.scans, normalise=False), case.clean) + 6
    )
    assert report.gain[1] * 0.85 == pytest.approx(1, abs=0.02)


def test_where_one_scan_has_no_data_the_other_counts():
    case = simulate([movement(12.25, -7.75)], coverage=0)
    scans = [np.stack([scan, np.full_like(scan, 255)], axis=2) for scan in case.scans]
    scans[0][:90, :120] = (255, 0)  # scan 0 misses a corner
    for scan in scans:
        scan[400:, 500:] = (0, 0)  # and both another one
    for mode in ("dust-free", "mean", "maximum"):
        page = dustbust.stack_scans(scans, mode=mode)
        assert page.shape == scans[0].shape
        corner, truth = page[30:80, 30:110, 0].astype(float), case.clean[30:80, 30:110]
        assert np.sqrt(np.mean((corner - truth) ** 2)) < 8
        assert (page[20:80, 30:110, 1] == 255).all()
        assert not page[420:, 530:].any()


def test_dust_of_the_scanner_cleans_a_page_that_is_scanned_once(tmp_path):
    case = simulate([movement(17.25, -11.75)])
    dust = dustbust.stack_scans(case.scans, return_report=True).dust
    dust.save(tmp_path / "scanner.png")
    rng = np.random.default_rng(9)
    clean = scan_page(page_of_text(rng, 960, 1280), np.eye(3), case.dust.shape) * 255
    once = clean * (1 - case.dust) + 0.05 * 255 * case.dust + rng.normal(0, 4, clean.shape)
    once = np.clip(once + 0.5, 0, 255).astype(np.uint8)
    cleaned = dustbust.apply_mask(once, dustbust.DustMask.load(tmp_path / "scanner.png"))
    assert psnr(cleaned, clean) >= psnr(once, clean) + 6


# --- many scans from files ---


def write_scans(folder, number, shape=(240, 320)):
    """Files of scans of noise, which lie as they are, and their pixels."""
    rng = np.random.default_rng(8)
    scans = [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(number)]
    paths = [folder / f"{k}.png" for k in range(number)]
    for path, scan in zip(paths, scans, strict=True):
        Image.fromarray(scan).save(path)
    return paths, scans


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files, empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("mode", ["median", "dust-free"])
def test_files_give_what_their_pixels_give_and_nothing_stays_behind(tmp_path, temporary, mode):
    paths, scans = write_scans(tmp_path, 4)
    registrations = [
        Registration(movement(5.5 * k, 3 * k, height=240, width=320), moved=6.0 * k)
        for k in range(4)
    ]
    page = dustbust.stack_scans(paths, mode=mode, registrations=registrations)
    assert np.array_equal(page, dustbust.stack_scans(scans, mode=mode, registrations=registrations))
    assert not list(temporary.iterdir())


def test_nothing_stays_behind_when_stacking_fails(tmp_path, temporary):
    paths, _ = write_scans(tmp_path, 2)
    with pytest.raises(dustbust.DustbustError, match="no place on it shows"):
        dustbust.stack_scans(paths)
    with pytest.raises(dustbust.DustbustError, match=r"missing\.png"):
        dustbust.stack_scans([*paths, tmp_path / "missing.png"], mode="mean", align=False)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("number", [2, 3])
def test_the_page_does_not_depend_on_the_parts_that_are_looked_at_together(monkeypatch, number):
    case = simulate([movement(17.25, -11.75), movement(-14.5, 20.25)], seed=5, shape=(160, 200))
    placed = [Registration(m, moved=20.0) for m in case.matrices][:number]
    reports = []
    # In rows as a whole, of which the page is then made, and not.
    for columns, rows, strip in ((1 << 15, 512, 1), (150, 16, 1 << 22)):
        monkeypatch.setattr(evidence, "MOST_COLUMNS", columns)
        monkeypatch.setattr(evidence, "LEAST_ROWS", rows)
        monkeypatch.setattr(evidence, "STRIP_BYTES", 1)
        monkeypatch.setattr(strips, "STRIP_BYTES", strip)
        reports.append(
            dustbust.stack_scans(case.scans[:number], registrations=placed, return_report=True)
        )
    one, other = reports
    assert np.array_equal(one.page, other.page)
    assert np.array_equal(one.dust.grey, other.dust.grey)


@pytest.mark.parametrize("mode", ["median", "dust-free"])
def test_memory_does_not_grow_with_the_number_of_files(tmp_path, monkeypatch, mode):
    monkeypatch.setattr(strips, "STRIP_BYTES", 1 << 18)
    monkeypatch.setattr(evidence, "LEAST_ROWS", 8)
    paths, _ = write_scans(tmp_path, 20, (1600, 300))
    registrations = [
        Registration(movement(5.5 * k, 3 * k, height=1600, width=300), moved=6.0 * k)
        for k in range(20)
    ]
    peaks = []
    for number in (5, 20):
        tracemalloc.start()
        dustbust.stack_scans(
            paths[:number],
            mode=mode,
            registrations=registrations[:number],
            normalise=False,
            threads=2,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] <= 1.1 * peaks[0]  # 15 more scans are 7.2 MB
