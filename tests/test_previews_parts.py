"""What a window shows: which frame, which spot, and how far around it the program looks."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dustbust import previews
from dustbust.dust.mask import DustMask
from dustbust.dust.polarity import Polarity
from dustbust.previews import (
    MaskPreview,
    PagePreview,
    Spots,
    _inside,
    _window,
    thumbnail,
    typical_frame,
)
from dustbust.registration.register import Registration


@pytest.mark.parametrize(
    ("start", "size", "spot", "near"),
    [
        (0, 1000, (0, 240), (0, 300)),
        (400, 1000, (400, 640), (340, 700)),
        (760, 1000, (760, 1000), (700, 1000)),
        (800, 1000, (760, 1000), (700, 1000)),
        (30, 1000, (30, 270), (0, 330)),
        (0, 100, (0, 100), (0, 100)),
    ],
)
def test_a_spot_is_240_px_and_its_surroundings_are_60(start, size, spot, near):
    found = _window(start, size)
    assert [(each.start, each.stop) for each in found] == [spot, near]


def test_a_part_in_a_larger_one():
    whole = np.arange(2000).reshape(40, 50)
    part, larger = np.s_[12:20, 9:30], np.s_[10:30, 4:44]
    assert np.array_equal(whole[larger][_inside(part, larger)], whole[part])


def test_a_picture_is_divided_into_whole_spots():
    """Of 479 px there is one row, of 480 two; each as large as the others."""
    for height, rows in ((479, 1), (480, 2), (719, 2)):
        for turned in (False, True):
            dusty = np.ones((240, height) if turned else (height, 240), bool)
            assert len(Spots(dusty)) == rows


def test_of_spots_of_equal_dust_the_first_comes_first():
    dusty = np.zeros((720, 720), bool)
    dusty[[10, 250, 700], [700, 250, 10]] = True
    dusty[719, 719] = dusty[718, 719] = True
    spots = Spots(dusty)
    starts = [tuple(each.start for each in spots.window(n)[0]) for n in range(5)]
    assert starts == [(480, 480), (0, 480), (240, 240), (480, 0), (480, 480)]


def test_what_is_left_over_belongs_to_the_last_spots():
    dusty = np.zeros((130, 125), bool)
    dusty[129, 124] = True
    (rows, columns), _ = Spots(dusty, (520, 500), 4).window(0)
    assert (rows.start, columns.start) == (260, 250)


def test_a_typical_frame_is_one_of_five_from_everywhere(monkeypatch):
    """Each eighth pixel is enough."""
    read = []

    def luminance(number):
        read.append(number)
        plane = np.full((80, 80), 999.0)
        plane[::8, ::8] = (number * 7) % 20
        return plane

    monkeypatch.setattr(previews, "read_luminance", luminance)
    frames = list(range(20))
    assert typical_frame(frames) == 4  # the brightnesses are 0, 8, 16, 4 and 12
    assert read == [0, 4, 8, 12, 16]


@pytest.mark.parametrize("suffix", [".JPG", ".jpeg", ".png"])
def test_a_thumbnail_has_at_most_240_px(tmp_path, suffix):
    ramp = np.tile(np.arange(964) * 255 // 963, (500, 1)).astype(np.uint8)
    pixels = np.repeat(ramp[..., None], 3, axis=2)
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(pixels).save(path, "PNG" if suffix == ".png" else "JPEG")
    small = thumbnail(path)
    assert 180 < small.shape[1] <= 240
    assert small.shape[0] == pytest.approx(small.shape[1] * 500 / 964, abs=1.5)
    middle = small[small.shape[0] // 2, :, 0].astype(float)
    assert middle == pytest.approx(np.linspace(0, 255, middle.size), abs=8)
    whole = tmp_path / "small.png"
    Image.fromarray(pixels[:240, :240]).save(whole)
    assert thumbnail(whole).shape == (240, 240, 3)
    Image.fromarray(pixels[:241, :240]).save(whole)
    assert thumbnail(whole).shape == (121, 120, 3)


def test_a_spot_of_a_mask_is_cleaned_with_its_surroundings(monkeypatch):
    grey = np.zeros((500, 600), np.float32)
    grey[300, 400] = 1
    seen = []

    def clean(picture, mask, **options):
        seen.append((picture.shape, mask.grey.shape, options))
        return picture + 1, None

    monkeypatch.setattr(previews, "apply_mask", clean)
    picture = np.arange(300_000, dtype=np.float32).reshape(500, 600)
    preview = MaskPreview(DustMask(grey, 0.5))
    before, after = preview.look(0, lambda: picture, method="fill")
    assert np.array_equal(before, picture[250:490, 300:540])
    assert np.array_equal(after, before + 1)
    shape = (490 - 190 + 10, 600 - 240)
    assert seen == [(shape, shape, {"return_report": True, "method": "fill"})]
    colours = np.dstack([picture] * 3)
    before, after = preview.look(0, lambda: colours)
    assert np.array_equal(after, colours[250:490, 300:540] + 1)
    assert seen[-1][:2] == ((*shape, 3), shape)


def test_spots_have_the_dust_that_was_told_from_the_page(monkeypatch):
    dusty = np.zeros((700, 900), bool)
    dusty[650, 880] = dusty[20, 100] = True

    def stack(scans, *, mode, return_report, **options):
        assert (mode, return_report) == ("dust-free", True)
        return SimpleNamespace(dust=SimpleNamespace(binary=lambda: dusty, polarity="dark"))

    monkeypatch.setattr(previews, "stack_scans", stack)
    # The page is larger than the first scan, which is shown.
    pictures = [np.zeros((600, 800, 1), np.uint8), np.zeros((700, 900, 1), np.uint8)]
    overview = made_preview(pictures)._overview(False)
    assert overview.polarity == "dark"
    assert overview.spots.shape == (600, 800)
    assert len(overview.spots) == 1
    assert [each.start for each in overview.spots.window(0)[0]] == [0, 0]


def made_preview(pictures, positions=None, registrations=None):
    positions = np.zeros((len(pictures), 2)) if positions is None else positions
    return PagePreview(pictures, positions, registrations or (lambda: pytest.fail("aligned")))


def test_scans_lie_where_they_were_put():
    pictures = [np.zeros((50, 60, 1), np.uint8)] * 3
    preview = made_preview(pictures, [(10, 20), (13, 16), (10, 20)])
    first, second, third = preview._transforms(False)
    assert np.array_equal(first.matrix, np.eye(3))
    assert second.matrix[:2, 2].tolist() == [-3, 4]
    assert second.moved == 5
    assert np.array_equal(third.matrix, np.eye(3))


@pytest.mark.parametrize(("size", "whole"), [(6_000_000, True), (6_000_001, False)])
def test_pages_of_up_to_six_million_values_are_combined_whole(size, whole, monkeypatch):
    picture = SimpleNamespace(size=size, shape=(1000, 1200, 1))
    preview = made_preview([picture, picture])
    part, near = np.s_[250:490, 300:540], np.s_[190:550, 240:600]
    overview = SimpleNamespace(spots=SimpleNamespace(window=lambda n: (part, near)), polarity="x")
    preview._overview = lambda align: overview
    page = np.arange(1_200_000).reshape(1000, 1200)
    asked = []

    def combined(box, mode, align, polarity, noise=None):
        asked.append((box, mode, polarity, noise))
        return page[box]

    monkeypatch.setattr(preview, "_combined", combined)
    monkeypatch.setattr(preview, "_box_around", lambda near, mode, align: near)
    preview._dust = lambda align: (0.03, "dark")
    for mode, polarity, used in (
        ("mean", "auto", "auto"),
        ("dust-free", "auto", "dark"),
        ("dust-free", "light", "light"),
    ):
        found = preview._combine_spot(0, mode, False, polarity)
        assert np.array_equal(found, page[part])
        box, _, kind, noise = asked[-1]
        if whole:
            assert box == np.s_[0:1000, 0:1200]
            assert (kind, noise) == (polarity, None)
        else:
            assert box == near
            assert (kind, noise) == (used, 0.03 if mode == "dust-free" else None)


def test_dust_is_looked_for_in_scans_of_about_1600_px(monkeypatch):
    asked = []

    def stack(scans, *, mode, registrations, **options):
        asked.append((mode, scans[0].shape, scans[1].shape, registrations[1].matrix[0, 2]))
        if mode == "dust-free":
            raise previews.DustbustError("the page moved too little")
        result = np.zeros(scans[0].shape, np.float32)
        result[0, 600, 0], result[0, 7, 0] = 0.11, 0.1
        return result

    monkeypatch.setattr(previews, "stack_scans", stack)
    pictures = [np.zeros((30, 4000, 1), np.uint8), np.zeros((40, 4100, 1), np.uint8)]
    preview = made_preview(pictures, [(0, 0), (-9, 0)])
    overview = preview._overview(False)
    # A half, or a third: 4000 / 1600 is 2.5, and Python rounds to the even number.
    assert asked == [
        ("dust-free", (15, 2000, 2), (20, 2050, 2), 4.5),
        ("range", (15, 2000, 2), (20, 2050, 2), 4.5),
    ]
    assert overview.polarity == "auto"
    (rows, columns), _ = overview.spots.window(0)
    assert len(overview.spots) == 1
    assert (columns.start, columns.stop) == (1000, 1240)  # the fifth of sixteen
    assert rows.start == 0
    # Scans that are narrower than this are not reduced to nothing.
    asked.clear()
    thin = [np.zeros((2, 16000, 1), np.uint8)] * 2
    made_preview(thin)._overview(False)
    assert asked[0][1] == (1, 8000, 2)


MOVED = np.array([[1, 0, -30.5], [0, 1, 12.25], [0, 0, 1]])


@pytest.mark.parametrize(
    ("mode", "part", "box"),
    [
        ("mean", np.s_[100:200, 300:400], np.s_[100:213, 269:400]),
        # Where the other scan shows what is here, and where that lies then.
        ("dust-free", np.s_[100:200, 300:400], np.s_[87:225, 239:431]),
        ("mean", np.s_[400:500, 0:90], np.s_[400:510, 0:90]),
        ("dust-free", np.s_[0:100, 540:600], np.s_[0:125, 479:600]),
    ],
)
def test_the_box_around_a_part_holds_what_all_scans_show_of_it(mode, part, box):
    pictures = [np.zeros((500, 600, 1), np.uint8), np.zeros((510, 580, 1), np.uint8)]
    transforms = [Registration(np.eye(3)), Registration(MOVED)]
    preview = made_preview(pictures, registrations=lambda: transforms)
    assert preview._box_around(part, mode, True) == box


def test_scans_are_made_as_bright_as_the_first():
    first = np.random.default_rng(1).integers(40, 120, (60, 80, 3)).astype(np.uint8)
    preview = made_preview([first, 2 * first, first])
    unchanged, half, same = preview._brightness(False)
    assert unchanged.gain.tolist() == [1, 1, 1]
    assert half.gain == pytest.approx([0.5] * 3, abs=0.01)
    assert same.gain == pytest.approx([1] * 3, abs=0.01)


def test_the_noise_of_two_scans_is_measured_on_the_whole_scans(monkeypatch):
    """That of three is not needed."""
    shapes = []

    def evidence(scans, _):
        shapes.extend(scans.pictures[n].shape[:2] for n in range(len(scans.pictures)))
        return SimpleNamespace(noise=0.02)

    monkeypatch.setattr(previews, "Evidence", evidence)
    monkeypatch.setattr(previews, "find_polarity", lambda _: Polarity.DARK)
    for number, found in ((2, (0.02, "dark")), (3, (None, "light"))):
        preview = made_preview([np.full((50, 60, 1), 90, np.uint8)] * number)
        preview._overview = lambda align: SimpleNamespace(polarity="light")
        assert preview._dust(False) == found
    assert shapes == [(50, 60)] * 2


def test_a_part_that_only_one_scan_shows_is_its_own():
    rng = np.random.default_rng(1)
    large, small = (rng.integers(0, 256, (rows, 60, 3)).astype(np.uint8) for rows in (50, 20))
    preview = made_preview([large, small])
    assert np.array_equal(
        preview._combined(np.s_[30:40, 10:30], "mean", False, "auto"), large[30:40, 10:30]
    )
    both = preview._combined(np.s_[5:15, 10:30], "mean", False, "auto")
    mean = (large[5:15, 10:30].astype(float) + small[5:15, 10:30]) / 2
    assert both[..., :3].astype(float) == pytest.approx(mean, abs=0.51)


def test_the_first_scan_is_shown_beside_the_page():
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 256, (50, 60, 3)).astype(np.uint8) for _ in range(2))
    preview = made_preview([first, second])
    part = np.s_[5:15, 10:30]
    preview._overview = lambda align: SimpleNamespace(
        spots=SimpleNamespace(window=lambda n: (part, part)), polarity="auto"
    )
    before, page = preview.look(0, "maximum", False)
    assert np.array_equal(before, first[part])
    assert np.array_equal(page[..., :3], np.maximum(first, second)[part])
