"""Offset scans of a made-up page, with known dust and known offsets; numpy only.

The page is a table of ink that is four times as fine as a scan. A scan looks up where each of its
fine pixels lies on the page and averages 4 x 4 of them, so that movements by quarters of a pixel
are exact. Other movements are exact on average.
"""

from dataclasses import dataclass

import numpy as np

FINE = 4
PAPER, INK = 0.85, 0.12


@dataclass
class Scans:
    """Scans of one page, and the truth about them.

    Parameters
    ----------
    scans : list of ndarray of uint8, shape (H, W)
    clean : ndarray of float, shape (H, W)
        0..255, what scan 0 would be without dust and noise.
    matrices : list of ndarray, shape (3, 3)
        Pixel of scan 0 to pixel of scan k.
    dust : ndarray of float, shape (H, W)
        Opacity of the dust on the scanner.
    """

    scans: list
    clean: np.ndarray
    matrices: list
    dust: np.ndarray


def page_of_text(rng, height, width):
    """Columns of random letters, float (FINE * height, FINE * width), 1 = ink."""
    page = np.zeros((height * FINE, width * FINE), np.float32)
    for top in range(4, height - 12, 13):
        left = 6 + int(rng.integers(0, 12))
        while left < width - 12:
            for _ in range(rng.integers(2, 9)):
                if left >= width - 12:
                    break
                glyph = np.kron(rng.random((4, 3)) < 0.55, np.ones((2 * FINE, 2 * FINE)))
                y, x = top * FINE + rng.integers(0, 3), left * FINE
                page[y : y + glyph.shape[0], x : x + glyph.shape[1]] = glyph
                left += 8
            left += 7
    return page


def dust_on_glass(rng, height, width, coverage=0.04):
    """Opacities of random particles and hairs, float (height, width)."""
    opacity = np.zeros((height, width), np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    while (opacity > 0.15).mean() < coverage:
        cy, cx, strength = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(0.5, 1)
        if rng.random() < 0.3:
            angle, length = rng.uniform(0, np.pi), rng.uniform(10, 40)
            along, across = (
                (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle),
                (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle),
            )
            distance = np.hypot(np.maximum(np.abs(along) - length / 2, 0), across) - 1.2
        else:
            distance = np.hypot(x - cx, (y - cy) * rng.uniform(0.6, 1.6)) - rng.uniform(1, 6)
        np.maximum(opacity, strength * np.clip(1 - distance, 0, 1), out=opacity)
    return opacity


def movement(dx=0.0, dy=0.0, turn=0.0, stretch=1.0, height=480, width=640):
    """Matrix of a page that moves by (dx, dy) px, turns (degrees) and stretches.

    It does so about the middle of scan 0.
    """
    c, s = stretch * np.cos(np.radians(turn)), stretch * np.sin(np.radians(turn))
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.eye(3)
    matrix[:2, :2] = [[c, s], [-s, c]]
    matrix[:2, 2] = middle - matrix[:2, :2] @ middle + np.array([dx, dy])
    return matrix


def scan_page(page, matrix, shape, waver=None):
    """A scan without dust and noise, float (H, W) in 0..1.

    waver: (H, 2) px by which each row of the scan looks beside its place.
    """
    height, width = shape
    y, x = np.mgrid[: height * FINE, : width * FINE].astype(np.float64)
    y, x = (y + 0.5) / FINE - 0.5, (x + 0.5) / FINE - 0.5
    if waver is not None:
        rows = np.arange(height)
        x, y = (
            x + np.interp(y[:, 0], rows, waver[:, 0])[:, None],
            y + np.interp(y[:, 0], rows, waver[:, 1])[:, None],
        )
    back = np.linalg.inv(matrix)
    u, v = (
        back[0, 0] * x + back[0, 1] * y + back[0, 2],
        back[1, 0] * x + back[1, 1] * y + back[1, 2],
    )
    # The page is larger than scan 0 by this much on each side.
    border_y, border_x = (page.shape[0] - height * FINE) // 2, (page.shape[1] - width * FINE) // 2
    row = np.clip(np.floor((v + 0.5) * FINE).astype(int) + border_y, 0, page.shape[0] - 1)
    column = np.clip(np.floor((u + 0.5) * FINE).astype(int) + border_x, 0, page.shape[1] - 1)
    ink = page[row, column].reshape(height, FINE, width, FINE).mean(axis=(1, 3))
    # A lens is not sharper than about a pixel.
    for axis in (0, 1):
        padded = np.pad(ink, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        ink = (
            0.25 * np.take(padded, range(ink.shape[axis]), axis)
            + 0.5 * ink
            + 0.25 * np.take(padded, range(2, ink.shape[axis] + 2), axis)
        )
    return PAPER + (INK - PAPER) * ink


def simulate(
    moves,
    *,
    seed=1,
    shape=(480, 640),
    polarity="dark",
    coverage=0.04,
    noise=0.015,
    gain=(),
    waver=None,
    page=None,
    later=None,
):
    """Scans of one page: scan 0, and one for each matrix of `moves`.

    later: share of the glass on which other dust lies in each scan but the first, 0 if it was
    wiped; None for the same dust in all.
    """
    rng = np.random.default_rng(seed)
    height, width = shape
    if page is None:
        page = page_of_text(rng, 2 * height, 2 * width)
    dust = dust_on_glass(rng, height, width, coverage) if coverage else np.zeros(shape, np.float32)
    dusts = [dust] * (1 + len(moves))
    if later is not None:
        others = (np.random.default_rng([seed, 9 + k]) for k in range(len(moves)))
        dusts[1:] = [dust_on_glass(other, height, width, later) for other in others]
    matrices = [np.eye(3), *moves]
    scans = []
    for k, matrix in enumerate(matrices):
        view = scan_page(page, matrix, shape, waver if k else None) * (gain[k] if gain else 1.0)
        if k == 0:
            clean = view * 255
        tone = {"dark": 0.05, "light": 0.98}[polarity]
        view = view * (1 - dusts[k]) + tone * dusts[k] + rng.normal(0, noise, shape)
        scans.append((np.clip(view, 0, 1) * 255 + 0.5).astype(np.uint8))
    return Scans(scans, clean, matrices, dust)


def largest_error(found, true, shape=(480, 640)):
    """px, the largest distance between two matrices at the four quarter points of a scan."""
    height, width = shape
    points = np.array(
        [(x, y, 1) for x in (width / 4, 3 * width / 4) for y in (height / 4, 3 * height / 4)]
    ).T
    return float(np.abs((found @ points)[:2] - (true @ points)[:2]).max())


def psnr(image, truth, margin=60):
    inner = np.s_[margin:-margin, margin:-margin]
    return float(
        10 * np.log10(255**2 / np.mean((np.asarray(image, float)[inner] - truth[inner]) ** 2))
    )
