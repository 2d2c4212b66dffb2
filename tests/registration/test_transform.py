"""Where a page lies in a picture: transforms, and their parts."""

import numpy as np
import pytest
from scipy import ndimage

from dustbust.registration.transform import Transform, warp_arguments


def test_within_box_maps_the_same_points():
    distortion = np.random.default_rng(1).normal(0, 1, (5, 1, 2)).astype(np.float32)
    matrix = np.array([[1, 0.01, 30], [-0.01, 1, 12], [0, 0, 1]])
    whole = Transform(matrix, distortion=distortion, pitch=(1.0, 50.0))
    part = whole.within_box(40, 100, 90, 80)
    x, y = np.array([3.0, 50.0, 80.0]), np.array([0.0, 25.0, 70.0])
    corner = np.array([[40], [100]])
    expected = whole.map_points(x + 40, y + 100) - corner
    # Between its knots a distortion is linear, and the knots of the part lie elsewhere.
    assert np.abs(part.map_points(x, y) - expected).max() < 1


def bent(rows=4, columns=3, pitch=(40.0, 25.0)):
    distortion = np.random.default_rng(2).normal(0, 3, (rows, columns, 2)).astype(np.float32)
    return Transform(np.array([[1, 0.02, 5], [-0.01, 0.9, 7], [0, 0, 1]]), distortion, pitch)


@pytest.mark.parametrize(("rows", "columns"), [(4, 3), (4, 1), (1, 3), (1, 1), (2, 2)])
def test_a_distortion_is_linear_between_its_knots_and_level_beyond(rows, columns):
    transform = bent(rows, columns)
    y, x = np.meshgrid(np.linspace(-20, 110, 27), np.linspace(-30, 140, 35), indexing="ij")
    places = np.clip(y / 25, 0, rows - 1), np.clip(x / 40, 0, columns - 1)
    expected = [
        ndimage.map_coordinates(transform.distortion[..., axis].astype(float), places, order=1)
        for axis in (0, 1)
    ]
    found = transform.distortion_at(x, y)
    assert found.shape == (2, 27, 35)
    assert found == pytest.approx(np.array(expected), abs=1e-5)
    straight = np.einsum("ij,jyx->iyx", transform.matrix, np.array([x, y, np.ones_like(x)]))[:2]
    assert transform.map_points(x, y) == pytest.approx(straight + expected, abs=1e-5)


def test_without_knots_there_is_no_distortion():
    plain = Transform(np.eye(3))
    assert plain.pitch == (1, 1)
    assert not plain.distortion_at(np.ones((3, 4)), np.ones((3, 4))).any()
    assert plain.distortion_at(2.0, 3.0).shape == (2,)
    assert plain.map_points(2.0, 3.0).tolist() == [2, 3]


@pytest.mark.parametrize("factor", [2, 3, 0.5])
def test_scaled_pictures_show_the_same(factor):
    """Pixel (x, y) is that from factor * x + (factor - 1) / 2 on, in the middle."""
    transform = bent()
    scaled = transform.scaled(factor)
    x, y = np.array([0.0, 17, 60]), np.array([3.0, 44, 70])

    def larger(place):
        return factor * place + (factor - 1) / 2

    matrix_only = [Transform(each.matrix) for each in (transform, scaled)]
    before, after = (
        matrix_only[0].map_points(x, y),
        matrix_only[1].map_points(larger(x), larger(y)),
    )
    assert after == pytest.approx(larger(before))
    assert scaled.distortion == pytest.approx(factor * transform.distortion)
    assert scaled.pitch == (40 * factor, 25 * factor)
    assert scaled.distortion_at(factor * x, factor * y) == pytest.approx(
        factor * transform.distortion_at(x, y), rel=1e-5
    )


@pytest.mark.parametrize(("rows", "columns"), [(4, 3), (4, 1), (1, 3), (1, 1), (0, 1)])
def test_within_a_box_whole_pixels_lie_at_the_same_place(rows, columns):
    transform = bent(rows, columns)
    part = transform.within_box(11, 6, 30, 20)
    y, x = np.mgrid[:21, :31].astype(float)
    expected = transform.map_points(x + 11, y + 6) - np.array([11, 6])[:, None, None]
    assert part.map_points(x, y) == pytest.approx(expected, abs=1e-4)
    # Along a direction in which nothing changes, one knot is enough.
    shape = (21 if rows > 1 else min(rows, 1), 31 if columns > 1 else 1)
    assert part.distortion.shape[:2] == shape
    assert part.pitch == ((1, 1) if rows else (40, 25))


def test_transforms_as_kernels_take_them():
    transform = bent()
    matrix, distortion, pitch = warp_arguments(transform)
    assert np.array_equal(matrix, transform.matrix)
    assert matrix.flags.c_contiguous
    assert distortion is transform.distortion
    assert pitch == (40, 25)
