"""The fill that continues edges, against a plain one in numpy with 64 bits.

The numbers are those of the description in cpp/restoration/kriging_fill.cpp: cells of 4 x 4 pixels,
32 neighbours within 14 px, structure within two cells.
"""

import numpy as np
import pytest

from dustbust import _kernels

SIDE, MARGIN, REACH, FEW, NEIGHBOURS = 4, 2, 14, 24, 32
KNOWN_NOISE, GUESSED_NOISE = 1, 3
SCHARR = np.array([[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]]) / 32


def nearest_first(angle, stretch):
    """Offsets around a cell, steps along `angle` counting `stretch` times less."""
    y, x = np.mgrid[-REACH : REACH + SIDE, -REACH : REACH + SIDE]
    v, u = y - (SIDE - 1) / 2, x - (SIDE - 1) / 2
    distance = np.hypot(
        (u * np.cos(angle) + v * np.sin(angle)) / stretch, v * np.cos(angle) - u * np.sin(angle)
    )
    order = np.argsort(np.round(distance * 1e6).ravel(), kind="stable")
    order = order[np.hypot(u, v).ravel()[order] <= REACH]
    return np.stack([y.ravel()[order], x.ravel()[order]], axis=1)


TABLES = [nearest_first(k * np.pi / 8, 2) for k in range(8)] + [nearest_first(0, 1)]


class Level:
    """A picture, or one of half its size that is read only around its cells."""

    def __init__(self, values, known, holes, whole=None):
        self.values, self.is_known, self.is_hole, self.whole = values, known, holes, whole
        self.loaded = np.full(known.shape, whole is None)
        self.guessed = {}  # cell -> predicted values

    @property
    def known(self):
        return self.is_known & self.loaded

    @property
    def holes(self):
        return self.is_hole & self.loaded

    def load(self, top, left, bottom, right):
        self.loaded[top:bottom, left:right] = True
        if self.whole:
            self.whole.load(2 * top, 2 * left, 2 * bottom, 2 * right)

    def half(self):
        rows, columns = (-(-size // 2) for size in self.is_known.shape)

        def sums(plane):
            padded = np.zeros((2 * rows, 2 * columns, *plane.shape[2:]))
            padded[: plane.shape[0], : plane.shape[1]] = plane
            return padded.reshape(rows, 2, columns, 2, *plane.shape[2:]).sum(axis=(1, 3))

        count = sums(self.is_known)
        total = sums(np.where(self.is_known[..., None], self.values, 0))
        holes = (count == 0) & (sums(self.is_hole) > 0)
        return Level(total / np.maximum(count, 1)[..., None], count > 0, holes, self)

    def cells(self, wanted, distance):
        """All cells at most so far from one of those that are wanted."""
        down, across = (-(-size // SIDE) for size in self.is_known.shape)
        steps = range(-distance, distance + 1)
        near = {(y + v, x + u) for y, x in wanted for v in steps for u in steps}
        return {(y, x) for y, x in near if 0 <= y < down and 0 <= x < across}

    def structure(self):
        """Products of the gradients where all nine pixels are known, else nothing."""
        window = np.lib.stride_tricks.sliding_window_view
        all_known = window(np.pad(self.known, 1), (3, 3)).all(axis=(2, 3))
        nine = window(np.pad(self.values, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
        gx, gy = (nine * SCHARR).sum(axis=(3, 4)), (nine * SCHARR.T).sum(axis=(3, 4))
        products = [(gx * gx).sum(axis=2), (gx * gy).sum(axis=2), (gy * gy).sum(axis=2)]
        return np.where(all_known, [*products, np.ones(all_known.shape)], 0), self.known.copy()

    def metric(self, structure, row, column):
        """xx, xy, yy, and the list of the nearest pixels."""
        total = np.zeros(4)
        for y, x in self.cells([(row, column)], MARGIN):
            weight = np.exp(-((y - row) ** 2 + (x - column) ** 2) / 2)
            of_cell = structure[:, y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE]
            total += weight * of_cell.sum(axis=(1, 2))
        if total[3] == 0:
            return 1, 0, 1, TABLES[8]
        xx, xy, yy = total[:3] / total[3]
        across, along = np.linalg.eigvalsh([[xx, xy], [xy, yy]])[::-1]
        if across == along:
            return 1, 0, 1, TABLES[8]
        ratio = min((across + 1.5e-4) / (max(along, 0) + 1.5e-4), 8)
        angle = np.arctan2(2 * xy, xx - yy) / 2  # across the structure
        normal = np.array([np.cos(angle), np.sin(angle)])
        tensor = np.outer(normal, normal) * (ratio - 1 / ratio) + np.eye(2) / ratio
        table = round((angle + np.pi / 2) / np.pi * 8) % 8 if ratio > 1.5 else 8
        return tensor[0, 0], tensor[0, 1], tensor[1, 1], TABLES[table]

    def predict(self, structure, row, column):
        """The cell by kriging, or None where no pixel is near it."""
        xx, xy, yy, table = self.metric(structure, row, column)
        known, holes = self.known, self.holes
        places, values, noise = [], [], []
        for dy, dx in table:
            y, x = row * SIDE + dy, column * SIDE + dx
            if not (0 <= y < known.shape[0] and 0 <= x < known.shape[1]):
                continue
            guess = self.guessed.get((y // SIDE, x // SIDE)) if holes[y, x] else None
            if not known[y, x] and guess is None:
                continue
            values.append(self.values[y, x] if known[y, x] else guess[y % SIDE, x % SIDE])
            noise.append(KNOWN_NOISE if known[y, x] else GUESSED_NOISE)
            places.append((dy, dx))
            if len(places) == NEIGHBOURS:
                break
        if not places:
            return None
        places, values = np.array(places), np.array(values)

        def lengths(step):
            v, u = step[..., 0], step[..., 1]
            return np.sqrt(u * u * xx + 2 * u * v * xy + v * v * yy)

        level = 6 * lengths(places).max() + 1
        mean = values.mean(axis=0)
        covariance = level - lengths(places[:, None] - places) + np.diag(noise)
        weights = np.linalg.solve(covariance, values - mean)
        cell = np.stack(np.mgrid[:SIDE, :SIDE], axis=2).reshape(-1, 2)
        result = mean + (level - lengths(cell[:, None] - places)) @ weights
        return result.reshape(SIDE, SIDE, -1)

    def guess_from(self, half, row, column):
        """The cell between the pixels of the picture of half the size, or None."""
        cell = np.zeros((SIDE, SIDE, self.values.shape[2]))
        for y in range(row * SIDE, min((row + 1) * SIDE, len(self.known))):
            for x in range(column * SIDE, min((column + 1) * SIDE, self.known.shape[1])):
                total = weights = 0
                for v, high in ((y // 2, 3), (y // 2 + (1 if y % 2 else -1), 1)):
                    for u, wide in ((x // 2, 3), (x // 2 + (1 if x % 2 else -1), 1)):
                        value = half.value(v, u)
                        if value is not None:
                            total = total + high * wide * value
                            weights += high * wide
                if weights:
                    cell[y % SIDE, x % SIDE] = total / weights
                elif self.holes[y, x]:
                    return None
        return cell

    def value(self, y, x):
        """The value of a pixel, known or predicted, or None."""
        if not (0 <= y < self.known.shape[0] and 0 <= x < self.known.shape[1]):
            return None
        if self.known[y, x]:
            return self.values[y, x]
        cell = self.guessed.get((y // SIDE, x // SIDE)) if self.holes[y, x] else None
        return None if cell is None else cell[y % SIDE, x % SIDE]

    def fill(self, wanted):
        for y, x in self.cells(wanted, MARGIN):
            self.load(y * SIDE, x * SIDE, (y + 1) * SIDE, (x + 1) * SIDE)
        structure, known = self.structure()
        small = max(known.shape) <= 2 * SIDE

        def is_deep(row, column):
            top, left = max((row - 2) * SIDE, 0), max((column - 2) * SIDE, 0)
            around = known[top : (row + 3) * SIDE, left : (column + 3) * SIDE]
            return around.sum() < FEW and not small

        deep = {cell for cell in wanted if is_deep(*cell)}
        if deep:
            half = self.half()
            half.fill(half.cells({(y // 2, x // 2) for y, x in deep}, 1))
            guesses = {cell: self.guess_from(half, *cell) for cell in deep}
            self.guessed = {cell: guess for cell, guess in guesses.items() if guess is not None}
        shallow = {cell: self.predict(structure, *cell) for cell in set(wanted) - deep}
        self.guessed |= {cell: values for cell, values in shallow.items() if values is not None}


def plain_fill(image, mask, colours, scale):
    """Values of the masked pixels, and how many of them have none."""
    picture = image.reshape(*mask.shape, -1)
    has_data = picture[..., -1] > 0 if picture.shape[2] > colours else np.ones(mask.shape, bool)
    level = Level(picture[..., :colours] * float(scale), has_data & ~mask, has_data & mask)
    y, x = np.nonzero(mask)
    level.fill(set(zip((y // SIDE).tolist(), (x // SIDE).tolist(), strict=True)))
    filled = [level.value(v, u) if has_data[v, u] else None for v, u in zip(y, x, strict=True)]
    values = [
        picture[v, u, :colours] if value is None else value / scale
        for v, u, value in zip(y, x, filled, strict=True)
    ]
    failures = sum(
        value is None and has_data[v, u] for v, u, value in zip(y, x, filled, strict=True)
    )
    return np.array(values).reshape(-1, colours), failures


def structured_fill(image, mask, colours, scale, threads=1):
    masked = _kernels.MaskedPixels(np.flatnonzero(mask), *mask.shape)
    return _kernels.structured_fill(image, masked, colours, scale, threads)


def check(image, mask, colours=None, threads=1, tolerance=3e-5):
    """The kernel and the plain fill agree to `tolerance` of the range."""
    colours = colours or (1 if image.ndim == 2 else image.shape[2])
    whole = 1 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    expected, failures = plain_fill(image, mask, colours, 1 / whole)
    values, reported = structured_fill(image, mask, colours, 1 / whole, threads)
    assert reported == failures
    assert values.shape == expected.shape
    assert np.abs(values - expected).max(initial=0) <= tolerance * whole


def textured(shape, seed=0, contrast=0.4):
    """Stripes of changing direction with noise, about 0 to 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    centre = rng.uniform(-0.5, 1.5, 2) * shape[:2]
    stripes = np.sin(np.hypot(y - centre[0], x - centre[1]) / rng.uniform(1.5, 4))
    scales = np.linspace(1, 0.5, shape[2]) if len(shape) == 3 else 1
    values = 0.5 + contrast * np.multiply.outer(stripes, scales)
    return (values + rng.normal(0, 0.03, shape)).astype(np.float32)


def discs(shape, radii, seed=0):
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, bool)
    for radius in radii:
        y, x = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        mask |= np.hypot(*np.ogrid[-y : shape[0] - y, -x : shape[1] - x]) < radius
    return mask


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(37, 46), (38, 45, 3)])
def test_small_dust_is_filled_by_kriging(shape, dtype):
    image = textured(shape, 1)
    if dtype != np.float32:
        image = (np.clip(image, 0, 1) * np.iinfo(dtype).max).astype(dtype)
    check(image, discs(shape[:2], [1, 2, 3, 4, 5, 6], 2), threads=2)


@pytest.mark.parametrize("seed", range(4))
def test_the_structure_around_decides_which_pixels_are_near(seed):
    check(textured((50, 60), seed), discs((50, 60), [3] * 12, seed))
    check(textured((30, 40, 3), seed, contrast=0.02), discs((30, 40), [3] * 8, seed))


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_stripes_of_each_direction_are_followed(angle):
    y, x = np.mgrid[:32, :36]
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    noise = np.random.default_rng(angle).normal(0, 0.01, (32, 36))
    image = (0.5 + 0.4 * np.sin(across / 1.7) + noise).astype(np.float32)
    check(image, discs((32, 36), [2.5] * 5, angle))


def test_an_even_picture_has_no_direction():
    check(np.full((20, 24), 0.4, np.float32), discs((20, 24), [3] * 4))


def test_faint_structure_counts_less():
    """Gradients of the size of noise of 1 %: the ratio is between 1 and 1.5, or a little more."""
    x = np.arange(40)
    for step in (0.002, 0.005, 0.008, 0.01, 0.02, 0.04):
        image = np.tile((step * x).astype(np.float32), (24, 1))
        check(image, discs((24, 40), [3] * 6, 3))


@pytest.mark.parametrize("seed", range(3))
def test_large_dust_is_filled_from_smaller_pictures(seed):
    check(textured((70, 81), seed), discs((70, 81), [30, 3, 4], seed))
    check(textured((45, 52, 3), seed), discs((45, 52), [22], seed), threads=3)


def test_a_picture_in_a_corner_of_dust_is_filled_from_much_smaller_ones():
    mask = np.ones((150, 97), bool)
    mask[:9, :5] = mask[70:75, 50:] = False
    check(textured((150, 97), 5), mask)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.93, 0.95, 0.98, 0.997])
def test_known_pixels_here_and_there(share):
    """Around 0.94 the cells with few known pixels near them are on both sides of the limit."""
    mask = np.random.default_rng(7).random((53, 50)) < share
    check(textured((53, 50), 4), mask)


def test_a_cell_with_24_known_pixels_within_two_cells_is_not_deep():
    image = textured((60, 60), 8)
    for number in (23, 24, 25):
        mask = np.ones((60, 60), bool)
        mask[12:32, 12:32].ravel()[0] = False
        block = np.ones(400, bool)
        block[np.random.default_rng(number).permutation(400)[:number]] = False
        mask[20:40, 20:40] = block.reshape(20, 20)
        check(image, mask)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 70), (70, 1), (2, 3), (4, 4), (5, 8), (8, 8), (8, 9), (9, 8), (12, 40)]
)
def test_pictures_of_any_size(shape):
    rng = np.random.default_rng(sum(shape))
    image = textured(shape, 2)
    for share in (0.1, 0.6, 0.9, 1):
        check(image, rng.random(shape) < share)


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("opaque", [0.05, 0.3, 0.9])
def test_pixels_without_data_are_not_read(channels, opaque):
    rng = np.random.default_rng(channels)
    image = textured((40, 36, channels), 3)
    # Islands in transparency, of which the first has no known pixel.
    image[..., -1] = (rng.random((40, 36)) < opaque) * rng.uniform(0.1, 1, (40, 36))
    mask = rng.random((40, 36)) < 0.6
    check(image, mask, channels - 1)
    mask[:20] = True
    image[18:36, ..., -1] = 0
    check(image, mask, channels - 1)


def test_an_island_without_a_known_pixel_is_filled_from_far_away():
    image = textured((200, 60, 2), 3)
    image[..., 1] = 0
    image[2:9, 3:30, 1] = image[190:197, 3:30, 1] = 1
    mask = np.zeros((200, 60), bool)
    mask[3:5, 4:10] = mask[190:197] = True
    assert plain_fill(image, mask, 1, 1)[1] == 0
    check(image, mask, 1)
    mask[2:9] = True  # now no pixel is known
    assert plain_fill(image, mask, 1, 1)[1] == 2 * 7 * 27
    check(image, mask, 1)


def test_the_scale_changes_no_direction_and_no_value():
    """Directions are those of values in 0 to 1: a scale that says so gives the same fill."""
    image, mask = textured((40, 40), 6), discs((40, 40), [4] * 5)
    expected = structured_fill(image, mask, 1, 1.0)[0]
    larger, _ = structured_fill(image * np.float32(4096), mask, 1, 1 / 4096)
    assert np.array_equal(larger, expected * 4096)
