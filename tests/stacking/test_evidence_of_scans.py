"""Evidence of scans: parts of the scanner, the page that the others show, the noise."""

import numpy as np
import pytest

from dustbust.files.spool import Spool
from dustbust.registration.register import Registration
from dustbust.stacking import evidence as module
from dustbust.stacking.evidence import Evidence, _Kept, shade, widest_part
from dustbust.stacking.scans import Scans
from dustbust.stacking.tone import KNOTS, Evening


def moved(dx, dy):
    return Registration(np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]]))


def scans_of(*pictures, evening=None, registrations=None, threads=1):
    spool = Spool()
    for picture in pictures:
        spool.add(picture if picture.ndim == 3 else picture[..., None], on_disk=False)
    colours = 1
    return Scans.of(
        spool,
        [f"scan {n}" for n in range(len(pictures))],
        registrations or [moved(0, 0)] * len(pictures),
        evening or [Evening.unchanged(colours)] * len(pictures),
        threads,
    )


def noisy(seed, shape=(80, 120), deviation=0.02, level=0.5):
    rng = np.random.default_rng(seed)
    return (level + rng.normal(0, deviation, shape)).astype(np.float32)


def evidence_of(*pictures, page=None, noise=0.01, **options):
    scans = scans_of(*pictures, **options)
    scans.noise = noise
    return Evidence(scans, page)


@pytest.mark.parametrize("number", [2, 3, 5])
def test_the_noise_is_that_of_one_scan(number):
    """Of two scans that differ by their noise; of more, from the median page without noise."""
    pictures = [noisy(n) for n in range(number)]
    page = None
    if number > 2:
        # A page as noisy as one scan, but of its own.
        page = np.stack([noisy(99), np.ones((80, 120), np.float32)], axis=2)
    found = Evidence(scans_of(*pictures), page)
    assert found.noise == pytest.approx(0.02, rel=0.05)


def test_the_noise_is_at_least_a_thousandth():
    flat = np.full((80, 120), 0.5, np.float32)
    assert Evidence(scans_of(flat, flat), None).noise == 1e-3
    assert Evidence(scans_of(flat, flat + np.float32(0.0009)), None).noise == 1e-3
    off = np.float32(0.0012)  # the median of the differences, 0.6745 deviations of two scans
    found = Evidence(scans_of(flat, flat + off), None).noise
    assert found == pytest.approx(0.0012 / 0.6745 / 2**0.5, rel=1e-3)
    assert evidence_of(flat, flat, noise=0.25).noise == 0.25


def test_equal_pixels_and_those_without_a_page_tell_no_noise():
    first, second = noisy(1), noisy(2)
    second[:40] = first[:40]
    overlapping = Evidence(scans_of(first, second, registrations=[moved(0, 0), moved(40, 0)]), None)
    assert overlapping.noise == pytest.approx(0.02, rel=0.15)
    found = Evidence(scans_of(first, second), None)
    assert found.noise == pytest.approx(0.02, rel=0.1)


@pytest.mark.parametrize("margin", [0, 3, 20])
@pytest.mark.parametrize("shape", [(80, 120), (700, 90), (1300, 40)])
def test_parts_cover_the_scanner_once(shape, margin, monkeypatch):
    monkeypatch.setattr(module, "MOST_COLUMNS", 64)
    found = evidence_of(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    covered = np.zeros(shape, int)
    parts = found.parts(margin)
    for left, top, width, height in parts:
        assert width <= 32
        assert (left + width, top + height) <= shape[::-1]
        assert top + height <= shape[0]
        covered[top : top + height, left : left + width] += 1
    assert (covered == 1).all()
    heights = {height for _, top, _, height in parts if top + height < shape[0]}
    assert heights <= {512}


def test_parts_have_as_many_rows_as_memory_allows(monkeypatch):
    """Of float32 with alpha, of the scan and the page: 3 numbers for each pixel and scan."""
    shape = (3000, 100)
    two = evidence_of(*[np.zeros(shape, np.float32)] * 2)
    for size, threads, margin, rows in (
        (3 * 4 * 100 * 2 * 300, 1, 0, 300),
        (3 * 4 * 100 * 2 * 300, 2, 0, 150),
        (3 * 4 * 100 * 2 * 30, 1, 0, 64),
        (3 * 4 * 100 * 2 * 30, 1, 10, 160),
        (3 * 4 * 100 * 2 * 900, 1, 0, 512),
    ):
        monkeypatch.setattr(module, "STRIP_BYTES", size)
        two.scans.threads = threads
        assert two.parts(margin)[0] == (0, 0, 100, rows)


def test_a_row_of_all_scans_fits_together():
    two, many = scans_of(*[np.zeros((2, 2), np.uint8)] * 2), [None] * 40000
    assert widest_part(two) == (1 << 15) // 2
    assert widest_part(many) == 1


def test_a_scan_is_compared_with_what_the_others_show():
    """The page lies (10, 6) px further in the second scan."""
    page = noisy(1, (120, 160), 0.1)
    first, second = page[20:100, 20:140], page[14:94, 10:130]
    second = second.copy()
    second[30:36, 40:46] = 0.05  # dust, at (34, 26) of the page
    found = evidence_of(first, second, registrations=[moved(0, 0), moved(10, 6)])
    box = (0, 0, 120, 80)
    of_first, of_second = found.of_scan(0, box), found.of_scan(1, box)
    assert of_first.value == pytest.approx(first)
    assert np.abs(of_second.value - second).max() < 1e-6
    inner = np.s_[10:70, 12:108]
    dusty = np.zeros((80, 120), bool)
    dusty[22:32, 28:38] = True
    assert np.abs(of_first.value - of_first.page)[inner][~dusty[inner]].max() < 1e-5
    assert of_first.score[24:30, 30:36].min() > 5  # lighter than the dusty page
    assert of_second.score[30:36, 40:46].max() < -5
    # Where the other scan ends there is no page.
    assert not of_first.data[:, 110:].any()
    assert not of_first.data[74:].any()
    assert of_first.data[:74, :110].all()
    assert not of_second.data[:6].any()
    assert not of_second.data[:, :10].any()


def test_parts_of_a_scan_are_as_the_whole():
    """Up to the edges of the scan, which may be smaller than the scanner."""
    first, second = noisy(1, (80, 120)), noisy(2, (90, 130))
    found = evidence_of(first, second)
    whole = found.of_scan(0, (0, 0, 130, 90))
    assert whole.score.shape == (80, 120)
    for left, top, width, height in (
        (0, 0, 30, 20),
        (10, 7, 50, 9),
        (90, 60, 40, 30),
        (0, 79, 9, 9),
    ):
        part = found.of_scan(0, (left, top, width, height))
        rows, columns = slice(top, min(top + height, 80)), slice(left, min(left + width, 120))
        for name in ("value", "page", "data"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)[rows, columns])
        inner = np.s_[:, 4 if left else 0 : -4 if left + width < 120 else None]
        assert part.score[inner] == pytest.approx(whole.score[rows, columns][inner], abs=1e-4)
    assert found.of_scan(0, (119, 79, 10, 10)).score.shape == (1, 1)
    for outside in ((120, 0, 10, 10), (0, 80, 10, 10)):
        assert found.of_scan(0, outside).score.shape == (0, 0)


def test_all_scans_together_are_as_in_parts():
    pictures = [noisy(n, (80, 120), 0.05) for n in range(2)]
    for picture in pictures:
        picture[20:26, 30:36] = 0.02
    found = evidence_of(*pictures, registrations=[moved(0, 0), moved(9, 5)])
    whole = found.together((0, 0, 120, 80), -1)
    assert whole[0][22:24, 32:34].max() < -5
    for left, top, width, height in ((17, 9, 40, 30), (100, 60, 20, 20)):
        part = found.together((left, top, width, height), -1)
        for mine, all_of_it in zip(part, whole, strict=True):
            there = all_of_it[top : top + height, left : left + width]
            assert mine == pytest.approx(there, abs=1e-3)
    codes = found.codes((17, 9, 40, 30), -1)
    assert codes.shape[1:] == (30, 40)


def test_what_is_kept_is_not_resampled_again(monkeypatch):
    first, second = noisy(1), noisy(2)
    found = evidence_of(first, second, registrations=[moved(0, 0), moved(3, 2)])
    box = (30, 20, 40, 30)
    kept = found.keeping(0, box, 10)
    assert kept._kept.box == (20, 6, 60, 58)  # four rows more, above and below
    corner = found.keeping(0, (0, 0, 120, 80), 10)
    assert corner._kept.box == (0, 0, 120, 80)
    expected = found.of_scan(0, (24, 14, 50, 40))
    monkeypatch.setattr(Scans, "aligned", lambda *_: pytest.fail("resampled again"))
    again = kept.of_scan(0, (24, 14, 50, 40))
    for name in ("score", "value", "page", "data"):
        assert np.array_equal(getattr(again, name), getattr(expected, name))


@pytest.mark.parametrize(
    ("number", "box", "holds"),
    [
        (1, (20, 10, 60, 50), True),
        (1, (30, 20, 10, 10), True),
        (0, (30, 20, 10, 10), False),
        (1, (19, 20, 10, 10), False),
        (1, (30, 9, 10, 10), False),
        (1, (71, 20, 10, 10), False),
        (1, (70, 20, 10, 10), True),
        (1, (30, 51, 10, 10), False),
        (1, (30, 50, 10, 10), True),
    ],
)
def test_whether_a_box_lies_in_what_is_kept(number, box, holds):
    scan = np.arange(50 * 60).reshape(50, 60)
    kept = _Kept(1, (20, 10, 60, 50), scan, -scan)
    assert kept.holds(number, box) == holds
    if holds:
        left, top, width, height = box
        part, page = kept.part(box)
        assert np.array_equal(
            part, scan[top - 10 : top - 10 + height, left - 20 : left - 20 + width]
        )
        assert np.array_equal(page, -part)


def test_the_second_scan_is_put_into_the_memory_for_the_page():
    first, second = noisy(1), noisy(2)
    scans = scans_of(first, second)
    scans.noise = 0.02
    page = np.zeros((80, 120, 2), np.float32)
    found = Evidence(scans, None, page)
    found.of_scan(0, (10, 20, 50, 10))
    assert not page.any()  # not rows of the full width
    found.of_scan(0, (0, 20, 120, 10))
    assert page[20:30, :, 0] == pytest.approx(second[20:30], abs=1e-6)
    assert not page[36:].any()
    assert not page[:16].any()


def curved_evening(value):
    return Evening(np.ones(1), np.zeros(1), np.full((1, KNOTS), value))


@pytest.mark.parametrize("polarity", [-1, 1])
def test_the_shade_is_that_of_the_lightest_scan(polarity):
    """For light dust, of the negative of the darkest; each as bright as the first one."""
    first = noisy(1, (20, 30), 0.1)
    second = noisy(2, (16, 36), 0.1)
    second[:8] = 0.9 if polarity < 0 else 0.1
    even = [Evening.unchanged(1), Evening(np.array([0.8]), np.array([0.05]))]
    scans = scans_of(first, second, evening=even)
    found = shade(scans, (2, 3, 28, 17), polarity)
    other = 0.8 * second + 0.05
    expected = np.full((20, 36), -np.inf)
    for value in (first, other):
        there = expected[: value.shape[0], : value.shape[1]]
        np.maximum(there, 1 - value if polarity > 0 else value, out=there)
    assert found == pytest.approx(np.clip(expected, 0, 1)[3:20, 2:30], abs=1e-6)
    beyond = shade(scans, (30, 0, 6, 18), polarity)
    assert not beyond[16:].any()
    assert beyond[:16].all()
    with_curve = scans_of(first, second, evening=[Evening.unchanged(1), curved_evening(0.7)])
    found = shade(with_curve, (0, 0, 30, 16), polarity)
    level = 0.7 if polarity < 0 else 0.3
    light = first[:16] if polarity < 0 else 1 - first[:16]
    assert found == pytest.approx(np.clip(np.maximum(light, level), 0, 1), abs=1e-6)


def test_brightness_is_that_of_the_first_scan():
    """An offset is in the numbers of the scan; curves are in its values already."""
    first = np.full((60, 80), 128, np.uint8)
    second = np.full((60, 80), 100, np.uint8)
    even = [Evening.unchanged(1), Evening(np.array([0.9]), np.array([38.0]))]
    found = evidence_of(first, second, evening=even)
    seen = found.of_scan(1, (0, 0, 80, 60))
    assert seen.value == pytest.approx(np.full((60, 80), 128 / 255), abs=1e-5)
    assert seen.page == pytest.approx(np.full((60, 80), 128 / 255), abs=1e-5)
    curved = evidence_of(first, second, evening=[Evening.unchanged(1), curved_evening(0.25)])
    seen = curved.of_scan(1, (0, 0, 80, 60))
    assert seen.value == pytest.approx(np.full((60, 80), 64 / 255), abs=1e-5)


def test_scores_are_in_deviations_of_the_blurred_difference_of_two_scans():
    """Of white noise, 0.28 is left after a blur of 1 px."""
    first, second = noisy(1, (200, 300)), noisy(2, (200, 300))
    found = evidence_of(first, second, noise=0.02)
    score = found.of_scan(0, (0, 0, 300, 200)).score[5:-5, 5:-5]
    assert score.std() == pytest.approx(1, rel=0.25)
    half = evidence_of(first, second, noise=0.04).of_scan(0, (0, 0, 300, 200)).score[5:-5, 5:-5]
    assert half.std() == pytest.approx(score.std() / 2, rel=0.05)


def test_a_page_that_lies_0_15_px_away_differs_by_one_deviation():
    """Where it has a slope, and the noise is small."""
    page = np.tile(np.linspace(0.1, 0.9, 41, dtype=np.float32), (30, 1))  # 0.02 for each px
    found = evidence_of(page + np.float32(0.15 * 0.02), page, noise=1e-6)
    score = found.of_scan(0, (0, 0, 41, 30)).score[4:-4, 4:-4]
    assert score == pytest.approx(np.ones(score.shape), abs=0.01)


def test_the_shade_has_offsets_in_the_numbers_of_the_scans():
    scans = scans_of(
        np.full((20, 30), 100, np.uint8),
        np.full((20, 30), 150, np.uint8),
        evening=[Evening.unchanged(1), Evening(np.array([0.9]), np.array([38.0]))],
    )
    light = (0.9 * 150 + 38) / 255
    assert shade(scans, (0, 0, 30, 20), -1) == pytest.approx(np.full((20, 30), light), abs=1e-5)
    scans.gain[1] = 2
    assert (shade(scans, (0, 0, 30, 20), -1) == 1).all()
    scans.gain[:], scans.offset[:] = 2, 90
    assert (shade(scans, (0, 0, 30, 20), 1) == 0).all()
