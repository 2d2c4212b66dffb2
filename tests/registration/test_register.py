"""Registration: the page is found where it is, not where the dust is."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dustbust
from dustbust.files.read import read_frame
from dustbust.registration import register
from helpers.synthetic_scans import (
    FINE,
    dust_on_glass,
    largest_error,
    movement,
    page_of_text,
    simulate,
)

PAIR = Path(__file__).parents[1] / "samples" / "pair"

MOVES = {
    "4 px": movement(3.25, -2.5),
    "20 px": movement(17.25, -11.75),
    "a third of the page": movement(-210.5, 60.25),
    "turned": movement(12.3, 18.2, turn=0.7),
    "stretched": movement(-14.6, 22.1, turn=-0.2, stretch=1.004),
    "turned by 3 degrees": movement(12.3, 18.2, turn=3),
    "turned by -6 degrees": movement(-8.3, 5.2, turn=-6),
}


@pytest.mark.parametrize("name", MOVES)
def test_movement_is_found_in_spite_of_static_dust(name):
    case = simulate([MOVES[name]], polarity="light" if name == "20 px" else "dark", seed=len(name))
    found = dustbust.register_scans(case.scans)
    assert np.array_equal(found[0].matrix, np.eye(3))
    assert largest_error(found[1].matrix, case.matrices[1]) <= 0.05
    assert found[1].confidence > 0.5


def test_other_brightness_and_contrast():
    case = simulate([movement(13.5, 9.25)])
    dim = (case.scans[1] * 0.4 + 50).astype(np.uint8)
    assert (
        largest_error(dustbust.register_scans([case.scans[0], dim])[1].matrix, case.matrices[1])
        <= 0.05
    )


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_depth_and_channels_do_not_matter(dtype):
    case = simulate([movement(13.5, 9.25)])
    white = 257 if dtype == np.uint16 else 1 / 255
    scans = [
        np.repeat((scan * np.float32(white)).astype(dtype)[..., None], 3, axis=2)
        for scan in case.scans
    ]
    assert largest_error(dustbust.register_scans(scans)[1].matrix, case.matrices[1]) <= 0.05


def test_scans_of_different_size():
    case = simulate([movement(13.5, 9.25)])
    matrix = case.matrices[1].copy()
    matrix[:2, 2] -= (50, 30)
    assert (
        largest_error(
            dustbust.register_scans([case.scans[0], case.scans[1][30:, 50:-20]])[1].matrix, matrix
        )
        <= 0.05
    )


def test_half_a_turn():
    case = simulate([movement(13.5, 9.25)])
    turned = np.array([[-1, 0, 639], [0, -1, 479], [0, 0, 1.0]])
    assert (
        largest_error(
            dustbust.register_scans([case.scans[0], case.scans[1][::-1, ::-1]])[1].matrix,
            turned @ case.matrices[1],
        )
        <= 0.05
    )


@pytest.mark.parametrize("quarters", [1, 3])
def test_quarter_turns(quarters):
    case = simulate([movement(13.5, 9.25)])
    height, width = case.scans[1].shape
    turns = {1: [[0, 1, 0], [-1, 0, width - 1]], 3: [[0, -1, height - 1], [1, 0, 0]]}
    turned = np.array([*turns[quarters], [0, 0, 1]], float)
    found = dustbust.register_scans([case.scans[0], np.rot90(case.scans[1], quarters)])[1]
    assert largest_error(found.matrix, turned @ case.matrices[1]) <= 0.05


@pytest.mark.parametrize("ratio", [0.5, 2.0])
@pytest.mark.parametrize("cut", [0, 30])
def test_other_resolution(ratio, cut):
    """Also where the sizes do not tell it, as the scan was cut."""
    case = simulate([movement(13.5, 9.25)])
    scan = case.scans[1]
    if ratio == 2:
        scan = np.kron(scan, np.ones((2, 2), np.uint8))
    else:
        blocks = scan.reshape(240, 2, 320, 2).astype(float)
        scan = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    scan = scan[: len(scan) - cut]
    larger = np.diag([ratio, ratio, 1])
    larger[:2, 2] = (ratio - 1) / 2
    found = dustbust.register_scans([case.scans[0], scan])[1]
    # Of the first scan's pixels: the error is measured on the other scan.
    assert largest_error(found.matrix, larger @ case.matrices[1]) <= 0.1 * max(ratio, 1)


def other_resolution(folder, stated, suffix):
    """Files of a scan and of one of half its resolution that was cut, and the true matrix."""
    case = simulate([movement(13.5, 9.25)])
    blocks = case.scans[1].reshape(240, 2, 320, 2).astype(float)
    half = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)[:, :290]
    paths = [folder / f"{name}{suffix}" for name in "ab"]
    for path, scan, dpi in zip(paths, (case.scans[0], half), stated, strict=True):
        Image.fromarray(scan).save(path, dpi=(dpi, dpi))
    smaller = np.diag([0.5, 0.5, 1])
    smaller[:2, 2] = -0.25
    return paths, smaller @ case.matrices[1]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_resolutions_that_files_state_are_a_start(tmp_path, monkeypatch, suffix):
    """Sizes do not tell the ratio here; without the files' word spectra would be compared."""
    paths, matrix = other_resolution(tmp_path, (600, 300), suffix)
    monkeypatch.setattr(register, "more_guesses", None)
    found = dustbust.register_scans(paths)[1]
    assert largest_error(found.matrix, matrix) <= 0.1


@pytest.mark.parametrize("stated", [(300, 300), (300, 400), (300, 9000)])
def test_resolutions_that_files_state_wrongly_do_no_harm(tmp_path, stated):
    paths, matrix = other_resolution(tmp_path, stated, ".png")
    found = dustbust.register_scans(paths)[1]
    assert largest_error(found.matrix, matrix) <= 0.1


def test_of_one_resolution_in_spite_of_what_the_files_state(tmp_path):
    case = simulate([movement(13.5, 9.25)])
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, scan, dpi in zip(paths, case.scans, (300, 450), strict=True):
        Image.fromarray(scan).save(path, dpi=(dpi, dpi))
    found = dustbust.register_scans(paths)[1]
    assert largest_error(found.matrix, case.matrices[1]) <= 0.03


def shifted(scan, places):
    """A colour scan of a grey one whose channels lie at these places (x, y), px."""
    height, width = scan.shape
    wider = np.pad(scan, 4, mode="edge")
    planes = [wider[4 - y : 4 - y + height, 4 - x : 4 - x + width] for x, y in places]
    return np.ascontiguousarray(np.stack(planes, axis=2))


@pytest.mark.parametrize("quarters", [0, 1])
@pytest.mark.parametrize("turned_round", [False, True])
def test_channels_that_lie_beside_each_other(quarters, turned_round):
    """In one of two scans; each channel of the page lies where scan 0 has it."""
    case = simulate([movement(13.5, 9.25)])
    places = [[(0, 0)] * 3, [(0, 0), (2, 1), (-1, 0)]][:: -1 if turned_round else 1]
    scans = [shifted(scan, at) for scan, at in zip(case.scans, places, strict=True)]
    scans[1] = np.ascontiguousarray(np.rot90(scans[1], quarters))
    found = dustbust.register_scans(scans)[1]
    turn = np.array([[0, 1, 0], [-1, 0, 639], [0, 0, 1]] if quarters else np.eye(3), float)
    for channel in range(3):
        true = case.matrices[1].copy()
        true[:2, 2] += np.subtract(places[1][channel], places[0][channel])
        assert largest_error(found.of_channel(channel).matrix, turn @ true) <= 0.06


def test_channels_of_usual_scans_stay_together():
    case = simulate([movement(13.5, 9.25)])
    scans = [shifted(scan, [(0, 0)] * 3) for scan in case.scans]
    assert dustbust.register_scans(scans)[1].channels is None


def test_the_other_way_round_is_the_inverse():
    case = simulate([movement(13.5, 9.25, turn=0.4)])
    there = dustbust.register_scans(case.scans)[1].matrix
    back = dustbust.register_scans(case.scans[::-1])[1].matrix
    assert largest_error(back @ there, np.eye(3)) <= 0.03


def a_few_lines(rng, height=960, width=1280):
    """A page that is blank but for a few lines in the middle."""
    page = page_of_text(rng, height, width)
    lines = np.zeros_like(page)
    middle = np.s_[
        int(0.46 * page.shape[0]) : int(0.54 * page.shape[0]),
        int(0.35 * page.shape[1]) : int(0.65 * page.shape[1]),
    ]
    lines[middle] = page[middle]
    return lines


@pytest.mark.parametrize("polarity", ["dark", "light"])
def test_a_few_lines_count_more_than_all_the_dust(polarity):
    page = a_few_lines(np.random.default_rng(7))
    case = simulate(
        [movement(17.25, -11.75)],
        seed=7,
        page=page if polarity == "dark" else 1 - page,
        polarity=polarity,
    )
    found = dustbust.register_scans(case.scans)[1]
    assert largest_error(found.matrix, case.matrices[1]) <= 0.3
    assert found.confidence > 0.6


def blurred(picture, sigma):
    frequencies = [np.fft.fftfreq(n) for n in picture.shape]
    response = np.exp(
        -2 * (np.pi * sigma) ** 2 * (frequencies[0][:, None] ** 2 + frequencies[1][None] ** 2)
    )
    return np.fft.ifft2(np.fft.fft2(picture) * response).real


@pytest.mark.parametrize("seed", [2, 3, 5])
def test_dust_does_not_hold_a_page_out_of_focus(seed):
    """The dust is sharp and black: much of the details are its."""
    large = np.kron(page_of_text(np.random.default_rng(seed), 480, 640), np.ones((2, 2)))
    case = simulate([movement(17.25, -11.75)], seed=seed, page=0.5 * blurred(large, 3 * FINE))
    found = dustbust.register_scans(case.scans)[1]
    assert largest_error(found.matrix, case.matrices[1]) <= 0.05
    assert not len(found.distortion)


def test_a_page_that_repeats_is_refused():
    dots = np.zeros((40 * FINE, 40 * FINE), np.float32)
    dots[10 * FINE : 18 * FINE, 10 * FINE : 18 * FINE] = 1
    case = simulate([movement(17.25, -11.75)], page=np.tile(dots, (24, 32)))
    with pytest.raises(
        dustbust.DustbustError,
        match=r"scan 1: shows what scan 0 shows at more than one place.*repeats",
    ):
        dustbust.register_scans(case.scans)


def test_overlap_by_a_fifth_is_found():
    case = simulate([movement(-512, 3)], seed=3)
    found = dustbust.register_scans(case.scans)[1]
    assert largest_error(found.matrix, case.matrices[1]) <= 0.5
    assert found.overlap == pytest.approx(0.2, abs=0.03)


def test_transparent_pixels_are_no_data():
    case = simulate([movement(13.5, 9.25)])
    scans = [np.stack([scan, np.full_like(scan, 255)], axis=2) for scan in case.scans]
    scans[1][:, :200] = (255, 0)
    scans[0][300:] = (0, 0)
    assert largest_error(dustbust.register_scans(scans)[1].matrix, case.matrices[1]) <= 0.06


def test_unrelated_pages_are_refused():
    one, other = simulate([], seed=1), simulate([], seed=2)
    for second in (
        other.scans[0],
        np.where(one.dust > 0.15, one.scans[0], other.scans[0]),
    ):  # also with the same dust on both
        with pytest.raises(
            dustbust.DustbustError, match="scan 1: no place on it shows what scan 0 shows"
        ):
            dustbust.register_scans([one.scans[0], second])


@pytest.mark.parametrize("noise", [0, 3])
def test_blank_pages_are_refused(noise):
    rng = np.random.default_rng(1)
    pages = [
        np.clip(200 + rng.normal(0, noise, (300, 400)), 0, 255).astype(np.uint8) for _ in range(2)
    ]
    with pytest.raises(dustbust.DustbustError, match="scan 1"):
        dustbust.register_scans(pages)


@pytest.mark.parametrize("axis", [0, 1])
def test_overlap_and_movement_are_those_of_the_page(axis):
    """Of a page of 33 px, a shift by one px leaves 32."""
    moved = np.eye(3)
    moved[axis, 2] = 1
    found = register._registration(register.Transform(moved), 0.9, (33, 33), (33, 33))
    assert found.overlap == pytest.approx(32 / 33, abs=0.01)
    assert (found.moved, found.confidence) == (1, 0.9)
    moved[axis, 2] = -4
    found = register._registration(register.Transform(moved), 0.9, (33, 33, 3), (33, 33, 3))
    assert found.overlap == pytest.approx(29 / 33, abs=0.01)
    assert found.moved == 4
    moved[axis, 2] = 40
    found = register._registration(register.Transform(moved), 0.9, (33, 33), (33, 33))
    assert (found.overlap, found.moved) == (0, 0)


def test_identical_scans_did_not_move():
    scan = simulate([]).scans[0]
    found = dustbust.register_scans([scan, scan])[1]
    assert found.moved < 0.01
    assert found.confidence == 1


def test_files_are_named(tmp_path):
    with pytest.raises(dustbust.DustbustError, match=r"missing\.png"):
        dustbust.register_scans([simulate([]).scans[0], tmp_path / "missing.png"])


def test_messages_call_scans_by_their_names():
    blank = np.full((200, 300), 200, np.uint8)
    with pytest.raises(
        dustbust.DustbustError, match="back of the page: no place on it shows what front shows"
    ):
        dustbust.register_scans([blank, blank], names=["front", "back of the page"])
    with pytest.raises(
        dustbust.DustbustError, match="back is grey uint16, but front is grey uint8"
    ):
        dustbust.stack_scans([blank, blank.astype(np.uint16)], names=["front", "back"])
    with pytest.raises(ValueError, match="names must be one for each of the 2 scans, not 1"):
        dustbust.register_scans([blank, blank], names=["front"])


def test_uneven_transport_is_followed():
    rng = np.random.default_rng(4)
    rows = np.arange(480)
    waver = np.stack(
        [2.5 * np.sin(rows / 37.0) + 1.5 * np.sin(rows / 90.0 + 1), 0.6 * np.sin(rows / 53.0)],
        axis=1,
    )
    page = page_of_text(rng, 960, 1280)
    case = simulate([movement(26.0, 13.25)], waver=waver, page=page)
    found = dustbust.register_scans(case.scans)[1]
    x, y = np.meshgrid(np.arange(40, 560, 20.0), np.arange(30, 430, 3.0))
    at = found.map_points(x, y)
    # The scan shows at row v what lies at row v + waver of an even scan.
    even = np.array(
        [at[0] + np.interp(at[1], rows, waver[:, 0]), at[1] + np.interp(at[1], rows, waver[:, 1])]
    )
    true = np.einsum("ij,j...->i...", case.matrices[1], np.array([x, y, np.ones_like(x)]))[:2]
    assert np.sqrt(np.mean((even - true) ** 2)) <= 0.08


def test_even_transport_is_not_bent():
    case = simulate([movement(12.25, -7.75)], coverage=0)
    assert len(dustbust.register_scans(case.scans)[1].distortion) == 0


def test_real_pair_is_aligned_everywhere():
    """One target, filmed and scanned twice, with uneven transport.

    A patch shows how far the scans are apart across its strongest edge, if it has one.
    """
    one, two = (read_frame(PAIR / f"scan-{letter}.jpg") for letter in "ab")
    found = dustbust.register_scans([one, two])[1]
    height, width = one.shape[:2]
    aligned = found.resample(two, (0, 0, width, height)).astype(float)
    first, second, data = (
        one.reshape(height, width, -1)[..., 0].astype(float),
        aligned[..., 0],
        aligned[..., -1] > 0,
    )
    gy, gx = np.gradient((first + second) / 2)
    side, apart = 24, []
    for top in range(8, height - side - 8, side):
        for left in range(8, width - side - 8, side):
            here = np.s_[top : top + side, left : left + side]
            if not data[top - 2 : top + side + 2, left - 2 : left + side + 2].all():
                continue
            g = np.stack([gx[here].ravel(), gy[here].ravel()])
            strengths, directions = np.linalg.eigh(g @ g.T)
            # Edges that cross the patch, and are in both scans: not dust, nor the ringing beside
            # an edge.
            if (
                not np.ptp(first[here])  # blank in one scan, where dust is on the other
                or not np.ptp(second[here])
                or strengths[1] < 40 * 40 * side
                or np.corrcoef(first[here].ravel(), second[here].ravel())[0, 1] < 0.6
            ):
                continue
            normal = directions[:, 1] @ g
            difference = (second - first)[here].ravel()
            normal, difference = normal - normal.mean(), difference - difference.mean()
            apart.append(float(normal @ difference / (normal @ normal)))
    assert len(apart) > 200
    assert np.median(np.abs(apart)) < 0.06
    assert np.abs(apart).max() < 0.5


def test_registration_does_not_depend_on_threads():
    case = simulate([movement(13.5, 9.25)])
    assert np.array_equal(
        dustbust.register_scans(case.scans, threads=1)[1].matrix,
        dustbust.register_scans(case.scans, threads=3)[1].matrix,
    )


def test_dust_on_a_blank_page_is_a_page_that_did_not_move():
    rng = np.random.default_rng(2)
    dust = dust_on_glass(rng, 300, 400)
    scans = [
        np.clip(210 * (1 - dust) + rng.normal(0, 3, dust.shape), 0, 255).astype(np.uint8)
        for _ in range(2)
    ]
    assert dustbust.register_scans(scans)[1].moved < 0.1
    with pytest.raises(dustbust.DustbustError, match="nothing tells dust from page"):
        dustbust.stack_scans(scans)
