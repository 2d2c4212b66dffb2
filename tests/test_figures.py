"""Pictures for people: where the lines of a plot lie, and which part of two frames is shown."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dustbust import DustbustError, figures
from dustbust.figures import before_after, plot_of_thresholds

# Of 100,000 pixels, one in ten is above 0.5, one in a thousand above 0.75; one is 1.
GREY = np.zeros((250, 400), np.float32)
GREY.ravel()[:10_000] = 0.5
GREY.ravel()[:100] = 0.75
GREY.ravel()[:1] = 1


class Recorder:
    """What is drawn on a picture."""

    def __init__(self, picture):
        self.lines, self.texts, self.rectangles = [], [], []
        self.draw = ImageDraw.ImageDraw(picture)

    def line(self, points, fill, width=1):
        self.lines.append((points, fill, width))
        self.draw.line(points, fill=fill, width=width)

    def text(self, place, text, **options):
        self.texts.append((place, text))

    def rectangle(self, box, **options):
        self.rectangles.append(box)


@pytest.fixture
def drawn(monkeypatch):
    found = []

    def draw(picture):
        found.append(Recorder(picture))
        return found[-1]

    monkeypatch.setattr(figures.ImageDraw, "Draw", draw)
    plot = plot_of_thresholds(GREY, 0.65)
    assert plot.size == (720, 420)
    return found[0], plot


def test_the_plot_has_a_line_for_each_tenth_and_each_power_of_ten(drawn):
    """The plot's own area is 600 x 300 px, 60 px from the edges."""
    recorder, _ = drawn
    assert recorder.rectangles == [[60, 60, 660, 360]]
    grid = [points for points, fill, _ in recorder.lines if fill == figures.GRID]
    across = [points for points in grid if points[0][0] == points[1][0]]
    up = [points for points in grid if points[0][1] == points[1][1]]
    assert [x for (x, _), _ in across] == pytest.approx([60 + 60 * n for n in range(11)])
    assert {(top, bottom) for (_, top), (_, bottom) in across} == {(60, 360)}
    assert [y for (_, y), _ in up] == pytest.approx([360, 300, 240, 180, 120, 60])
    assert {(left, right) for (left, _), (right, _) in up} == {(60, 660)}


def test_the_lines_are_labelled(drawn):
    recorder, _ = drawn
    texts = {text: place for place, text in recorder.texts}
    assert texts["0.3"] == pytest.approx((60 + 180 - 10, 366))
    assert texts["1"] == pytest.approx((650, 366))
    assert texts["100 %"] == pytest.approx((6, 54))
    assert texts["0.001 %"] == pytest.approx((6, 354))
    assert texts["threshold"] == (330, 396)
    marked = "Marked: 0.100 % of the picture at the threshold 0.650"
    assert texts[marked] == (60, 20)


def test_the_curve_shows_the_share_at_each_threshold(drawn):
    recorder, _ = drawn
    (curve,) = ((points, width) for points, fill, width in recorder.lines if fill == figures.CURVE)
    points, width = curve
    assert width == 2
    assert [x for x, _ in points] == pytest.approx(np.arange(60, 661))
    heights = {round(x): y for x, y in points}
    # All at 0, a tenth to 0.5, a thousandth to 0.75, a hundred-thousandth to 1.
    for x, share in ((60, 0), (61, 1), (360, 1), (361, 3), (510, 3), (511, 5), (660, 5)):
        assert heights[x] == pytest.approx(60 + 60 * share, abs=1e-6)
    (chosen,) = ((p, width) for p, fill, width in recorder.lines if fill == figures.CHOSEN)
    assert chosen == ([(450, 60), (450, 360)], 2)


def pair(shape=(300, 400), changed=(slice(200, 210), slice(50, 60))):
    before = np.full(shape, 100, np.uint8)
    after = before.copy()
    after[changed] = 200
    return before, after


def test_the_part_in_which_two_pictures_differ_is_shown_side_by_side():
    before, after = pair()
    picture = before_after(before, after, size=100, scale=1)
    shown = np.asarray(picture)
    assert shown.shape == (100, 204, 3)
    assert (shown[:, :100] == 100).all()
    assert (shown[:, 100:104] == 255).all()
    # The middle of what has changed is in the middle, as far as the picture goes.
    top = 205 - 50
    expected = np.where(after[top : top + 100, 5:105] == 200, 200, 100)
    rows, columns = (np.flatnonzero((shown[:, 104:, 0] == 200).any(axis=a)) for a in (1, 0))
    for found, true in (
        (rows, np.flatnonzero((expected == 200).any(axis=1))),
        (columns, np.flatnonzero((expected == 200).any(axis=0))),
    ):
        assert len(found) == 10
        assert abs(found[0] - true[0]) <= 1


def test_parts_are_two_times_as_large_and_of_480_px():
    before, after = pair((600, 700), (slice(590, 600), slice(690, 700)))
    shown = np.asarray(before_after(before, after))
    assert shown.shape == (960, 2 * 960 + 4, 3)
    assert (shown[-20:, -20:] == 200).all()
    assert (shown[-21] == shown[-22]).all()
    assert not (shown[:-20, 964:] == 200).any()
    first = np.asarray(before_after(before, after[::-1, ::-1].copy()))
    assert (first[:20, 964:984] == 200).all()


def test_small_pictures_are_shown_as_a_whole():
    before, after = pair((30, 50), (slice(0, 3), slice(0, 3)))
    shown = np.asarray(before_after(before, after, scale=3))
    assert shown.shape == (90, 304, 3)
    assert (shown[:9, 154:163] == 200).all()


def test_where_most_has_changed_counts_and_not_a_single_pixel():
    """A blur of a quarter of the part; any colour may change."""
    before = np.full((300, 300, 3), 100, np.uint8)
    after = before.copy()
    after[20, 20] = 255
    after[240:260, 240:260, 1] = 130
    shown = np.asarray(before_after(before, after, size=80, scale=1))
    assert (shown[:, 84:, 1] == 130).sum() == 400


def test_pictures_of_different_sizes_are_not_compared():
    with pytest.raises(DustbustError, match="differ in size"):
        before_after(np.zeros((30, 40), np.uint8), np.zeros((30, 41), np.uint8))


def test_depths_and_alpha_make_no_difference(tmp_path):
    before, after = pair()
    deep = (np.dstack([before, np.full_like(before, 255)]).astype(np.uint16)) * 257
    Image.fromarray(after).save(tmp_path / "after.png")
    picture = before_after(deep, tmp_path / "after.png", size=100)
    assert np.array_equal(np.asarray(picture), np.asarray(before_after(before, after, size=100)))
