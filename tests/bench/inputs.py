"""Frames for the benches: photographs with the grain of film behind real dust, as files."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from dustbust.image.morphology import connected
from dustbust.runtime.threads import count

SAMPLES = Path(__file__).parents[1] / "samples"
PHOTOS = sorted((SAMPLES / "run").glob("frame*.jpg"))

# Of 255: the deviation of the grain of a 35 mm film, scanned at 4000 dpi, and the opacity from
# which a pixel counts as dust.
GRAIN = 5.0
DUSTY = 12


def shape_of(megapixels: float) -> tuple[int, int]:
    """(H, W) of a frame of the proportions 2:3."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    return height, round(height * 1.5)


def dust(shape: tuple[int, int], share: float, seed: int = 1) -> np.ndarray:
    """Opacity of dust that covers this share of a frame: uint8 (H, W), 0 to 255.

    The particles of the sample run lie at other places, at the size that they have at this
    resolution and at down to a third of it.
    """
    rng = np.random.default_rng(seed)
    with Image.open(SAMPLES / "run-dust.png") as picture:
        sample = np.asarray(picture)
    positions, labels, particles = connected(sample > 0)
    y, x = np.divmod(positions, sample.shape[1])
    boxes = [
        (y[own].min(), y[own].max() + 1, x[own].min(), x[own].max() + 1)
        for own in (labels == number for number in range(particles))
    ]
    scale = shape[1] / sample.shape[1]
    opacity = np.zeros(shape, np.uint8)
    covered, wanted = 0, share * opacity.size
    while covered < wanted:
        top, bottom, left, right = boxes[rng.integers(particles)]
        size = scale * rng.uniform(1 / 3, 1)
        alone = Image.fromarray(np.pad(sample[top:bottom, left:right], 2))
        enlarged = max(3, round(alone.width * size)), max(3, round(alone.height * size))
        patch = np.asarray(alone.resize(enlarged, Image.Resampling.BILINEAR))
        patch = np.rot90(patch, rng.integers(4))
        if patch.shape[0] >= shape[0] or patch.shape[1] >= shape[1]:
            continue
        v, u = (rng.integers(0, n - m) for n, m in zip(shape, patch.shape, strict=True))
        place = opacity[v : v + patch.shape[0], u : u + patch.shape[1]]
        covered -= np.count_nonzero(place >= DUSTY)
        np.maximum(place, patch, out=place)
        covered += np.count_nonzero(place >= DUSTY)
    return opacity


def make_frames(
    folder: Path,
    frames: int,
    megapixels: float,
    *,
    share: float = 0.01,
    suffix: str = ".jpg",
    numbers: Iterable[int] | None = None,
) -> list[Path]:
    """Write the frames of a run, each of another scene behind the same dust.

    Parameters
    ----------
    folder : pathlib.Path
        Where to.
    frames : int
        How many.
    megapixels : float
        Size of a frame.
    share : float
        Share of a frame that dust covers.
    suffix : {".jpg", ".tif"}
        JPEGs have 8 bits and colours at half the resolution, TIFFs 16 bits and no compression.
    numbers : iterable of int or None
        Which of the frames are to be written; None: all.
    """
    shape = shape_of(megapixels)
    passing = 255 - dust(shape, share)[..., None].astype(np.int16)
    grain = _grain(shape)
    work = partial(_write, folder, suffix, passing, grain)
    with ThreadPoolExecutor(count()) as pool:
        return list(pool.map(work, range(frames) if numbers is None else numbers))


def _grain(shape: tuple[int, int]) -> np.ndarray:
    """Grain of a frame, int8 (H, W, 3): in part the same in all colours, and a little soft."""
    rng = np.random.default_rng(2)
    grain = np.empty((*shape, 3), np.int8)
    for top in range(0, shape[0], 256):
        rows = grain[top : top + 256]
        values = rng.standard_normal((*rows.shape[:2], 3), np.float32)
        values += rng.standard_normal((*rows.shape[:2], 1), np.float32)
        values[:, 1:] += values[:, :-1]
        rows[:] = np.rint(values * np.float32(GRAIN / 2))
    return grain


def _write(folder: Path, suffix: str, passing: np.ndarray, grain: np.ndarray, number: int) -> Path:
    rng = np.random.default_rng([3, number])
    height, width = passing.shape[:2]
    scene = None
    for photo in rng.choice(len(PHOTOS), 2, replace=False):
        with Image.open(PHOTOS[photo]) as opened:
            picture = np.asarray(opened.convert("RGB"))
        picture = picture[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
        # Elsewhere in each frame, so that few have the same at their edges.
        picture = np.roll(picture, rng.integers(picture.shape[:2]), (0, 1))
        scene = picture // 2 if scene is None else scene + picture // 2
    pixels = np.asarray(
        Image.fromarray(scene).resize((width, height), Image.Resampling.BICUBIC)
    ).copy()
    first = rng.integers(height)
    exact = np.empty(pixels.shape, np.uint16) if suffix == ".tif" else None
    for top in range(0, height, 64):
        rows = slice(top, top + 64)
        own = grain.take(range(first + top, first + top + len(pixels[rows])), 0, mode="wrap")
        clean = np.clip(pixels[rows] + own.astype(np.int16), 0, 255)
        # What the dust takes away turns white.
        if exact is not None:
            exact[rows] = 65535 - (255 - clean).astype(np.int32) * passing[rows] * 65535 // 65025
        pixels[rows] = 255 - (255 - clean).astype(np.int32) * passing[rows] // 255
    path = folder / f"{number:03d}{suffix}"
    if exact is not None:
        tifffile.imwrite(path, exact, photometric="rgb")
    else:
        Image.fromarray(pixels).save(path, quality=90)
    return path
