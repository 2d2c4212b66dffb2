"""Resampling, against Lanczos interpolation as its formula says it, pixel by pixel."""

import numpy as np
import pytest

import dustbust

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
