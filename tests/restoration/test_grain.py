"""The grain of filled pixels, against a plain search and a plain loan in numpy with 64 bits.

The numbers are those of the description in cpp/restoration/grain.cpp: tiles of 8 x 8 pixels, six
places of at most 64, which a hash chooses.
"""

import numpy as np
import pytest

from dustbust import _kernels
from dustbust.image.morphology import dilate

SIDE, ENOUGH, TRIES, BORDER = 8, 6, 64, 3
NARROW = np.array([0, 1, 4, 6, 4, 1, 0]) / 16
WIDE = np.array([3, 4, 5, 6, 5, 4, 3]) / 30
REC601 = np.array([0.299, 0.587, 0.114])
BITS = 2**64 - 1


def mixed(bits):
    """The last step of MurmurHash3, of 64 bits."""
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        bits = ((bits ^ bits >> 33) * factor) & BITS
    return bits ^ bits >> 33


def shift(tile, attempt):
    """How far away from a tile the place is that is tried next."""
    bits = mixed(tile * 64 + attempt)
    nearest = 8 + attempt**2 // 18
    radius = nearest + (bits >> 8) % (nearest // 2)
    angle = 2 * np.pi * (bits % 64) / 64
    units = round(1024 * np.sin(angle)), round(1024 * np.cos(angle))
    return tuple(int(np.sign(unit)) * (abs(unit) * radius // 1024) for unit in units)


class PlainGrain:
    """The grain of a picture, one tile after the other."""

    def __init__(self, image, mask, values, share):
        self.mask, self.share = mask, np.clip(np.float64(share), 0, 1)
        self.shape = mask.shape
        colours = values.shape[1]
        picture = image.reshape(*mask.shape, -1)
        self.known = picture[..., :colours].astype(float)
        has_data = picture[..., -1] > 0 if picture.shape[2] > colours else np.ones(mask.shape, bool)
        inside = np.zeros(mask.shape, bool)
        inside[BORDER : mask.shape[0] - BORDER, BORDER : mask.shape[1] - BORDER] = True
        self.usable = [inside & has_data & ~dilate(mask, 4), inside & has_data & ~mask]
        self.filled = self.known.copy()
        self.filled[mask] = values
        self.padded = np.pad(self.filled, ((BORDER, BORDER + SIDE),) * 2 + ((0, 0),), "edge")
        self.luma = np.ones(1) if colours == 1 else REC601
        self.result = np.zeros((*mask.shape, colours))
        down, across = (-(-size // SIDE) for size in mask.shape)
        places = np.full(mask.shape, -1)
        places[mask] = np.arange(len(values))
        self.places = places
        for tile in range(down * across):
            top, left = tile // across * SIDE, tile % across * SIDE
            y, x = np.nonzero(mask[top : top + SIDE, left : left + SIDE])
            if len(y):
                self.add(tile, top, left, y, x)

    def differences(self, top, left, bell):
        """What is left of 8 x 8 pixels without their blur; beyond the border: the nearest pixel."""
        rows, columns = (
            np.clip(np.arange(start - BORDER, start + SIDE + BORDER), 0, size - 1)
            for start, size in ((top, self.shape[0]), (left, self.shape[1]))
        )
        block = self.filled[rows][:, columns]
        windows = np.lib.stride_tricks.sliding_window_view(block, (7, 7), axis=(0, 1))
        blurred = np.einsum("yxcvu,v,u->yxc", windows, bell, bell)
        return block[BORDER:-BORDER, BORDER:-BORDER] - blurred

    def energy_of_finest(self, top, left):
        return (self.differences(top, left, NARROW) @ self.luma) ** 2

    def place(self, tile, top, left, y, x):
        quarter = (y >= 4) * 2 + (x >= 4)

        def sums(values):
            return np.stack([values[quarter == k].sum(axis=0) for k in range(4)])

        own = sums(self.filled[top + y, left + x])
        for usable in self.usable:
            found = []
            for attempt in range(TRIES):
                dy, dx = shift(tile, attempt)
                v, u = top + y + dy, left + x + dx
                if (
                    min(v.min(), u.min()) < 0
                    or v.max() >= self.shape[0]
                    or u.max() >= self.shape[1]
                ):
                    continue
                if not usable[v, u].all():
                    continue
                here = self.known[v, u]
                right, down = here - self.known[v, u - 1], here - self.known[v - 1, u]
                unlike = ((sums(here) - own) ** 2).sum()
                found.append((unlike, (right**2 + down**2).sum(), (dy, dx)))
                if len(found) == ENOUGH:
                    break
            if found:
                limit = 2 * sorted(rough for _, rough, _ in found)[(len(found) - 1) // 2]
                return min(found, key=lambda each: (each[1] > limit, each[0]))[2]
        return None

    def add(self, tile, top, left, y, x):
        place = self.place(tile, top, left, y, x)
        if place is None:
            return
        share = self.share[self.places[top + y, left + x]]
        lacks = 1 - (1 - share) ** 2
        finest = self.energy_of_finest(top + place[0], left + place[1])[y, x]
        own = self.energy_of_finest(top, left)
        wanted, present = finest.sum(), own[y, x].sum()
        clean = ~self.mask[top : top + SIDE, left : left + SIDE]
        if clean.sum() >= SIDE * SIDE / 4:
            energy = own[: clean.shape[0], : clean.shape[1]][clean].mean()
            wanted = min(wanted, 2 * energy * len(y))
        borrowed = (lacks * finest).sum()
        if wanted <= present or borrowed <= 0:
            return
        amplitude = np.sqrt(np.minimum((wanted - present) / borrowed * lacks, 1))[:, None]
        detail = self.differences(top + place[0], left + place[1], WIDE)[y, x]
        most = 4 * np.abs(detail).mean(axis=0)
        self.result[top + y, left + x] = amplitude * np.clip(detail, -most, most)


def grain(image, mask, values, share=None, threads=1):
    masked = _kernels.MaskedPixels(np.flatnonzero(mask), *mask.shape)
    share = np.ones(len(values), np.float32) if share is None else share
    return _kernels.grain(image, masked, values, share, threads)


def check(image, mask, values, share=None, threads=1):
    """The kernel and the plain loan agree; at least some grain is added."""
    full = np.ones(len(values)) if share is None else share
    expected = PlainGrain(image, mask, values, full).result[mask]
    result = grain(image, mask, values, share, threads)
    assert result.shape == values.shape
    whole = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    assert np.abs(result - expected).max() <= 2e-5 * whole
    return expected


def noisy(shape, dtype=np.float32, seed=0, level=0.05):
    """Noise on slow waves; an alpha is opaque."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    values = 0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 7)
    if len(shape) == 3:
        values = np.stack([values * scale for scale in np.linspace(1, 0.6, shape[2])], axis=2)
    values = values + rng.normal(0, level, shape)
    if len(shape) == 3 and shape[2] in (2, 4):
        values[..., -1] = 1
    if dtype == np.float32:
        return values.astype(dtype)
    return (np.clip(values, 0, 1) * np.iinfo(dtype).max).astype(dtype)


def specks(shape, count, seed=0, radius=3.0):
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, bool)
    for _ in range(count):
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        size = rng.uniform(0.6, radius)
        mask |= np.hypot(*np.ogrid[-y : shape[0] - y, -x : shape[1] - x]) < size
    return mask


def smooth_values(image, mask, level=0.0, seed=0):
    """Masked pixels near the mean of the picture, with a little noise."""
    colours = 1 if image.ndim == 2 else 3 if image.shape[2] >= 3 else 1
    picture = image.reshape(*mask.shape, -1)[..., :colours]
    whole = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    noise = np.random.default_rng(seed).normal(0, level * whole, (mask.sum(), colours))
    return (picture.mean(axis=(0, 1)) + noise).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(67, 75), (64, 72, 2), (70, 61, 3), (50, 66, 4)])
def test_grain_is_borrowed_from_places_that_a_hash_chooses(shape, dtype):
    image, mask = noisy(shape, dtype), specks(shape[:2], 14)
    assert check(image, mask, smooth_values(image, mask), threads=2).any()
    assert check(image, mask, smooth_values(image, mask, 0.02)).any()


def test_less_grain_is_added_where_less_was_filled():
    image, mask = noisy((60, 70, 3), seed=1), specks((60, 70), 12, seed=1)
    values = smooth_values(image, mask, 0.01)
    share = np.random.default_rng(1).uniform(-0.2, 1.2, len(values)).astype(np.float32)
    assert check(image, mask, values, share).any()
    assert not check(image, mask, values, 0 * share).any()


@pytest.mark.parametrize("level", [0.02, 0.04, 0.06])
def test_values_with_grain_of_their_own_get_the_rest(level):
    image, mask = noisy((60, 70), seed=2), specks((60, 70), 16, seed=2)
    expected = check(image, mask, smooth_values(image, mask, level))
    assert expected.any()
    assert not expected.all()


@pytest.mark.parametrize("seed", range(4))
def test_places_without_the_roughest_are_taken(seed):
    """Edges through the picture: some of the places that are tried are much rougher than others."""
    image, mask = noisy((72, 80), seed=seed, level=0.02), specks((72, 80), 20, seed)
    image[:, 23::20] += np.float32(0.5)
    image[31::24] -= np.float32(0.3)
    check(image, mask, smooth_values(image, mask))


def test_detail_far_above_its_mean_is_cut():
    rng = np.random.default_rng(3)
    image = noisy((64, 64), seed=3, level=0.01)
    image[rng.random((64, 64)) < 0.01] += np.float32(0.3)
    check(image, specks((64, 64), 12, 3), smooth_values(image, specks((64, 64), 12, 3)))


@pytest.mark.parametrize("share", [0.02, 0.08, 0.15, 0.3])
def test_places_between_dust_are_taken_where_there_are_no_others(share):
    rng = np.random.default_rng(4)
    image, mask = noisy((64, 64), seed=4), rng.random((64, 64)) < share
    assert check(image, mask, smooth_values(image, mask)).any()


@pytest.mark.parametrize("shape", [(7, 9), (16, 16), (20, 31), (24, 300), (300, 17), (600, 40)])
def test_grain_is_found_as_far_away_as_250_px(shape):
    """Dust at one end: the first places that are tried are masked or outside of the picture."""
    image = noisy(shape, seed=5)
    mask = np.zeros(shape, bool)
    mask[: shape[0] * 2 // 3, : max(shape[1] * 2 // 3, 12)] = True
    assert check(image, mask, smooth_values(image, mask)).any() == (min(shape) > 16)


@pytest.mark.parametrize("size", range(6, 40, 3))
def test_each_place_of_a_small_picture(size):
    """Single pixels: places up to three pixels from the border of the picture can be borrowed."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        image, mask = noisy((size, size + seed), seed=seed), np.zeros((size, size + seed), bool)
        mask.ravel()[rng.integers(mask.size)] = True
        check(image, mask, smooth_values(image, mask))


def test_pixels_without_data_are_not_borrowed():
    image, mask = noisy((60, 66, 4), np.uint8, seed=6), specks((60, 66), 12, 6)
    rng = np.random.default_rng(6)
    image[..., 3] = np.kron(rng.random((10, 11)) < 0.7, np.ones((6, 6))) * 1
    assert check(image, mask, smooth_values(image, mask)).any()


def test_a_tile_that_is_a_quarter_clean_limits_the_grain():
    """The clean pixels of the tile are smooth: with 16 of them the grain is too, with 15 not."""
    energy = []
    for clean in (15, 16, 17):
        image = noisy((64, 64), seed=7)
        mask = np.zeros((64, 64), bool)
        tile = np.ones(64, bool)
        tile[:clean] = False
        mask[24:32, 24:32] = tile.reshape(8, 8)
        image[21:35, 21:35] = 0.5
        values = np.full((mask.sum(), 1), 0.5, np.float32)
        energy.append((check(image, mask, values) ** 2).sum())
    assert energy[0] > 0
    assert energy[1] == energy[2] == 0


def test_a_row_of_dust_along_each_border():
    image = noisy((48, 40, 3), seed=8)
    for where in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1], np.s_[20:21, :-5]):
        mask = np.zeros((48, 40), bool)
        mask[where] = True
        assert check(image, mask, smooth_values(image, mask)).any()
        mask[:] |= specks((48, 40), 6, 8)
        assert check(image, mask, smooth_values(image, mask)).any()
