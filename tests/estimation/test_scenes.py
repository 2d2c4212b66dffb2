"""Which frames show one scene: digests that are made up."""

import numpy as np
import pytest

from dustbust.estimation.scenes import Scenes, _detail, _reduced, digest_of

INSIDE = np.zeros((40, 60), bool)  # nothing is outside


def picture(seed, shape=(40, 60)):
    return np.float32(np.random.default_rng(seed).uniform(0.2, 0.8, shape))


def mixed(one, other, share):
    """A scene that correlates with `one` by about this share."""
    return np.float32(0.5 + share * (one - 0.5) + (1 - share**2) ** 0.5 * (other - 0.5))


def scenes(*backgrounds, outside=INSIDE):
    return Scenes({3 * n: digest_of(each) for n, each in enumerate(backgrounds)}, outside)


def test_of_frames_of_one_scene_the_first_counts():
    one, other = picture(1), picture(2)
    found = scenes(one, other, one * np.float32(0.8), other, picture(3))
    assert found.kept == [0, 3, 12]
    assert found.left_out == {6: 0, 9: 3}


@pytest.mark.parametrize(("share", "alike"), [(0.83, False), (0.87, True)])
def test_scenes_are_the_same_if_they_correlate_by_more_than_85_per_cent(share, alike):
    one, other = picture(1), picture(2)
    one, other = (0.5 + (each - each.mean()) / (4 * each.std()) for each in (one, other))
    found = scenes(one, mixed(one, other, share))
    assert (found.left_out == {3: 0}) == alike


def test_plain_frames_are_no_scene():
    sky = np.full((40, 60), 0.5, np.float32)
    found = scenes(sky, sky, sky)
    assert found.kept == [0, 3, 6]
    assert found.left_out == {}
    slow = sky + np.float32(np.linspace(0, 0.004, 60))
    assert scenes(slow, slow).left_out == {}


@pytest.mark.parametrize(("contrast", "plain"), [(0.0038, True), (0.0044, False)])
def test_contrast_below_four_thousandths_is_plain(contrast, plain):
    signs = np.where(np.indices((40, 60)).sum(axis=0) % 2, 1, -1)
    digest = np.float32(0.5 + contrast * signs)
    found = _detail(digest, np.ones((40, 60), np.float32))
    assert (found is None) == plain
    if found is not None:
        assert (found**2).sum() == pytest.approx(1, rel=1e-3)
        assert found.sum() == pytest.approx(0, abs=1e-3)


def test_what_lies_outside_of_the_picture_makes_no_scenes_alike():
    one, other = picture(1), picture(2)
    border = picture(9)
    outside = np.zeros((40, 60), bool)
    outside[:30] = True
    one[:30] = other[:30] = border[:30]
    assert scenes(one, other, outside=outside).left_out == {}
    other[30:] = one[30:]
    other[:30] = picture(5)[:30]
    assert scenes(one, other, outside=outside).left_out == {3: 0}
    nothing = np.ones((40, 60), bool)
    assert scenes(one, one, outside=nothing).kept == [0, 3]


def test_a_digest_has_about_64_numbers():
    for longest, factor in ((64, 1), (95, 1), (97, 2), (384, 6)):
        blocks = picture(1, (longest, 48))
        found = _reduced(blocks)
        assert found.shape == (-(-longest // factor), 48 // factor)
        assert found[0, 0] == pytest.approx(blocks[:factor, :factor].mean(), rel=1e-5)
    coded = digest_of(np.float32([[-0.5, 0.25, 1.5]]))
    assert coded.dtype == np.uint16
    assert coded.tolist() == [[0, round(0.25 * 65535), 65535]]
