"""Dust is filled from its surroundings, and nothing else changes."""

import numpy as np
import pytest

import dustbust
from dustbust.image.morphology import dilate
from dustbust.restoration.box_fill import fill_boxes
from dustbust.restoration.inpaint import fill_at, fill_dust, fill_pixels, grain_at


def picture(shape, dtype=np.uint8, seed=1):
    """A smooth picture with some noise, in the range of its dtype."""
    y, x = np.mgrid[: shape[0], : shape[1]] / 20
    values = (
        0.5 + 0.3 * np.sin(x + 0.5 * y) + np.random.default_rng(seed).normal(0, 0.02, shape[:2])
    )
    if len(shape) == 3:
        values = np.stack([values * scale for scale in np.linspace(1, 0.6, shape[2])], axis=2)
    return (
        values.astype(np.float32)
        if dtype == np.float32
        else (values * np.iinfo(dtype).max).astype(dtype)
    )


def some_dust(shape, seed=2, count=6):
    """Specks of several sizes, one hair, and dust on the border and in a corner."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(shape[:2], bool)
    for _ in range(count):
        mask |= np.hypot(y - rng.uniform(0, shape[0]), x - rng.uniform(0, shape[1])) < rng.uniform(
            0.5, 5
        )
    mask |= np.abs(y - 0.7 * x - 3) < 1
    mask[:3, :2] = mask[-1, 10:14] = True
    return mask


def box_sums(plane, radius):
    padded = np.pad(plane, [(radius, radius), (radius, radius)] + [(0, 0)] * (plane.ndim - 2))
    return np.lib.stride_tricks.sliding_window_view(
        padded, (2 * radius + 1, 2 * radius + 1), axis=(0, 1)
    ).sum(axis=(-2, -1))


def original_fill_in_numpy(image, mask, box, grow, soften, passes):
    """The description of the original fill, word for word: dilate, means of known pixels, blend."""
    y, x = np.mgrid[-grow : grow + 1, -grow : grow + 1]
    disc = np.abs(x) <= np.rint(np.sqrt(grow**2 - y**2))
    grown = np.zeros(mask.shape, bool)
    for v, u in zip(*np.nonzero(mask), strict=True):
        for dy, dx in zip(y[disc], x[disc], strict=True):
            if 0 <= v + dy < mask.shape[0] and 0 <= u + dx < mask.shape[1]:
                grown[v + dy, u + dx] = True
    filled, left = image.astype(np.float64), grown.copy()
    for _ in range(passes):
        known = (~left).astype(float)
        number = box_sums(known, box // 2)
        total = box_sums(filled * (known if filled.ndim == 2 else known[..., None]), box // 2)
        now = left & (number > 0)
        filled[now] = total[now] / (number[now] if filled.ndim == 2 else number[now][:, None])
        left &= ~now
    reach = int(np.ceil(4 * soften))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / soften) ** 2)

    def blur(plane):
        return np.apply_along_axis(
            lambda line: np.convolve(np.pad(line, reach), bell, "valid"),
            0,
            np.apply_along_axis(
                lambda line: np.convolve(np.pad(line, reach), bell, "valid"), 1, plane
            ),
        )

    weight = np.where(grown, blur(grown.astype(float)) / blur(np.ones(mask.shape)), 0)
    return image + (filled - image) * (weight if image.ndim == 2 else weight[..., None]), left.sum()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 3)])
def test_the_original_fill_does_what_its_description_says(dtype, shape):
    image, mask = picture(shape, dtype), some_dust(shape)
    expected, failures = original_fill_in_numpy(image, mask, 5, 1, 0.8, 50)
    filled, reported = fill_boxes(image, mask, box=5, grow=1, soften=0.8, passes=50)
    assert filled.dtype == dtype
    assert failures == reported == 0
    assert np.abs(filled.astype(float) - expected).max() <= (1e-5 if dtype == np.float32 else 0.51)


def test_the_original_grew_by_2_px_in_boxes_of_7_with_a_blur_of_1():
    image, mask = picture((40, 50), np.float32), some_dust((40, 50))
    expected, _ = original_fill_in_numpy(image, mask, 7, 2, 1.0, 200)
    assert fill_boxes(image, mask)[0] == pytest.approx(expected, abs=1e-5)


def test_200_passes_fill_600_pixels_from_each_side():
    image = np.full((1, 1300), 90, np.uint8)
    mask = np.zeros(image.shape, bool)
    mask[0, 40:1250] = True
    image[mask] = 255
    filled, failures = fill_boxes(image, mask, grow=0, soften=0)
    assert failures == 1210 - 2 * 600
    assert (filled[0, 640:650] == 255).all()
    assert (filled[0, :640] == 90).all()


@pytest.mark.parametrize(
    ("option", "fit", "unfit"),
    [
        ("box", (3, 5, 501), (1, 2, 4, 502, 503)),
        ("grow", (0, 200), (-1, 1.5, 201)),
        ("soften", (0, 0.5, 100), (-0.1, 100.5)),
        ("passes", (1, 10_000), (0, 2.5, 10_001)),
    ],
)
def test_options_of_the_original_fill_have_limits(option, fit, unfit):
    image, mask = picture((12, 15)), np.zeros((12, 15), bool)
    mask[4:6, 7:9] = True
    for value in fit:
        assert fill_boxes(image, mask, **{option: value})[0].shape == image.shape
    for value in unfit:
        with pytest.raises(ValueError, match=option):
            fill_boxes(image, mask, **{option: value})


def test_too_few_passes_are_reported():
    image = picture((60, 60))
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    _expected, failures = original_fill_in_numpy(image, mask, 7, 0, 1.0, 3)
    assert failures == 22**2
    assert fill_boxes(image, mask, grow=0, passes=3)[1] == failures
    with pytest.warns(RuntimeWarning, match=f"{failures} pixels"):
        dustbust.apply_mask(image, mask, method="fill", grow=0, passes=3)


def test_a_picture_that_is_all_dust_is_left_as_it_is():
    image = picture((20, 30, 3))
    filled, failures = fill_boxes(image, np.ones((20, 30), bool))
    assert np.array_equal(filled, image)
    assert failures == 600


def test_pixels_away_from_dust_are_the_same_bytes():
    image, mask = picture((80, 90, 3)), some_dust((80, 90))
    before = image.copy()
    far = ~dilate(mask, 2)
    assert np.array_equal(dustbust.apply_mask(image, mask, method="fill")[far], image[far])
    assert np.array_equal(image, before)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_stays_and_transparent_pixels_are_no_data(channels):
    image = np.full((20, 20, channels), 100, np.uint8)
    image[:, 10:] = 255  # transparent, and of another colour
    image[..., -1] = np.where(np.arange(20) < 10, 200, 0)
    mask = np.zeros((20, 20), bool)
    mask[5:9, 6:14] = True
    filled, _ = fill_boxes(image, mask, soften=0)
    assert np.array_equal(filled, image)


def test_a_float_mask_is_the_opacity_of_the_repair():
    image, mask = picture((40, 50)), some_dust((40, 50))
    full = dustbust.apply_mask(image, mask, method="fill")
    assert np.array_equal(dustbust.apply_mask(image, mask.astype(np.float32), method="fill"), full)
    half = dustbust.apply_mask(image, mask * 0.5, method="fill")
    assert np.abs(half - (image.astype(float) + full) / 2).max() <= 1


def test_the_number_of_threads_changes_nothing():
    image, mask = picture((120, 90, 3)), some_dust((120, 90), count=20)
    one = fill_boxes(image, mask, threads=1)[0]
    for threads in (2, 3, 7):
        assert np.array_equal(fill_boxes(image, mask, threads=threads)[0], one)


def test_dilation_grows_by_a_disc():
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert dilate(mask, 3).sum(axis=1).tolist() == [0, 1, 5, 7, 7, 7, 5, 1, 0]
    assert np.array_equal(dilate(mask, 0), mask)
    assert np.array_equal(dilate(np.eye(5, dtype=bool), 9), np.ones((5, 5), bool))


def test_an_even_picture_stays_even():
    image = np.full((50, 60, 3), (0.2, 0.5, 0.7), np.float32)
    mask = some_dust((50, 60))
    dusty = np.where(mask[..., None], np.float32(1), image)
    assert np.abs(fill_pixels(dusty, mask) - image).max() < 1e-5


@pytest.mark.parametrize("angle", [0, 20, 45, 75, 90, 130])
def test_an_edge_runs_on_through_a_hair(angle):
    y, x = np.mgrid[:80, :80] - 40.0
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    image = (0.2 + 0.6 / (1 + np.exp(-across / 0.7))).astype(np.float32)
    along = y * np.cos(np.radians(angle)) - x * np.sin(np.radians(angle))
    mask = np.abs(along + 0.3 * across) < 3.5  # not quite at a right angle to the edge
    dusty = np.where(mask, np.float32(1), image)
    error = np.sqrt(np.mean((fill_pixels(dusty, mask) - image)[mask] ** 2))
    plain = np.sqrt(np.mean((fill_boxes(dusty, mask, grow=0, soften=0)[0] - image)[mask] ** 2))
    assert error < 0.35 * plain
    assert error < 0.02


def test_large_dust_is_filled_smoothly():
    y, x = np.mgrid[:300, :400]
    image = (0.3 + 0.2 * np.sin(x / 90) + 0.2 * np.cos(y / 70)).astype(np.float32)
    mask = np.hypot(y - 150, x - 200) < 60
    filled = fill_pixels(np.where(mask, np.float32(1), image), mask)
    assert np.abs(filled - image)[mask].max() < 0.1
    assert np.abs(np.diff(filled, axis=0)).max() < 0.03
    assert np.abs(np.diff(filled, axis=1)).max() < 0.03


def test_what_is_under_the_mask_does_not_matter():
    image, mask = picture((60, 70, 3)), some_dust((60, 70))
    other = image.copy()
    other[mask] = 255 - other[mask]
    assert np.array_equal(fill_pixels(image, mask), fill_pixels(other, mask))


def test_with_nothing_known_the_fill_says_so():
    image = picture((30, 20, 3))
    _, values, failures = fill_at(image, np.ones((30, 20), bool))
    assert failures == 600
    assert np.array_equal(values.reshape(30, 20, 3), image)
    assert np.array_equal(fill_pixels(image, np.ones((30, 20), bool)), image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5), (9, 300)])
def test_pictures_of_any_size_are_filled(shape):
    image = np.full(shape, 70, np.uint8)
    mask = np.arange(image.size).reshape(shape) % 7 == 3
    assert np.array_equal(fill_pixels(np.where(mask, 255, image).astype(np.uint8), mask), image)


def test_one_known_pixel_fills_them_all():
    image = np.full((70, 50), 255, np.uint8)
    image[0, 0] = 33
    mask = image == 255
    assert (fill_pixels(image, mask) == 33).all()


def test_transparent_pixels_tell_the_fill_nothing():
    image = np.full((40, 40, 4), 90, np.uint8)
    image[:, 20:] = (255, 0, 0, 0)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 12:30] = True
    assert np.array_equal(fill_pixels(image, mask), image)


def test_the_fill_is_the_same_for_all_depths_of_one_picture():
    image, mask = picture((60, 70, 3)), some_dust((60, 70))
    filled = fill_pixels(image, mask).astype(int)
    deeper = fill_pixels(image.astype(np.uint16) * 257, mask) / 257
    unit = fill_pixels(image.astype(np.float32) / np.float32(255), mask) * 255
    assert np.abs(deeper - filled).max() <= 0.51
    assert np.abs(np.clip(unit, 0, 255) - filled).max() <= 0.51


def test_the_number_of_threads_changes_nothing_in_the_fill():
    image, mask = picture((200, 150, 3)), some_dust((200, 150), count=20)
    mask |= np.hypot(*np.mgrid[-100:100, -70:80]) < 30
    one = fill_at(image, mask, threads=1)[1]
    for threads in (2, 3, 7):
        assert np.array_equal(fill_at(image, mask, threads=threads)[1], one)


def grainy(shape, colours_alike=0.5, level=0.05, seed=3):
    """An even picture with grain of known spectrum and known correlation between its colours."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=shape[:2] + (1,) * (len(shape) - 2))
    noise = np.sqrt(colours_alike) * common + np.sqrt(1 - colours_alike) * rng.normal(size=shape)
    noise = (
        noise + 0.35 * sum(np.roll(noise, step, axis) for step in (-1, 1) for axis in (0, 1))
    ) / np.sqrt(1 + 4 * 0.35**2)
    return (0.5 + level * noise).astype(np.float32)


def finest(plane):
    """What a 3 x 3 mean takes away."""
    return plane[1:-1, 1:-1] - box_sums(plane, 1)[1:-1, 1:-1] / 9


def test_filled_pixels_have_the_grain_of_their_surroundings():
    image = grainy((200, 200, 3))
    mask = np.zeros((200, 200), bool)
    mask[20:-20] = np.arange(200) % 20 < 8
    smooth = fill_pixels(image, mask)
    values = smooth[mask]
    filled = smooth.copy()
    filled[mask] += grain_at(image, mask, values)
    inside = mask[1:-1, 1:-1]

    def energy(picture):
        return np.mean(finest(picture.mean(axis=2))[inside] ** 2)

    assert energy(smooth) < 0.5 * energy(image)
    assert 0.85 < energy(filled) / energy(image) < 1.15

    def alike(picture):
        return np.corrcoef(finest(picture[..., 0])[inside], finest(picture[..., 1])[inside])[0, 1]

    assert abs(alike(filled) - alike(image)) < 0.15
    assert abs((filled - image)[mask].mean()) < 0.005


def test_the_grain_of_a_pixel_that_is_filled_in_part_is_that_of_its_surroundings():
    image = grainy((200, 200))
    mask = np.zeros((200, 200), bool)
    mask[20:-20, 20:-20] = np.arange(160) % 20 < 8
    values = fill_pixels(image, mask)[mask][:, None]
    share = np.full(len(values), 0.5, np.float32)
    values = image[mask][:, None] * 0.5 + values * 0.5
    mixed = image.copy()
    mixed[mask] = (values + grain_at(image, mask, values, share))[:, 0]
    inside = mask[1:-1, 1:-1]
    assert 0.85 < np.mean(finest(mixed)[inside] ** 2) / np.mean(finest(image)[inside] ** 2) < 1.15
    assert not grain_at(image, mask, values, 0 * share).any()


def test_grain_is_the_same_each_time_and_for_any_number_of_threads():
    image, mask = grainy((120, 90, 3)), some_dust((120, 90), count=20)
    values = fill_at(image, mask)[1]
    one = grain_at(image, mask, values, threads=1)
    assert one.any()
    for threads in (1, 2, 5):
        assert np.array_equal(grain_at(image, mask, values, threads=threads), one)


def test_a_picture_without_grain_gets_none():
    image, mask = np.full((60, 60, 3), 120, np.uint8), some_dust((60, 60))
    assert np.array_equal(
        fill_dust(np.where(mask[..., None], 255, image).astype(np.uint8), mask)[0], image
    )


def test_there_is_no_ring_around_filled_dust():
    image, mask = grainy((200, 200), level=0.02), some_dust((200, 200), count=30)
    y, x = np.mgrid[:200, :200] / 200
    image += (0.2 * x - 0.1 * y).astype(np.float32)
    filled, _ = fill_dust(np.where(mask, np.float32(1), image), mask)
    rim = dilate(mask, 2) & ~mask
    for where in (rim, mask):
        assert abs(float((filled - image)[where].mean())) < 0.003


def test_dust_grows_by_two_pixels_and_gets_its_fill_and_its_grain():
    rng = np.random.default_rng(8)
    picture = rng.normal(0.5, 0.05, (60, 70)).astype(np.float32)
    mask = np.zeros(picture.shape, bool)
    mask[30, 30:38] = True
    filled, _ = fill_dust(picture, mask)
    assert np.array_equal(filled != picture, dilate(mask, 2))
    positions, values, _ = fill_at(picture, dilate(mask, 2))
    expected = picture.ravel().copy()
    expected[positions] = (values + grain_at(picture, dilate(mask, 2), values))[:, 0]
    assert filled.ravel() == pytest.approx(expected, abs=1e-6)
