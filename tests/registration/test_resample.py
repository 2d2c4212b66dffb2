"""Resampling, against Lanczos interpolation as its formula says it, pixel by pixel."""

import numpy as np
import pytest

import dustbust
from dustbust import _kernels
from helpers import warps

WHITE = {"uint8": 255, "uint16": 65535, "float32": 1.0}
NOTHING = np.zeros((0, 1, 2), np.float32)
TILT = np.array([[1.003, -0.012, 4.3], [0.009, 0.998, -2.7], [0, 0, 1]])
SHRINK = np.array([[0.74, 0.02, 3.1], [-0.01, 0.76, 2.2], [0, 0, 1]])
STRETCH = np.array([[1.45, 0.0, -3.4], [0.0, 1.4, 1.6], [0, 0, 1]])
MIRROR = np.array([[-1.0, 0.0, 88.25], [0.0, 1.0, 0.5], [0, 0, 1]])


def knots(rows, columns, size=1.5):
    rng = np.random.default_rng(rows * 100 + columns)
    return rng.uniform(-size, size, (rows, columns, 2)).astype(np.float32)


def lanczos(picture, x, y):
    """The value of a picture (H, W) at a point that has three pixels on each side."""
    t = np.arange(-2, 4)
    wx, wy = (np.sinc(t - (v - np.floor(v))) * np.sinc((t - (v - np.floor(v))) / 3) for v in (x, y))
    part = picture[int(np.floor(y)) - 2 :, int(np.floor(x)) - 2 :][:6, :6]
    return float(wy / wy.sum() @ part @ (wx / wx.sum()))


def smooth_picture(dtype, channels=1):
    y, x, c = np.meshgrid(np.arange(80), np.arange(90), np.arange(channels), indexing="ij")
    wave = np.sin(x / 2.3 + c) * np.cos(y / 3.1) + 0.4 * np.sin((x + 2 * y) / 5.0)
    unit = 0.5 + 0.3 * wave
    scale = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    return (unit * scale).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("matrix", [TILT, SHRINK, STRETCH, MIRROR])
def test_values_are_those_of_the_formula(matrix, channels, dtype):
    picture = smooth_picture(dtype, channels)
    result = dustbust.Registration(matrix).resample(picture, (0, 0, 90, 80))
    tolerance = {"uint8": 0.6, "uint16": 40, "float32": 5e-4}[dtype]
    compared = 0
    for y in range(0, 80, 3):
        for x in range(0, 90, 3):
            u, v = (matrix @ [x, y, 1])[:2]
            if not (3 <= u < 86 and 3 <= v < 76):
                continue
            for c in range(channels):
                assert result[y, x, c] == pytest.approx(
                    lanczos(picture[..., c].astype(float), u, v), abs=tolerance
                )
            compared += 1
    assert compared > 100


@pytest.mark.parametrize("shape", [(1, 8), (7, 1), (7, 8)])
@pytest.mark.parametrize("left", [0, 5])
def test_distortion_is_followed(shape, left):
    transform = dustbust.Registration(TILT, knots(*shape), (13.0, 11.5))
    picture = smooth_picture("float32")[..., 0]
    result = transform.resample(picture, (left, 2, 70, 60))[..., 0]
    for y in range(0, 60, 3):
        for x in range(0, 70, 3):
            u, v = transform.map_points(x + left, y + 2)
            if 3 <= u < 86 and 3 <= v < 76:
                assert result[y, x] == pytest.approx(lanczos(picture, u, v), abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 8), (7, 1), (7, 8)])
@pytest.mark.parametrize("matrix", [TILT, MIRROR])
def test_the_way_back_is_the_inverse(matrix, shape):
    """What the picture shows at p is seen where the transform takes p."""
    picture = smooth_picture("float32")[..., 0]
    transform = dustbust.Registration(matrix, knots(*shape, size=0.15), (13.0, 11.5))
    seen = transform.resample(picture, (0, 0, 90, 80), inverse=True)[..., 0]
    compared = 0
    for y in range(0, 80, 3):
        for x in range(0, 90, 3):
            p = np.array([x, y], float)
            for _ in range(40):  # p = M^-1 (q - distortion(p)), until it no longer moves
                straight = [x, y] - matrix[:2, 2] - transform.distortion_at(*p)
                p = np.linalg.solve(matrix[:2, :2], straight)
            if 3 <= p[0] < 86 and 3 <= p[1] < 76:
                assert seen[y, x] == pytest.approx(lanczos(picture, *p), abs=1e-3)
                compared += 1
    assert compared > 100


def test_pixels_on_pixels_are_copied():
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (70, 150, 3), np.uint8)
    moved = dustbust.Registration(np.array([[1, 0, 3], [0, 1, -2], [0, 0, 1]], float))
    result = moved.resample(picture, (0, 0, 150, 70))
    assert np.array_equal(result[2:, :147, :3], picture[:68, 3:])
    assert (result[2:, :147, 3] == 255).all()
    assert not result[:2].any()
    assert not result[:, 147:].any()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_there_is_no_data_where_a_pixel_nearby_has_none(dtype):
    picture = np.stack([smooth_picture(dtype)[..., 0]] * 2, axis=2)
    opaque = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    picture[..., 1] = opaque
    picture[40, 50, 1] = 0
    half = dustbust.Registration(np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]], float))
    alpha = half.resample(picture, (0, 0, 90, 80))[..., 1]
    expected = np.zeros((80, 90), bool)
    expected[:79, :89] = True
    expected[37:43, 47:53] = False  # of its taps, two lie before a pixel and three behind
    assert np.array_equal(alpha > 0, expected)
    assert np.allclose(alpha[expected].astype(float), opaque, rtol=1e-5)


def test_rows_do_not_depend_on_the_rows_around_them_or_on_threads():
    picture = smooth_picture("uint8")
    transform = dustbust.Registration(TILT, knots(7, 8), (13.0, 11.5))
    for inverse in (False, True):
        whole = transform.resample(picture, (0, 0, 90, 80), inverse=inverse, threads=1)
        again = transform.resample(picture, (0, 0, 90, 80), inverse=inverse, threads=3)
        strips = [
            transform.resample(picture, (0, top, 90, 16), inverse=inverse)
            for top in range(0, 80, 16)
        ]
        assert np.array_equal(whole, again)
        assert np.array_equal(whole, np.concatenate(strips))


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("matrix", [TILT, MIRROR])
@pytest.mark.parametrize("shape", [(0, 1), (1, 8), (7, 1), (7, 8)])
def test_marks_are_resampled_like_a_picture(matrix, shape, inverse):
    """Marks at the edges, in the corners and here and there, with much empty space between them."""
    marks = np.zeros((80, 390), np.uint8)
    marks[[0, 79, 79, 40], [0, 389, 3, 200]] = 255
    marks[20:24, [*range(30, 61), *range(200, 240)]] = 90
    marks[50:60, 386:] = 200
    transform = dustbust.Registration(matrix, knots(*shape, size=0.15), (55.0, 11.5))
    box = (-20, -10, 440, 110)
    expected = transform.resample(marks, box, inverse=inverse)[..., 0]
    result = transform.resample_marks(marks, box, inverse=inverse, threads=2)
    assert np.count_nonzero(expected) > 100
    # Places are found anew for each part that has marks, which changes them by millionths.
    assert np.abs(result.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_the_alpha_of_a_scan_is_kept(dtype, channels):
    """Of a scan that is half opaque, each pixel is, on whole pixels and between them."""
    white = {np.uint8: 255, np.uint16: 65535, np.float32: 1}[dtype]
    scan = np.random.default_rng(1).uniform(0.2, 0.8, (40, 90, channels))
    scan[..., -1] = 0.5
    scan = (scan * white).astype(dtype)
    for x in (6, 6.5):
        moved = dustbust.Registration(np.array([[1, 0, x], [0, 1, 5], [0, 0, 1.0]]))
        page = moved.resample(scan, (0, 0, 70, 25))
        assert np.abs(page[..., -1] - float(scan[0, 0, -1])).max() <= white * 1e-5


def plain_resample(picture, alpha, place, gain, offset, largest, opaque):
    """Each pixel from 6 x 6 pixels around its place, which is rounded to 1/1024 px."""
    rows, columns, channels = picture.shape
    colours = channels - alpha
    result = np.zeros((*place.shape[1:], colours + 1))
    t = np.arange(-2, 4)
    for at in np.ndindex(*place.shape[1:]):
        u, v = place[(slice(None), *at)]
        # Nearly on the last row or column is on it.
        if not (-1e-3 <= u <= columns - 1 + 1e-3 and -1e-3 <= v <= rows - 1 + 1e-3):
            continue
        u, v = (
            np.floor(np.clip(p, 0, n - 1) * 1024 + 0.5) / 1024 for p, n in ((u, columns), (v, rows))
        )
        x, y = int(u), int(v)
        wx, wy = (np.sinc(t - part) * np.sinc((t - part) / 3) for part in (u - x, v - y))
        wx, wy = (np.where(np.abs(w) < 1e-12, 0, w) for w in (wx, wy))
        near = picture[np.clip(y + t, 0, rows - 1)][:, np.clip(x + t, 0, columns - 1)]
        used = np.outer(wy, wx) != 0
        if alpha and (near[..., -1][used] == 0).any():
            continue
        value = np.einsum("j,i,jic->c", wy / wy.sum(), wx / wx.sum(), near.astype(float))
        colour = gain * value[:colours] + offset
        result[at][:-1] = np.clip(colour, 0, largest) if largest else colour
        lowest = 1e-6 if picture.dtype == np.float32 else 1
        result[at][-1] = max(np.clip(value[-1], 0, opaque), lowest) if alpha else opaque
    return result


def compare(picture, alpha, matrix, distortion, pitch, box, *, inverse=False, largest=None):
    """The kernel and the plain resampling agree; at some pixels there is data, and the same."""
    white = WHITE[str(picture.dtype)]
    colours = picture.shape[2] - alpha
    gain, offset = (
        np.array([0.9, 1.2, 1.1])[:colours],
        np.array([0.02, -0.1, 0.05])[:colours] * white,
    )
    opaque, largest = 0.8 * white, white if largest is None else largest
    found = _kernels.resample(
        picture, alpha, matrix, distortion, pitch, inverse, box, gain, offset, largest, opaque, 2
    )
    left, top, width, height = box
    y, x = np.mgrid[top : top + height, left : left + width]
    place = (warps.inverse_source if inverse else warps.source)(matrix, distortion, pitch, x, y)
    if picture.dtype != np.float32:
        opaque = int(opaque)
    expected = plain_resample(picture, alpha, place, gain, offset, largest, opaque)
    rounded = 0.5 if picture.dtype != np.float32 else 0
    return found.astype(float), expected, rounded + 2e-5 * white


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize(("channels", "alpha"), [(1, False), (2, True), (3, False), (4, True)])
@pytest.mark.parametrize("matrix", [TILT, MIRROR])
def test_every_pixel_is_that_of_the_taps_around_its_place(dtype, channels, alpha, matrix):
    """At the borders the last pixels stand for those beyond, and without data there is none."""
    rng = np.random.default_rng(channels)
    for shape, box in (
        ((20, 75), (-4, -3, 80, 18)),
        ((9, 12), (-2, -2, 20, 14)),
        ((1, 20), (-1, -3, 25, 8)),
        ((16, 1), (-3, -1, 9, 20)),
    ):
        picture = rng.random((*shape, channels))
        if alpha:
            holes = rng.random(shape) < (0.01 if shape[0] == 20 else 0.05)
            picture[..., -1] = np.where(holes, 0, rng.uniform(0.1, 1, shape))
        picture = (picture * WHITE[dtype]).astype(dtype)
        found, expected, tolerance = compare(picture, alpha, matrix, NOTHING, (1.0, 1.0), box)
        assert np.array_equal(found[..., -1] > 0, expected[..., -1] > 0)
        assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("step", [0, 0.5, 1 / 1024, -0.9e-3, 1.1e-3])
def test_places_on_pixels_and_next_to_the_border_count_as_inside(step):
    picture = np.random.default_rng(3).random((12, 80, 2), np.float32)
    picture[..., 1] = 0.5
    picture[5, 20, 1] = 0
    for x, y in ((step, 0.0), (0.0, step), (step - 1, step + 2)):
        matrix = np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])
        found, expected, tolerance = compare(
            picture, True, matrix, NOTHING, (1.0, 1.0), (0, 0, 80, 12)
        )
        assert np.array_equal(found[..., -1] > 0, expected[..., -1] > 0)
        assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("shape", [(1, 8), (7, 1), (7, 8), (2, 2), (1, 1)])
@pytest.mark.parametrize("pitch", [(13.0, 11.5), (40.25, 9.0), (3.5, 70.0)])
def test_a_distortion_is_linear_between_its_knots(shape, pitch):
    picture = np.random.default_rng(4).random((40, 90, 1), np.float32)
    for left, top in ((-10, -4), (25, 3), (-60, 0), (70, 30)):
        found, expected, tolerance = compare(
            picture, False, TILT, knots(*shape), pitch, (left, top, 100, 7)
        )
        assert np.array_equal(found[..., -1] > 0, expected[..., -1] > 0)
        assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("still", [0, 1])
def test_a_distortion_may_move_in_one_direction_only(still):
    picture = np.random.default_rng(4).random((40, 90, 1), np.float32)
    distortion = knots(7, 8)
    distortion[..., still] = 0.25
    found, expected, tolerance = compare(
        picture, False, TILT, distortion, (13.0, 11.5), (3, 3, 80, 7)
    )
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("shape", [(1, 8), (7, 1), (7, 8), (2, 2), (1, 1)])
@pytest.mark.parametrize("pitch", [(13.0, 11.5), (40.25, 9.0), (5.5, 70.0)])
@pytest.mark.parametrize("matrix", [TILT, MIRROR])
def test_the_inverse_of_a_distortion_is_found_everywhere(shape, pitch, matrix):
    """To some millionths of a pixel, which may round a place to another 1/1024."""
    picture = np.random.default_rng(5).random((60, 150, 1), np.float32)
    for left, top in ((-10, -4), (25, 3), (-100, 20)):
        found, expected, tolerance = compare(
            picture,
            False,
            matrix,
            knots(*shape, size=0.02),
            pitch,
            (left, top, 180, 5),
            inverse=True,
        )
        assert ((found[..., -1] > 0) != (expected[..., -1] > 0)).mean() < 0.002
        both = (found[..., -1] > 0) & (expected[..., -1] > 0)
        error = np.abs(found - expected)[both]
        assert error.max(initial=0) < 2e-3
        assert not both.any() or (error > tolerance).mean() < 0.25


def test_values_are_not_clipped_without_a_largest():
    picture = np.random.default_rng(6).normal(0, 3, (20, 30, 3)).astype(np.float32)
    found, expected, _ = compare(
        picture, False, TILT, NOTHING, (1.0, 1.0), (0, 0, 30, 20), largest=0.0
    )
    assert found.min() < -1
    assert found == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("inverse", [False, True])
def test_few_marks_are_found_wherever_a_strong_distortion_takes_them(inverse):
    """The blocks that are left out show no mark, even at the edges of the picture."""
    distortion = knots(7, 8, size=0.1 if inverse else 6)
    box = (-30, -10, 300, 70)
    for where in ((0, 0), (49, 219), (25, 100), (0, 219), (49, 0), (30, 150)):
        marks = np.zeros((50, 220), np.uint8)
        marks[where] = 240
        given = (STRETCH if inverse else TILT, distortion, (37.0, 9.0), inverse, box)
        found = _kernels.resample_marks(marks, *given, 2)
        whole = _kernels.resample(
            marks[..., None], False, *given, np.ones(1), np.zeros(1), 255.0, 255.0, 1
        )[..., 0]
        assert np.abs(found.astype(int) - whole).max() <= 1
