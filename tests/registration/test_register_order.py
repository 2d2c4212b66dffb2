"""The order in which guesses and levels are tried, and what is said of a place that was found."""

from types import SimpleNamespace

import numpy as np
import pytest

from dustbust import DustbustError
from dustbust.registration import register
from dustbust.registration.likeness import LEAST_RATIO, Likeness
from dustbust.registration.patches import Match
from dustbust.registration.register import Registration, _alike, _registration, reduction
from dustbust.registration.transform import Transform
from helpers.levels import shift


def match(agree, detailed=20, at=(0, 0), distorted=False):
    numbers = np.arange(60)
    transform = Transform(shift(*at).matrix)
    if distorted:
        transform.distortion = np.zeros((2, 1, 2), np.float32)
    alike = np.where(numbers < agree, 0.9, 0.2)
    return Match(transform, None, numbers < detailed, alike)


def test_overlap_and_movement_of_a_shifted_page():
    found = _registration(Transform(shift(30, -40).matrix), 0.8, (321, 641), (321, 641))
    assert found.confidence == 0.8
    assert found.moved == pytest.approx(50)
    # Of 33 x 33 points, 20 px apart across and 10 down, those that the other scan shows.
    assert found.overlap == pytest.approx(31 / 33 * 29 / 33)
    edge = _registration(Transform(shift(0, 0).matrix), 1, (321, 641), (321, 641))
    assert (edge.overlap, edge.moved) == (1, 0)
    smaller = _registration(Transform(shift(0, 0).matrix), 1, (321, 641), (161, 321))
    assert smaller.overlap == pytest.approx((17 / 33) ** 2)
    apart = _registration(Transform(shift(900, 0).matrix), 1, (321, 641), (321, 641))
    assert (apart.overlap, apart.moved) == (0, 0)


def test_the_movement_is_that_of_the_overlap():
    """A page that is stretched away from its corner moves by more the farther it is."""
    stretched = Transform(np.diag([1.1, 1.0, 1.0]))
    found = _registration(stretched, 1, (33, 641), (33, 641))
    x = np.linspace(0, 640, 33)
    inside = 1.1 * x <= 640
    assert found.overlap == pytest.approx(inside.mean())
    assert found.moved == pytest.approx(np.sqrt(np.mean((0.1 * x[inside]) ** 2)))


def test_what_grows_with_the_scans():
    channels = np.array([[0.5, 0], [0, 0], [np.nan, np.nan]])
    found = Registration(shift(3, 4).matrix, moved=5.0, channels=channels, negative=True).scaled(2)
    assert found.moved == 10
    assert found.channels[0].tolist() == [1, 0]
    assert found.matrix[:2, 2] == pytest.approx([6, 8])
    assert found.negative
    assert Registration(np.eye(3)).scaled(2).channels is None


def test_a_registration_is_that_of_the_same_scan_unless_it_is_told():
    same = Registration(np.eye(3))
    assert (same.confidence, same.overlap, same.moved, same.negative) == (1, 1, 0, False)
    assert same.of_channel(1) is same


def test_each_channel_is_resampled_at_its_own_place():
    scan = np.arange(60, dtype=np.float32).reshape(4, 15)[..., None] * np.float32([1, 10, 100])
    apart = Registration(shift(1, 0).matrix, channels=np.array([[0, 0], [2, 0], [np.nan, np.nan]]))
    gain, offset = np.array([1.0, 0.5, 2.0]), np.array([0.0, 3.0, 1.0])
    found = apart.resample(scan, (2, 1, 5, 2), gain=gain, offset=offset)
    rows = scan[1:3]
    assert found[..., 0] == pytest.approx(rows[:, 3:8, 0], rel=1e-5)
    assert found[..., 1] == pytest.approx(0.5 * rows[:, 5:10, 1] + 3, rel=1e-5)
    assert found[..., 2] == pytest.approx(2 * rows[:, 3:8, 2] + 1, rel=1e-5)
    # There are data where all channels have some.
    edge = apart.resample(scan, (8, 1, 7, 1))
    assert (edge[0, :, 3] > 0).tolist() == [True] * 4 + [False] * 3
    assert not edge[0, 4:].any()
    # A scan of one colour is at the place of the page.
    grey = apart.resample(scan[..., :1], (2, 1, 5, 2))
    assert grey[..., 0] == pytest.approx(rows[:, 3:8, 0], rel=1e-5)


def test_points_half_a_pixel_beyond_a_scan_are_outside():
    for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)):
        found = _registration(Transform(shift(dx, dy).matrix), 1, (321, 641), (321, 641))
        assert found.overlap == pytest.approx(32 / 33)


def test_scans_lie_where_they_were_put():
    first, second = register.place_scans(2, [(10, 20), (13, 24)])
    assert np.array_equal(first.matrix, np.eye(3))
    assert np.array_equal(second.matrix, shift(-3, -4).matrix)
    assert (first.moved, second.moved) == (0, 5)


@pytest.mark.parametrize("inverse", [False, True])
def test_marks_are_resampled_in_a_box(inverse):
    marks = np.random.default_rng(1).integers(0, 256, (30, 40)).astype(np.uint8)
    found = Registration(shift(4, 1).matrix).resample_marks(marks, (9, 5, 20, 16), inverse=inverse)
    x, y = (5, 4) if inverse else (13, 6)
    assert np.array_equal(found, marks[y : y + 16, x : x + 20])


def test_planes_keep_the_alpha_of_their_scan():
    scan = np.random.default_rng(1).integers(0, 256, (5, 7, 4)).astype(np.uint8)
    for channel, plane in enumerate(register._planes(scan)):
        assert np.array_equal(plane, scan[..., [channel, 3]])
    for channel, plane in enumerate(register._planes(scan[..., :3])):
        assert np.array_equal(plane, scan[..., channel])


def test_a_scan_is_made_like_the_reference():
    """Turned, and half as large; of one resolution its pixels are its own."""
    y, x = np.mgrid[:40, :60]
    colours = np.stack([3.0 * x, 2.0 * y, x + y], axis=2).astype(np.float32)
    turned = register._made_like(colours, Likeness(1), 1)
    assert np.array_equal(turned, np.rot90(colours))
    half = register._made_like(colours, Likeness(0, 2.0), 1)
    assert half.shape == (20, 30, 4)  # the last one tells where there are data
    # A pixel lies between two of the larger scan.
    inner = half[4:-4, 4:-4]
    assert inner[..., 0] == pytest.approx(3 * (2 * x[4:16, 4:26] + 0.5), abs=0.05)
    assert inner[..., 1] == pytest.approx(2 * (2 * y[4:16, 4:26] + 0.5), abs=0.05)
    assert register._made_like(colours[:1], Likeness(0, 2.0), 1).shape == (1, 30, 4)


@pytest.mark.parametrize(("longest", "reduced"), [(1280, 640), (640, 640), (100, 100)])
def test_later_guesses_come_from_spectra_of_640_px_and_end_with_a_quarter_turn(
    longest, reduced, monkeypatch
):
    seen = []

    def more(*levels):
        seen.extend(levels)
        return iter([Likeness(0, 1.5)])

    monkeypatch.setattr(register, "more_guesses", more)
    page = np.zeros((40, longest), np.float32)
    scan = register.Scan(page, "scan", 1)
    assert list(register._later_guesses(scan, page, "other")) == [Likeness(0, 1.5), Likeness(1)]
    assert [level.shape[1] for level in seen] == [reduced] * 2


def test_channels_lie_apart_in_the_scan_as_it_was(monkeypatch):
    """Of a scan that was turned and reduced before it was searched."""
    apart = np.array([[0, 0], [1, 2], [np.nan, np.nan]])
    page = np.zeros((40, 60), np.float32)
    monkeypatch.setattr(register, "first_guesses", lambda *_: [Likeness(1, 2.0)])
    monkeypatch.setattr(register, "_register", lambda *_: match(15))
    monkeypatch.setattr(register, "_channels_apart", lambda *_: apart)
    found = register._find(register.Scan(page, "first", 1), page, "second", None)
    # One to the right and two down in what np.rot90 gives are two to the left and one down.
    assert found.channels[:2].tolist() == [[0, 0], [-4, 2]]
    assert np.isnan(found.channels[2]).all()
    assert found.matrix[:2, :2].tolist() == [[0, -2], [2, 0]]


@pytest.mark.parametrize("is_one", [True, False])
def test_a_scan_that_looks_like_a_negative_is_tried_as_one_first(is_one, monkeypatch):
    page = np.zeros((40, 60), np.float32)
    tried = []

    def try_one(reference, other, fine):
        tried.append(other.negative)
        if other.negative != is_one:
            raise DustbustError("no")
        return match(15)

    monkeypatch.setattr(register, "is_negative", lambda a, b: a.shape == b.shape == (40, 60))
    monkeypatch.setattr(register, "_register", try_one)
    found = register._find(register.Scan(page, "first", 1), page, "second", None)
    assert found.negative == is_one
    assert tried == ([True] if is_one else [True, False])


def test_progress_goes_from_scan_to_scan(monkeypatch):
    monkeypatch.setattr(register, "_find", lambda *_: Registration(np.eye(3)))
    said = []
    scans = [np.zeros((4, 5), np.uint8)] * 4
    register.register_scans(scans, progress=lambda *each: said.append(each))
    assert [text for _, text in said] == ["scan 1", "scan 2", "scan 3"]
    assert [fraction for fraction, _ in said] == pytest.approx([1 / 3, 2 / 3, 1])


def scan_of(height, width, name="scan"):
    return SimpleNamespace(shape=(height, width), name=name, threads=1)


def test_scans_are_reduced_to_about_1640_px():
    for longest, factor in ((1000, 1), (2459, 1), (2461, 2), (8200, 5)):
        assert reduction(scan_of(10, longest), scan_of(20, 30)) == factor
        assert reduction(scan_of(10, 20), scan_of(longest, 30)) == factor


def test_guesses_of_nearly_one_resolution_are_alike():
    one = Likeness()
    near, far = 1 + 0.9 * LEAST_RATIO, 1 + 1.1 * LEAST_RATIO
    assert _alike(Likeness(), one)
    assert not _alike(Likeness(1), one)
    assert _alike(Likeness(ratio=near), one)
    assert not _alike(Likeness(ratio=far), one)
    assert not _alike(one, Likeness(ratio=far * 1.01))


class Levels:
    """A scan that knows which of its levels were asked for."""

    def __init__(self, name):
        self.name = name

    def level(self, fine, step):
        return self.name, fine, step


def registered(monkeypatch, first, answers, cleaned=None, fine=3):
    """The match of a scan: of what the search gave, and of the refinements at each size."""
    asked = []

    def refined(a, b, starts, moved, precision):
        assert a[:2] == ("first", fine)
        assert a[1:] == b[1:]
        scale = [round(start.matrix[0, 2], 6) for start in starts]
        asked.append((a[2], scale, moved, precision))
        return answers[a[2]]

    monkeypatch.setattr(register, "search", lambda *_: first)
    monkeypatch.setattr(register, "_refined", refined)
    monkeypatch.setattr(
        register, "_without_dust", lambda a, b, f, found: asked.append("dust") or cleaned or found
    )
    try:
        return register._register(Levels("first"), Levels("second"), fine), asked
    except DustbustError as error:
        return str(error), asked


def test_a_match_is_refined_at_half_and_at_the_full_size(monkeypatch):
    page, half, full = match(9, at=(10, 0)), match(14, at=(20, 0)), match(15)
    answers = {2: [match(13, at=(21, 0)), half], 1: [full]}
    found, asked = registered(monkeypatch, (page, 4, True), answers)
    assert found is full
    (size, starts, moved, precision), (last, more, _, exact), dust = asked
    assert (size, moved, precision) == (2, True, 0.1)
    assert starts == pytest.approx([20])  # of a quarter of the size
    assert (last, exact, dust) == (1, 0.008, "dust")
    assert more == pytest.approx([42, 40])
    # From a search at half of the size, or at the full one, only the full one is left.
    for step, start in ((2, 20), (1, 10)):
        _, asked = registered(monkeypatch, (page, step, True), answers)
        assert [each[0] for each in asked[:-1]] == [1]
        assert asked[0][1] == pytest.approx([start])


def test_what_is_no_page_is_not_refined(monkeypatch):
    poor = match(6)
    found, asked = registered(monkeypatch, (poor, 4, True), {})
    assert asked == []
    assert "second: no place on it shows what first shows (30% of the details" in found
    # At the end six tenths must agree, and of a page that did not move seven tenths.
    page = match(15)
    for agree, moved, says in (
        (12, True, False),
        (11, True, True),
        (14, False, False),
        (13, False, True),
    ):
        answers = {2: [page], 1: [match(agree)]}
        found, asked = registered(monkeypatch, (page, 4, moved), answers)
        assert isinstance(found, str) == says
        assert ("dust" in asked) == moved
    found, asked = registered(monkeypatch, (match(13), 4, False), {})
    assert asked == []


def test_the_best_match_without_dust_counts(monkeypatch):
    page, cleaned = match(15), match(18)
    answers = {2: [page], 1: [match(12)]}
    assert registered(monkeypatch, (page, 4, True), answers, cleaned)[0] is cleaned


class DetailedScan:
    """A scan whose level of half the size has these details, and what was asked of it."""

    def __init__(self, details, name):
        self.details, self.name, self.asked = details, name, []

    def level(self, fine, step):
        return SimpleNamespace(details=self.details, of=(self.name, fine, step))

    def without(self, dust, fine, step):
        self.asked.append((dust, fine, step))
        return DetailedScan(self.details, self.name + " clean")


def without_dust(monkeypatch, share, found, before=None):
    """The match after dust that has this share of the energy was taken out."""
    details = np.ones((20, 50), np.float32)
    details[0, :5] = np.nan
    dust = np.zeros((18, 50), bool)
    # Dust of three times the details has nine times the energy of as many of the other 995 px.
    dust.ravel()[100 : 100 + round(share * 995 / (9 - 8 * share))] = True
    details[:18][dust] = 3
    first, second = DetailedScan(details, "first"), DetailedScan(details, "second")
    before = before or match(14, at=(8, 4))
    before.sums = np.zeros((1, 1))
    monkeypatch.setattr(Match, "contrast", 1.25)

    def find(a, b, transform, contrast):
        assert (a.of, b.of) == (("first", 3, 2), ("second", 3, 2))
        assert transform.matrix[:2, 2] == pytest.approx([4, 2])
        assert contrast == 1.25
        return dust

    def refined(a, b, starts, moved, precision):
        assert (a.of, b.of) == (("first clean", 3, 1), ("second clean", 3, 1))
        assert (starts, moved, precision) == ([before.transform], True, 0.008)
        return [match(1), found]

    monkeypatch.setattr(register, "find_dust", find)
    monkeypatch.setattr(register, "_refined", refined)
    result = register._without_dust(first, second, 3, before)
    return "before" if result is before else result


def test_a_tenth_of_dust_is_looked_past(monkeypatch):
    better = match(16)
    assert without_dust(monkeypatch, 0.11, better) is better
    assert without_dust(monkeypatch, 0.09, better) == "before"
    assert without_dust(monkeypatch, 0.3, match(11)) == "before"  # six tenths must agree
    assert without_dust(monkeypatch, 0.3, match(12)).agree.sum() == 12
    assert without_dust(monkeypatch, 0.3, better, match(14, distorted=True)) == "before"


def refined_by(monkeypatch, starts, supports=(), moved=True, bends=False):
    level = SimpleNamespace(corners=None)
    plain, bent = match(14), match(15, distorted=bends)
    asked, of_start = [], {id(start): each for start, each in zip(starts, supports, strict=False)}
    monkeypatch.setattr(
        register, "compare", lambda a, b, start: SimpleNamespace(support=of_start[id(start)])
    )
    monkeypatch.setattr(register, "what_stays", lambda *_: None)
    monkeypatch.setattr(
        register,
        "refine",
        lambda a, b, start, models, stays, *, iterations, precision: (
            asked.append((start, models, iterations)) or plain
        ),
    )
    monkeypatch.setattr(register, "refine_distortion", lambda a, b, found: bent)
    found = register._refined(level, level, starts, moved, 0.1)
    return ["bent" if each is bent else "plain" for each in found], asked


def test_refinement_starts_from_the_best_placement(monkeypatch):
    one, other = Transform(np.eye(3)), Transform(np.eye(3), np.zeros((2, 1, 2), np.float32))
    found, asked = refined_by(monkeypatch, [one])
    assert found == ["plain"]
    assert asked == [(one, ("affine",), 4)]
    found, asked = refined_by(monkeypatch, [one, other], (3, 5), bends=True)
    assert found == ["plain", "bent"]
    assert asked[0][0] is other
    assert asked[0][2] == 2
    assert refined_by(monkeypatch, [one, other], (5, 3))[1][0][0] is one
    assert refined_by(monkeypatch, [one], moved=False, bends=True)[0] == ["plain"]


@pytest.mark.parametrize(
    ("shifts", "agree", "found"),
    [
        ([(0, 0), (0, 0), (0.13, 0)], 15, [(0, 0), (0, 0), (0.26, 0)]),
        ([(0, 0), (0, 0), (0.12, 0)], 15, None),
        ([(0, 0), (0, -0.2), (0, 0)], 12, [(0, 0), (0, -0.4), (0, 0)]),
        ([(0, 0), (0, -0.2), (0, 0)], 11, None),
    ],
)
def test_channels_lie_apart_by_a_quarter_px(shifts, agree, found, monkeypatch):
    """Of the scans, which are reduced by two here; six tenths of the details must agree."""
    plane = np.zeros((8, 8, 3), np.uint8)
    plane[..., 1], plane[..., 2] = 1, 2
    asked = []

    class Scan:
        def __init__(self, image, name, threads, negative=False):
            self.image, self.name, self.threads, self.negative = image, name, threads, negative

        def level(self, fine, step):
            assert (fine, step) == (2, 1)
            return SimpleNamespace(channel=int(self.image[0, 0]), corners=None)

    def refine(a, b, transform, models, stays, *, precision):
        asked.append((a.channel, b.channel, models, precision))
        dx, dy = shifts[a.channel]
        return match(agree, at=(5 + dx, 7 + dy))

    monkeypatch.setattr(register, "Scan", Scan)
    monkeypatch.setattr(register, "what_stays", lambda *_: None)
    monkeypatch.setattr(register, "refine", refine)
    scans = [Scan(plane, "scan", 1)] * 2
    apart = register._channels_apart(*scans, 2, match(15, at=(5, 7)))
    assert asked == [(n, n, ("shift",), 0.008) for n in range(3)]
    if found is None:
        assert apart is None
    else:
        assert apart == pytest.approx(np.array(found), abs=1e-6)
    grey = Scan(plane[..., :1], "grey", 1)
    assert register._channels_apart(scans[0], grey, 2, match(15)) is None
