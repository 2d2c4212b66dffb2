"""Every stacking mode against numpy and scipy, for all kinds of pictures."""

import numpy as np
import pytest
from scipy import stats

from dustbust.stacking.modes import names_of
from dustbust.stacking.statistics import combine, viewable

PICTURES, STATISTICS = names_of("picture"), names_of("statistic")
DTYPES = (np.uint8, np.uint16, np.float32)


def skewness(values):
    """Photoshop's: the sum of cubes is divided by n - 1 and the cube of the n - 1 deviation."""
    n = len(values)
    return np.sum((values - values.mean(axis=0)) ** 3, axis=0) / (
        (n - 1) * values.std(axis=0, ddof=1) ** 3
    )


def kurtosis(values):
    n = len(values)
    return np.sum((values - values.mean(axis=0)) ** 4, axis=0) / (
        (n - 1) * values.std(axis=0, ddof=1) ** 4
    )


def entropy(values):
    def of(column):
        shares = np.unique(column, return_counts=True)[1] / len(column)
        return stats.entropy(shares, base=2)

    return np.apply_along_axis(of, 0, values)


REFERENCES = {
    "maximum": lambda v: v.max(axis=0),
    "minimum": lambda v: v.min(axis=0),
    "mean": lambda v: v.mean(axis=0),
    "median": lambda v: np.median(v, axis=0),
    "range": lambda v: np.ptp(v, axis=0),
    "standard deviation": lambda v: v.std(axis=0, ddof=1),
    "variance": lambda v: v.var(axis=0, ddof=1),
    "sum": lambda v: v.sum(axis=0),
    "entropy": entropy,
    "skewness": skewness,
    "kurtosis": kurtosis,
}


def random_stack(rng, dtype, count, shape):
    """Pictures with many equal values, and with values at both ends of the range."""
    levels = rng.integers(0, 6, (count, *shape))
    if dtype == np.float32:
        return (levels / 5 + rng.choice([0, 1e-3], levels.shape)).astype(np.float32)
    return (levels * (np.iinfo(dtype).max // 5)).astype(dtype)


def expected(mode, stack, dtype):
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.nan_to_num(REFERENCES[mode](stack.astype(np.float64)), nan=0.0, posinf=0.0)
    return np.rint(values) if mode in PICTURES and dtype != np.float32 else values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", PICTURES + STATISTICS)
@pytest.mark.parametrize("count", [2, 3, 4, 7, 33])
def test_mode_agrees_with_its_definition(mode, dtype, count):
    rng = np.random.default_rng(count)
    for shape in [(31, 47), (1, 700, 3)]:
        stack = random_stack(rng, dtype, count, shape)
        result = combine(list(stack), mode)
        truth = expected(mode, stack, dtype)
        assert result.shape == shape
        assert result.dtype == (dtype if mode in PICTURES else np.float32)
        assert np.allclose(result, truth, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", PICTURES + STATISTICS)
@pytest.mark.parametrize("colours", [1, 3])
def test_transparent_pixels_do_not_count(mode, dtype, colours):
    rng = np.random.default_rng(5)
    opaque = 1 if dtype == np.float32 else np.iinfo(dtype).max
    stack = random_stack(rng, dtype, 5, (20, 30, colours + 1))
    stack[..., -1] = opaque
    stack[2, :10, :10, -1] = 0  # one scan misses a corner
    stack[:, 15:, 20:, -1] = rng.choice([0, opaque // 2 if opaque > 1 else 0.5, opaque], (5, 5, 10))
    stack[:, 19, 29, -1] = 0
    result = combine(list(stack), mode, alpha=True)
    for y in range(20):
        for x in range(30):
            here = stack[stack[:, y, x, -1] > 0, y, x]
            assert result[y, x, -1] == (here[:, -1].max() if len(here) else 0)
            if len(here) == 0:
                assert not result[y, x].any()
            elif len(here) == 1:
                spread = mode in STATISTICS and mode != "sum"
                assert np.allclose(result[y, x, :-1], 0 if spread else here[0, :-1])
    corner = stack[[0, 1, 3, 4], :10, :10, :-1]
    assert np.allclose(result[:10, :10, :-1], expected(mode, corner, dtype), rtol=1e-6, atol=1e-6)
    assert np.allclose(
        result[:15, 10:, :-1], expected(mode, stack[:, :15, 10:, :-1], dtype), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("mode", PICTURES + STATISTICS)
def test_two_hundred_pictures(mode):
    stack = random_stack(np.random.default_rng(6), np.uint16, 200, (9, 13))
    assert np.allclose(
        combine(list(stack), mode), expected(mode, stack, np.uint16), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("mode", PICTURES + STATISTICS)
def test_threads_do_not_matter(mode):
    stack = random_stack(np.random.default_rng(7), np.uint8, 6, (97, 101, 3))
    assert np.array_equal(
        combine(list(stack), mode, threads=1), combine(list(stack), mode, threads=5)
    )


def test_pictures_are_not_modified():
    stack = random_stack(np.random.default_rng(8), np.uint8, 4, (20, 20))
    before = stack.copy()
    for mode in PICTURES + STATISTICS:
        combine(list(stack), mode)
    assert np.array_equal(stack, before)


def test_viewable_statistic_says_its_scale():
    values = np.linspace(0, 300, 1200, dtype=np.float32).reshape(30, 40)
    picture, white = viewable(values, np.uint8)
    inside = values <= white
    assert inside.mean() >= 0.999
    assert np.abs(picture[inside] / 255 * white - values[inside]).max() <= white / 255 / 2 + 1e-3
    middle, white = viewable(np.array([[-2, 0, 2]], np.float32), np.uint16)
    assert middle.tolist() == [[0, 32768, 65535]]
    assert white == 2
    black, white = viewable(np.zeros((3, 4), np.float32), np.uint8)
    assert not black.any()
    assert white == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_value_in_a_thousand_may_be_lighter_than_white(dtype):
    full = 1 if dtype is np.float32 else np.iinfo(dtype).max
    for number, expected in ((1, 5.0), (2, 900.0)):
        values = np.full((20, 50), 5, np.float32)
        values.ravel()[:number] = 900
        picture, white = viewable(values, dtype)
        assert white == expected
        assert (picture.ravel()[:number] == full).all()
    signed, _ = viewable(np.float32([[-5] * 600 + [5] * 399 + [-900]]), dtype)
    assert signed[0, -1] == signed[0, 0] == 0
    assert signed[0, 700] == full


@pytest.mark.parametrize("dtype", DTYPES)
def test_alpha_stays_and_does_not_count(dtype):
    full = 1 if dtype is np.float32 else np.iinfo(dtype).max
    values = np.zeros((2, 3, 4), np.float32)
    values[..., 2], values[0, :, 3] = 0.25, full
    picture, white = viewable(values, dtype, alpha=True)
    assert white == 0.25
    assert (picture[..., 2] == full).all()
    assert not picture[..., :2].any()
    assert np.array_equal(picture[..., 3], values[..., 3])


@pytest.mark.parametrize("count", [32767, 32769, 70000])
def test_sums_of_many_white_pictures_are_exact(count):
    """A sum of more than 32767 of them does not fit into 32 bits."""
    stack = [np.full((1, 19), 65535, np.uint16)] * count
    assert (combine(stack, "sum") == np.float32(65535 * count)).all()
    assert (combine(stack, "mean") == 65535).all()


def test_what_is_not_a_number_is_sorted_behind_all_numbers():
    values = [2.0, np.nan, 5.0, 1.0, 7.0, np.nan]
    stack = [np.float32([[[value, 1], [value, 1]]]) for value in values]
    stack.append(np.float32([[[0, 0], [0, 1]]]))  # one scan has no data at the first pixel
    for count, middle in ((3, 5.0), (5, 5.0), (6, 6.0)):
        result = combine([*stack[:count], stack[-1]], "median", alpha=True)
        assert result[0, 0, 0] == middle


def test_unknown_mode_is_named():
    with pytest.raises(ValueError, match=r"maximum.*not 'average'"):
        combine([np.zeros((2, 2), np.uint8)] * 2, "average")
